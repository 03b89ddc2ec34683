/**
 * Pictures before they are sent. Drawing one anew leaves behind whatever else its file says: where it was taken and when, by
 * whom and with what.
 */

/** Bytes of a preview, at the most. */
const MAX_PREVIEW = 8_192;
/** Longest side in pixels, and quality, of the previews that are tried, the best first. */
const PREVIEWS = [
  [480, 0.6],
  [320, 0.6],
  [240, 0.5],
  [160, 0.5],
  [96, 0.4],
  [48, 0.3],
] as const;
const JPEG_QUALITY = 0.9;

/** What is drawn anew, and in which quality. */
const redrawn = new Map<string, number | undefined>([
  ['image/jpeg', JPEG_QUALITY],
  ['image/png', undefined],
  ['image/webp', JPEG_QUALITY],
]);

/** `cleaned`: drawn anew; otherwise the content is the file as it was. `preview` is a JPEG, or null where there is nothing to see. */
export type PreparedImage = { content: Blob; preview: Uint8Array | null; type: string; cleaned: boolean };

/**
 * A JPEG, PNG or WebP without anything but the picture; other files as they are. Rejects when a picture that should be drawn
 * anew can't be: it would tell more than its sender sees.
 */
export const prepareImage = async (file: Blob): Promise<PreparedImage> => {
  const type = await typeOf(file);
  const bitmap = await createImageBitmap(file).catch(() => undefined);
  if (!redrawn.has(type)) {
    const preview = bitmap ? await previewOf(bitmap).catch(() => null) : null;
    bitmap?.close();
    return { content: file, preview, type, cleaned: false };
  }
  if (!bitmap) throw new Error('This picture cannot be read, so what else it says cannot be taken out.');
  try {
    const content = await draw(bitmap, Math.max(bitmap.width, bitmap.height), type, redrawn.get(type));
    return { content, preview: await previewOf(bitmap), type: content.type, cleaned: true };
  } finally {
    bitmap.close();
  }
};

const startsWith = (bytes: Uint8Array, text: string, at = 0): boolean =>
  [...text].every((letter, i) => bytes[at + i] === letter.charCodeAt(0));

/** By its first bytes, for a file may be called anything. */
const typeOf = async (file: Blob): Promise<string> => {
  const head = new Uint8Array(await file.slice(0, 12).arrayBuffer());
  if (head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff) return 'image/jpeg';
  if (startsWith(head, 'PNG', 1)) return 'image/png';
  if (startsWith(head, 'RIFF') && startsWith(head, 'WEBP', 8)) return 'image/webp';
  return redrawn.has(file.type) ? 'application/octet-stream' : file.type;
};

const previewOf = async (bitmap: ImageBitmap): Promise<Uint8Array | null> => {
  for (const [side, quality] of PREVIEWS) {
    const drawn = await draw(bitmap, side, 'image/jpeg', quality);
    if (drawn.size <= MAX_PREVIEW) return new Uint8Array(await drawn.arrayBuffer());
  }
  return null;
};

/** With `side` pixels on its longest side, if it has more. A browser that can't write a type writes a PNG. */
const draw = async (
  bitmap: ImageBitmap,
  side: number,
  type: string,
  quality: number | undefined,
): Promise<Blob> => {
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext('2d');
  if (!context) throw new Error('This browser does not let pictures be drawn.');
  if (type === 'image/jpeg') {
    // What shows through would be black.
    context.fillStyle = '#fff';
    context.fillRect(0, 0, canvas.width, canvas.height);
  }
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const drawn = await new Promise<Blob | null>((done) => canvas.toBlob(done, type, quality));
  canvas.width = 0;
  if (!drawn) throw new Error('This picture is too large to be drawn anew.');
  return drawn;
};
