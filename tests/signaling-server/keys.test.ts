import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadKeys } from '#server/keys.ts';
import { sign, verify } from '#shared/crypto/sign.ts';
import { nodeIdBytes } from '#shared/units.ts';

describe('the directory’s keys', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hourglass-keys-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
  const file = (): string => join(folder, 'directory-keys.json');
  const mode = (): number => statSync(file()).mode & 0o777;

  it('are made once, for the owner alone', () => {
    const made = loadKeys(file());
    expect(loadKeys(file())).toEqual(made);
    expect(mode()).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['directory-keys.json']);
    expect(verify('l', nodeIdBytes(made.id), sign('l', made.signing.secret))).toBe(true);
    expect(made.onion.public).toHaveLength(32);
    expect(made.onion.secret).not.toEqual(made.signing.secret);
  });

  it('are made in a folder that is not there yet', () => {
    expect(loadKeys(join(folder, 'a/b/keys.json')).signing.public).toHaveLength(32);
  });

  it('are closed to others again', () => {
    loadKeys(file());
    chmodSync(file(), 0o644);
    loadKeys(file());
    expect(mode()).toBe(0o600);
  });

  it.each(['', '{}', '{"version":2}', 'no json'])('are not replaced when the file says %j', (content) => {
    writeFileSync(file(), content);
    expect(() => loadKeys(file())).toThrow('damaged');
    expect(readFileSync(file(), 'utf8')).toBe(content);
  });
});
