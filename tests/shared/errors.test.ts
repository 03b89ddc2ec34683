import { describe, expect, it } from 'vitest';
import { type Code, LocalError, RemoteError, byteOfCode, codeOf, codeOfByte, codes } from '#shared/errors.ts';

describe('the table of codes', () => {
  it('gives each code a byte of its own, and back', () => {
    const names = Object.keys(codes) as Code[];
    expect(new Set(names.map(byteOfCode)).size).toBe(names.length);
    for (const name of names) expect(codeOfByte(byteOfCode(name))).toBe(name);
  });

  it('reads a byte that stands for nothing as none', () => {
    for (const byte of [255, 256, -1, 0.5]) expect(codeOfByte(byte)).toBe('none');
  });

  it('tells the code of anything thrown', () => {
    expect(codeOf(new RemoteError('stale'))).toBe('stale');
    expect(codeOf(new LocalError('storage', 'the disk is full'))).toBe('storage');
    expect(codeOf(new TypeError())).toBe('internal');
    expect(codeOf(undefined)).toBe('internal');
  });
});
