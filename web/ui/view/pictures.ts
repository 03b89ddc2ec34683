/** A picture's longest side in pixels, and the most bytes that its JPEG may have. */
export const PICTURE_SIDE = 256;
export const PICTURE_BYTES = 32_768;

/** The largest square in the middle of a picture. */
export function middleSquare(width: number, height: number): { x: number; y: number; side: number } {
  const side = Math.min(width, height);
  return { x: Math.round((width - side) / 2), y: Math.round((height - side) / 2), side };
}

/** Sides and qualities to try, the best first, until the JPEG is small enough. */
export const attempts: readonly { side: number; quality: number }[] = [
  { side: PICTURE_SIDE, quality: 0.86 },
  { side: PICTURE_SIDE, quality: 0.7 },
  { side: 192, quality: 0.7 },
  { side: 128, quality: 0.6 },
  { side: 96, quality: 0.5 },
];

/** A square JPEG of a picture file. It is drawn anew, so nothing of the file's own data goes with it. */
export async function squarePicture(file: Blob): Promise<Uint8Array> {
  const image = await createImageBitmap(file);
  const { x, y, side: from } = middleSquare(image.width, image.height);
  const canvas = document.createElement('canvas');
  try {
    for (const { side, quality } of attempts) {
      canvas.width = canvas.height = side;
      const context = canvas.getContext('2d')!;
      // A JPEG has no holes: what was clear becomes white.
      context.fillStyle = '#fff';
      context.fillRect(0, 0, side, side);
      context.imageSmoothingQuality = 'high';
      context.drawImage(image, x, y, from, from, 0, 0, side, side);
      const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/jpeg', quality));
      if (blob && blob.size <= PICTURE_BYTES) return new Uint8Array(await blob.arrayBuffer());
    }
  } finally {
    image.close();
  }
  throw new Error('the picture stays too large');
}

export const sameBytes = (a: Uint8Array | null, b: Uint8Array | null): boolean =>
  a === b || (a !== null && b !== null && a.length === b.length && a.every((byte, i) => byte === b[i]));
