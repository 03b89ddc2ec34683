import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LocalError } from '#shared/errors.ts';
import { signHeartbeat, signRegister } from '#shared/directory/messages.ts';
import { nodeIdBytes } from '#shared/units.ts';
import { DEFAULT_EPOCH_MS, epochAt, epochPlan } from '#shared/contribution/epochs.ts';
import type { DirectoryOptions } from '#server/directory.ts';
import { beaten, Client, directoryKeys, DirectoryFixture } from './directory-fixture.ts';

const ok = { type: 'ok' };
const refusal = (code: string): object => ({ type: 'error', code });
const HOUR_MS = 3_600_000;

let folder: string;
let fixture: DirectoryFixture;

const begin = async (more: Partial<DirectoryOptions> = {}): Promise<void> => {
  fixture = new DirectoryFixture(join(folder, 'archive.sqlite'), more);
  await fixture.directory.start();
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hourglass-directory-'));
  await begin();
});
afterEach(async () => {
  await fixture.stop();
  rmSync(folder, { recursive: true });
});

describe('registration', () => {
  it('lists a node, once for all its registrations', async () => {
    const node = fixture.client(10);
    expect(await node.register()).toEqual(ok);
    expect(await node.register()).toEqual(ok);
    expect(await fixture.client(10).register()).toEqual(ok);
    await fixture.clock.pass(2_000);
    expect(fixture.listed).toEqual([node.id]);
  });

  it('is bound to its circuit', async () => {
    const [node, other] = [fixture.client(10), fixture.client(11)];
    const request = signRegister(node.secret, node.binding, node.descriptor());
    expect(await other.ask(request)).toEqual(refusal('bad-signature'));
    expect(await other.ask({ ...request, signature: new Uint8Array(64) })).toEqual(refusal('bad-signature'));
  });

  it('takes what the node itself signed, lately', async () => {
    const [node, other] = [fixture.client(10), fixture.client(11)];
    const forged = node.descriptor();
    forged[40] = (forged[40] ?? 0) ^ 1;
    expect(await node.ask(signRegister(node.secret, node.binding, forged))).toEqual(refusal('bad-signature'));
    const foreign = signRegister(other.secret, node.binding, node.descriptor());
    expect(await node.ask(foreign)).toEqual(refusal('bad-signature'));
    const now = fixture.clock.now();
    expect(await node.register(now - 49 * HOUR_MS)).toEqual(refusal('stale'));
    expect(await node.register(now + HOUR_MS)).toEqual(refusal('stale'));
    expect(await node.register(now)).toEqual(ok);
    expect(await node.register(now - 1)).toEqual(refusal('stale'));
  });

  it('keeps a circuit to one node, and takes no directory for one', async () => {
    const node = fixture.client(10);
    await node.register();
    const other = new Client(fixture, node.handle, 11);
    expect(await other.register()).toEqual(refusal('refused'));
    expect(await other.beat(1)).toEqual(refusal('refused'));
    const impostor = Object.assign(fixture.client(12), directoryKeys, {
      secret: directoryKeys.signing.secret,
    });
    expect(await impostor.register()).toEqual(refusal('refused'));
  });

  it('ends at the most nodes', async () => {
    await fixture.stop();
    await begin({ maxNodes: 2, limits: { workBits: 0 } });
    const nodes = [10, 11, 12].map((seed) => fixture.client(seed));
    const answers = [];
    for (const node of nodes) answers.push(await node.register());
    expect(answers).toEqual([ok, ok, refusal('too-many')]);
    expect(await nodes[0]?.register()).toEqual(ok);
  });

  it('ends when the node leaves', async () => {
    const node = fixture.client(10);
    await node.register();
    await fixture.clock.pass(2_000);
    expect(await node.leave(0)).toEqual(ok);
    expect(await node.leave(0)).toEqual(refusal('replayed'));
    await fixture.clock.pass(2_000);
    expect(fixture.listed).toEqual([]);
    expect(await node.beat(1)).toEqual(refusal('not-registered'));
    expect(await fixture.archive.nodes(0)).toEqual([]);
  });
});

describe('heartbeats', () => {
  it('keep a node listed, and 90 s without one do not', async () => {
    const node = fixture.client(10);
    await node.register();
    for (let counter = 0; counter < 5; counter++) {
      await fixture.clock.pass(45_000);
      expect(await node.beat(counter)).toEqual(beaten);
    }
    await fixture.clock.pass(88_000);
    expect(fixture.listed).toEqual([node.id]);
    await fixture.clock.pass(4_000);
    expect(fixture.listed).toEqual([]);
    expect(await node.beat(9)).toEqual(refusal('not-registered'));
  });

  it('are refused when replayed, stale or forged', async () => {
    const [node, other] = [fixture.client(10), fixture.client(11)];
    await node.register();
    await other.register();
    expect(await node.beat(5)).toEqual(beaten);
    for (const counter of [5, 4]) expect(await node.beat(counter)).toEqual(refusal('replayed'));
    const epoch = epochAt(fixture.clock.now(), epochPlan(DEFAULT_EPOCH_MS));
    for (const off of [-2, 2]) expect(await node.beat(6, epoch + off)).toEqual(refusal('stale'));
    for (const off of [-1, 1]) expect(await node.beat(7 + off, epoch + off)).toEqual(beaten);
    const beat = signHeartbeat(node.secret, node.binding, { node: node.id, epoch, counter: 20, load: 0 });
    expect(await node.ask({ ...beat, load: 1 })).toEqual(refusal('bad-signature'));
    expect(await node.ask({ ...beat, counter: 21 })).toEqual(refusal('bad-signature'));
    expect(await fixture.client(12).ask(beat)).toEqual(refusal('bad-signature'));
    expect(await node.ask(beat)).toEqual(beaten);
  });

  it('are refused with another commitment than was signed, and on another circuit', async () => {
    const [node, again] = [fixture.client(10), fixture.client(10)];
    await node.register();
    const epoch = epochAt(fixture.clock.now(), epochPlan(DEFAULT_EPOCH_MS));
    const fields = { node: node.id, epoch, counter: 1, load: 0 };
    const beat = signHeartbeat(node.secret, node.binding, { ...fields, commitment: 7n });
    for (const commitment of [8n, 0n, undefined])
      expect(await node.ask({ ...beat, commitment })).toEqual(refusal('bad-signature'));
    expect(await again.ask(beat)).toEqual(refusal('bad-signature'));
    const bare = signHeartbeat(node.secret, node.binding, fields);
    expect(await node.ask({ ...bare, commitment: 7n })).toEqual(refusal('bad-signature'));
    expect(await node.ask(beat)).toEqual(beaten);
  });

  it('are not waited for once the circuit of the node has ended, unless it comes back by another', async () => {
    const [gone, back] = [fixture.client(10), fixture.client(11)];
    await gone.register();
    await back.register();
    await Promise.all([gone.close(), back.close()]);
    await fixture.clock.pass(10_000);
    expect(fixture.listed).toHaveLength(2);
    await fixture.client(11).register();
    await fixture.clock.pass(10_000);
    expect(fixture.listed).toEqual([back.id]);
  });

  it('go on over another circuit', async () => {
    const node = fixture.client(10);
    await node.register();
    await node.close();
    const again = fixture.client(10);
    expect(await again.beat(0)).toEqual(beaten);
    await fixture.client(11).ask({ type: 'signal', to: nodeIdBytes(node.id), sealed: new Uint8Array(2_048) });
    expect([node.pushed.length, again.pushed.length]).toEqual([0, 1]);
  });
});

describe('requests', () => {
  it('of any bytes are answered, with a code', async () => {
    expect(await fixture.client(10).askRaw(new Uint8Array(0))).toEqual(refusal('malformed'));
    expect(await fixture.client(11).askRaw(Uint8Array.of(200))).toEqual(refusal('malformed'));
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3_000 }), fc.nat(16), async (bytes, kind) => {
        const answer = await fixture.client(12).askRaw(Uint8Array.of(kind, ...bytes));
        expect(['ok', 'error', 'consensus']).toContain(answer.type);
      }),
      { seed: 7, numRuns: 2_000 },
    );
  });

  it('are bounded in a minute, signals apart', async () => {
    await fixture.stop();
    await begin({ limits: { requests: 3, signals: 2 } });
    const client = fixture.client(10);
    const reply = new Uint8Array(16);
    const ask = (): Promise<object> => client.ask({ type: 'listen', reply });
    const signal = (): Promise<object> =>
      client.ask({ type: 'signal', to: reply, sealed: new Uint8Array(2_048) });
    for (let i = 0; i < 3; i++) expect(await ask()).toEqual(ok);
    expect(await ask()).toEqual(refusal('too-many'));
    for (let i = 0; i < 2; i++) expect(await signal()).toEqual(ok);
    expect(await signal()).toEqual(refusal('too-many'));
    await fixture.clock.pass(20_000);
    expect(await ask()).toEqual(ok);
    expect(await ask()).toEqual(refusal('too-many'));
    expect(await fixture.client(11).ask({ type: 'consensus', after: 0 })).toMatchObject({
      type: 'consensus',
    });
  });

  it('of one circuit under way at once are few', async () => {
    const client = fixture.client(10);
    const lookup = { type: 'lookup', descriptorId: new Uint8Array(32) } as const;
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.ask(lookup)));
    expect(answers.filter((answer) => answer.type === 'error' && answer.code === 'too-many')).toHaveLength(
      12,
    );
    expect(await client.ask(lookup)).toEqual(refusal('not-found'));
  });

  it('are told to try later while the archive fails, and served when it is back', async () => {
    const node = fixture.client(10);
    const failing = vi.spyOn(fixture.archive, 'putNodes').mockRejectedValue(new LocalError('storage'));
    expect(await node.register()).toEqual(refusal('try-later'));
    expect(await node.ask({ type: 'consensus', after: 0 })).toMatchObject({ type: 'consensus' });
    expect(await node.beat(0)).toEqual(refusal('not-registered'));
    failing.mockRestore();
    expect(await node.register()).toEqual(ok);
  });
});
