import type { FileView, VoiceView } from '#web/api.ts';
import { reasonText, t } from '../i18n/text.ts';
import { amountOf, sizeOf } from './helping.ts';
import { span } from './times.ts';

/** What can be sent, in bytes, and how many files at once. */
export const MOST_BYTES = 100 * 1024 * 1024;
export const MOST_FILES = 10;
/** Larger pictures are shown by their preview until someone asks for them. */
const SHOWN_BYTES = 24 * 1024 * 1024;

/** Those that every browser here draws; what else a sender calls a picture is a file. */
const pictures = new Set(['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/avif']);

export type FileKind = 'picture' | 'voice' | 'file';

export function kindOf(file: Pick<FileView, 'type' | 'voice'>): FileKind {
  if (file.voice) return 'voice';
  return pictures.has(file.type.toLowerCase()) ? 'picture' : 'file';
}

/** Whether the whole of it can be had here: an own file can before the other side has it. */
export const isHere = (file: FileView, mine: boolean): boolean =>
  file.state === 'done' || (mine && file.state !== 'cancelled' && file.state !== 'failed');

export const isShown = (file: FileView, mine: boolean): boolean =>
  isHere(file, mine) && file.size <= SHOWN_BYTES;

// What turns the direction of writing can make "exe" look like "gpj"; nothing of that kind belongs in a name.
const hiddenMarks = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A sender's name for a file, as it may be shown and saved under. */
export const shownName = (name: string): string =>
  name.replace(hiddenMarks, '').replace(/[/\\]/g, '_').trim() || t('file.unnamed');

/** The end of a name, which has to stay in sight when the rest does not fit. */
export function splitName(name: string): [stem: string, ending: string] {
  const dot = name.lastIndexOf('.');
  const from = dot > 0 && name.length - dot <= 8 ? Math.max(0, dot - 3) : name.length;
  return [name.slice(0, from), name.slice(from)];
}

/** "1.2 of 1.9 MB": what is acknowledged, of all. */
export function progressText({ done, size }: Pick<FileView, 'done' | 'size'>): string {
  const had = amountOf(done);
  const same = had.unit === amountOf(size).unit;
  return t('file.of', { done: same ? had.number : sizeOf(done), size: sizeOf(size) });
}

/** What a file is doing, in words; nothing for one that is there. */
export function fileWords(file: FileView, mine: boolean): string {
  const whole = sizeOf(file.size);
  const why = file.reason === null ? null : reasonText(file.reason);
  switch (file.state) {
    case 'offered':
      return `${whole} · ${t(mine ? 'file.offeredMine' : 'file.offered')}`;
    case 'moving':
      return progressText(file);
    case 'paused':
      return `${progressText(file)} · ${why ? t('file.pausedWhy', { reason: why }) : t('file.paused')}`;
    case 'done':
      return whole;
    case 'cancelled':
      return `${whole} · ${t('file.cancelled')}`;
    case 'failed':
      return `${whole} · ${why ? t('file.failedWhy', { reason: why }) : t('file.failed')}`;
  }
}

/** What stands for a file in a list, a quote or a search. */
export function fileTitle(file: FileView | undefined): string {
  if (!file) return t('file.any');
  if (file.voice) return t('file.voiceLong', { time: span(file.voice.durationMs) });
  return kindOf(file) === 'picture' ? t('file.picture') : shownName(file.name);
}

/** What the person may do about a file that is not theirs, or is. */
export type FileActs = { take: 'download' | 'resume' | 'again' | null; cancel: boolean; save: boolean };

export function fileActs(file: FileView, mine: boolean): FileActs {
  const under = file.state === 'moving' || file.state === 'paused';
  const take = { offered: 'download', paused: 'resume', failed: 'again' } as const;
  const theirs = mine || !(file.state in take) ? null : take[file.state as keyof typeof take];
  return {
    take: theirs,
    cancel: under || (mine && file.state === 'offered'),
    save: file.state === 'done',
  };
}

/** Heights of so many bars, 0 to 1, out of a voice note's peaks; each bar is the loudest of what it stands for. */
export function voiceBars({ peaks }: VoiceView, count: number): number[] {
  if (peaks.length === 0) return Array.from({ length: count }, () => 0);
  return Array.from({ length: count }, (_, i) => {
    const from = Math.floor((i * peaks.length) / count);
    const to = Math.max(from + 1, Math.floor(((i + 1) * peaks.length) / count));
    return Math.max(...peaks.slice(from, to)) / 255;
  });
}
