import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { signKeypair } from '#shared/crypto/sign.ts';
import { Driver } from '#shared/driver/driver.ts';
import type { Code } from '#shared/errors.ts';
import type { Command, Input } from '#shared/node/input.ts';
import { makeNodeKeys } from '#shared/node/keys.ts';
import { Node } from '#shared/node/node.ts';
import type { NodeEvent } from '#shared/node/output.ts';
import type { Guard } from '#shared/path/guards.ts';
import { Auditor } from './auditor.ts';
import { createHost, systemRng, type ClientConfig, type HostOptions } from './host.ts';

/** An auditor alone opens far fewer. */
const MAX_LINKS = 64;

export type AuditingOptions = HostOptions & {
  config: ClientConfig;
  /** Of its key (32 bytes). */
  seed: Uint8Array;
  /** Where its guards are kept, so that nobody gets to be one by making it start again. */
  guardsFile?: string | undefined;
  refused?: (code: Code) => void;
  event?: (event: NodeEvent) => void;
};

/** An auditor and its node, which relays nothing and stands in no list; they run until `stop`. */
export const runAuditor = (options: AuditingOptions): { stop(): void } => {
  const { config, seed, guardsFile, refused = () => undefined } = options;
  const input = (each: Input): void => driver.input(each);
  const command = (each: Command): void => input({ type: 'command', command: each });
  const host = createHost(options, config, input);
  const node = new Node({
    keys: makeNodeKeys(systemRng),
    rng: systemRng,
    now: Date.now(),
    role: 'node',
    headless: true,
    maxLinks: MAX_LINKS,
    guards: guardsFile === undefined ? [] : readGuards(guardsFile),
  });
  const { timer } = host.ports;
  const auditor = new Auditor({ keys: signKeypair(seed), command, timer, refused });
  const event = (each: NodeEvent): void => {
    if (each.type === 'guards' && guardsFile !== undefined) writeGuards(guardsFile, each.guards);
    auditor.event(each);
    options.event?.(each);
  };
  const driver = new Driver(node, { ...host.ports, event });
  command({ type: 'start' });
  return {
    stop: () => {
      auditor.stop();
      command({ type: 'stop' });
      driver.stop();
      host.stop();
    },
  };
};

const isGuard = (value: unknown): value is Guard => {
  const guard = (value ?? {}) as Record<string, unknown>;
  const numbers = ['addedAt', 'lastListed', 'failures', 'retryAt'];
  return typeof guard['id'] === 'string' && numbers.every((name) => Number.isFinite(guard[name]));
};

const readGuards = (file: string): Guard[] => {
  try {
    const guards: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (Array.isArray(guards) && guards.every(isGuard)) return guards;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new Error(`${file} holds no guards`);
};

const writeGuards = (file: string, guards: readonly Guard[]): void => {
  const part = `${file}.part`;
  writeFileSync(part, JSON.stringify(guards), { mode: 0o600 });
  renameSync(part, file);
};
