import { encodeQR } from 'qr';

/**
 * A video (Y4M) of one picture, for a browser's pretended camera: a QR code of `text`, black on white, `side` pixels
 * wide and high.
 */
export function qrVideo(text: string, side = 480): Uint8Array {
  const rows = encodeQR(text, 'raw', { ecc: 'low', border: 4 });
  const scale = Math.floor(side / rows.length);
  const margin = Math.floor((side - scale * rows.length) / 2);
  const luma = new Uint8Array(side * side).fill(235);
  rows.forEach((row, y) =>
    row.forEach((dark, x) => {
      if (!dark) return;
      for (let line = 0; line < scale; line++) {
        const at = (margin + y * scale + line) * side + margin + x * scale;
        luma.fill(16, at, at + scale);
      }
    }),
  );
  const chroma = new Uint8Array((side * side) / 2).fill(128);
  const header = `YUV4MPEG2 W${String(side)} H${String(side)} F10:1 Ip A1:1 C420jpeg\n`;
  return Buffer.concat([Buffer.from(header), Buffer.from('FRAME\n'), luma, chroma]);
}
