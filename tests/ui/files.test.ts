import { describe, expect, it } from 'vitest';
import type { FileView } from '#web/api.ts';
import { renamed } from '#web/ui/state/attached.svelte.ts';
import {
  fileActs,
  fileTitle,
  fileWords,
  isHere,
  isShown,
  kindOf,
  progressText,
  shownName,
  splitName,
  voiceBars,
} from '#web/ui/view/files.ts';
import { fileOf, message } from '#tests/support/fake-thread.ts';

const file = (rest: Partial<FileView> = {}): FileView =>
  fileOf(message('Mira', true, '', 0, { file: 'f' }), rest);

describe('a file’s name', () => {
  it('shows no character that turns or hides what follows', () => {
    expect(shownName('photo\u202egpj.exe')).toBe('photogpj.exe');
    expect(shownName('../a\\b\u0000.txt')).toBe('.._a_b.txt');
    expect(shownName('\u200b ')).toBe('Unnamed file');
  });

  it('keeps its ending in sight', () => {
    expect(splitName('ferry-times.xlsx')).toEqual(['ferry-ti', 'mes.xlsx']);
    expect(splitName('README')).toEqual(['README', '']);
    expect(splitName('.env')).toEqual(['.env', '']);
    expect(splitName('a.b').join('')).toBe('a.b');
  });

  it('follows the type that a picture was drawn anew in', () => {
    expect(renamed('sea.HEIC', 'image/jpeg')).toBe('sea.jpg');
    expect(renamed('sea.jpeg', 'image/jpeg')).toBe('sea.jpeg');
    expect(renamed('sea', 'image/png')).toBe('sea.png');
    expect(renamed('sea.webp', 'image/unknown')).toBe('sea.webp');
  });
});

describe('a file', () => {
  it('is drawn as a picture only where every browser can', () => {
    expect(kindOf({ type: 'image/JPEG', voice: null })).toBe('picture');
    expect(kindOf({ type: 'image/svg+xml', voice: null })).toBe('file');
    expect(kindOf({ type: 'text/html', voice: null })).toBe('file');
    expect(kindOf({ type: 'audio/webm', voice: { durationMs: 1, peaks: [] } })).toBe('voice');
    expect(isShown(file({ size: 60_000_000 }), true)).toBe(false);
  });

  it('says how far it is by what is acknowledged, in one unit where it can', () => {
    expect(progressText({ done: 1_200_000, size: 1_900_000 })).toBe('1.2 of 1.9 MB');
    expect(progressText({ done: 16_384, size: 20_000_000 })).toBe('16.4 kB of 20.0 MB');
    expect(progressText({ done: 0, size: 1_900_000 })).toBe('0 B of 1.9 MB');
  });

  it('says what it waits for and why it ended', () => {
    const words = (rest: Partial<FileView>): string => fileWords(file(rest), true);
    expect(words({ state: 'done' })).toBe('1.9 MB');
    expect(words({ state: 'offered' })).toBe('1.9 MB · waits to be taken');
    expect(words({ state: 'paused', done: 0 })).toBe('0 B of 1.9 MB · paused until you are both here');
    expect(words({ state: 'paused', done: 0, reason: 'circuit' })).toContain('paused: no circuit is open');
    expect(words({ state: 'failed', reason: 'storage' })).toBe(
      '1.9 MB · failed: this browser could not store it',
    );
    expect(words({ state: 'cancelled' })).toBe('1.9 MB · cancelled');
  });

  it('can be taken by whom it is for, cancelled while it moves, and saved once it is there', () => {
    const acts = (state: FileView['state'], mine: boolean): string => {
      const { take, cancel, save } = fileActs(file({ state }), mine);
      return [take ?? '', cancel ? 'cancel' : '', save ? 'save' : ''].filter(Boolean).join(' ');
    };
    expect(
      (['offered', 'moving', 'paused', 'done', 'cancelled', 'failed'] as const).map((s) => acts(s, false)),
    ).toEqual(['download', 'cancel', 'resume cancel', 'save', '', 'again']);
    expect(
      (['offered', 'moving', 'paused', 'done', 'cancelled', 'failed'] as const).map((s) => acts(s, true)),
    ).toEqual(['cancel', 'cancel', 'cancel', 'save', '', '']);
  });

  it('is here once it is done, and an own one before that', () => {
    const here = (state: FileView['state'], mine: boolean): boolean => isHere(file({ state }), mine);
    expect((['offered', 'moving', 'paused', 'done'] as const).map((s) => here(s, true))).not.toContain(false);
    expect((['offered', 'moving', 'paused'] as const).map((s) => here(s, false))).not.toContain(true);
    expect([here('done', false), here('cancelled', true), here('failed', true)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('has a title for lists', () => {
    expect(fileTitle(undefined)).toBe('File');
    expect(fileTitle(file({ type: 'image/png' }))).toBe('Picture');
    expect(fileTitle(file({ voice: { durationMs: 14_300, peaks: [] } }))).toBe('Voice note, 00:14');
  });
});

describe('the waveform of a voice note', () => {
  it('has as many bars as asked for, each the loudest of its part', () => {
    expect(voiceBars({ durationMs: 1, peaks: [0, 255, 51, 0] }, 2)).toEqual([1, 0.2]);
    expect(voiceBars({ durationMs: 1, peaks: [255] }, 3)).toEqual([1, 1, 1]);
    expect(voiceBars({ durationMs: 1, peaks: [] }, 2)).toEqual([0, 0]);
  });
});
