const two = (n: number): string => String(n).padStart(2, '0');

/** The name of a backup file, by the local date: hourglass-2026-11-28.backup. */
export const backupName = (at: Date): string =>
  `hourglass-${String(at.getFullYear())}-${two(at.getMonth() + 1)}-${two(at.getDate())}.backup`;

/** How long the browser may take to begin with a download, ms. */
const KEPT_MS = 60_000;

/** Hands a file to the browser's downloads. */
export function saveFile(content: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
}
