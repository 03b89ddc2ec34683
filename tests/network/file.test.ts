import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hex } from '#shared/bytes/bytes.ts';
import { sha256 } from '#shared/crypto/kdf.ts';
import type { FileView } from '#web/api.ts';
import type { Client } from '#web/core/client.ts';
import { delivered, hopsOf, meet, say, type Side } from '#tests/support/chat.ts';
import { eventually, TestNetwork } from '#tests/support/test-network.ts';

type Watched = Side & { client: Client };

const MEGABYTE = 1_000_000;
const LIMIT_MS = 150_000;

const bytesOf = async (side: Side, file: string): Promise<Uint8Array> =>
  new Uint8Array(await (await side.client.fileContent(file)).arrayBuffer());

const fileOf = async ({ client, conversation }: Side): Promise<FileView | undefined> =>
  (await client.files(conversation)).at(-1);

describe('files between two cores in Node, over real links', () => {
  let network: TestNetwork;
  let alice: Watched;
  let bob: Watched;

  const sent = async (size: number, name: string): Promise<Uint8Array> => {
    const bytes = randomBytes(size);
    const about = { name, type: 'application/octet-stream', preview: null, voice: null };
    await alice.client.sendFile(alice.conversation, new Blob([bytes]), about);
    await eventually(`${name} is offered`, async () => (await fileOf(bob))?.name === name);
    return bytes;
  };

  /** The exit of this side's own circuit goes, as a tab that is closed. */
  const killExit = async (side: Side): Promise<void> => {
    const exit = (await hopsOf(side))[2];
    const relay = network.relays.find(({ id }) => id === exit);
    if (!relay) throw new Error('the exit is no relay of this network');
    network.relays.splice(network.relays.indexOf(relay), 1);
    relay.stop();
  };

  beforeAll(async () => {
    network = await TestNetwork.start({ relays: 11 });
    const [{ client: guest }, { client: host }] = [await network.addClient(), await network.addClient()];
    await guest.start({ name: 'Alice' });
    await host.start({ name: 'Bob' });
    const met = await meet(guest, host);
    alice = { ...met.guest, client: guest };
    bob = { ...met.host, client: host };
  }, 60_000);
  afterAll(() => network.stop());

  it('a small one comes by itself, as a message does', async () => {
    const bytes = await sent(50_000, 'small');
    await eventually('it is there', async () => (await fileOf(bob))?.state === 'done');
    const file = await fileOf(bob);
    expect(hex(sha256(await bytesOf(bob, file?.id ?? '')))).toBe(hex(sha256(bytes)));
    const message = (await bob.client.messages(bob.conversation)).at(-1);
    expect(message).toMatchObject({ id: file?.message, file: file?.id, mine: false, text: '' });
    await eventually('its sender knows', async () => (await fileOf(alice))?.state === 'done');
  });

  it('one of 20 MB crosses while the exit is killed twice', { timeout: LIMIT_MS }, async () => {
    const size = 20 * MEGABYTE;
    const bytes = await sent(size, 'large');
    const steps: { done: number; kept: number }[] = [];
    let kept = 0;
    const ends = [
      bob.client.subscribe((event) => {
        if (event.type === 'file') kept = event.file.done;
      }),
      alice.client.subscribe((event) => {
        if (event.type === 'file') steps.push({ done: event.file.done, kept });
      }),
    ];
    const id = (await fileOf(bob))?.id ?? '';
    await bob.client.takeFile(id);
    for (const [part, side] of [
      [0.25, alice],
      [0.6, bob],
    ] as const) {
      await eventually(`${String(part)} of it`, () => kept >= part * size, LIMIT_MS);
      await killExit(side);
    }
    await eventually('all of it', async () => (await fileOf(alice))?.state === 'done', LIMIT_MS);
    for (const end of ends) end();
    expect(hex(sha256(await bytesOf(bob, id)))).toBe(hex(sha256(bytes)));
    expect(steps.length).toBeGreaterThan(100);
    for (const [at, step] of steps.entries()) {
      expect(step.done).toBeLessThanOrEqual(step.kept);
      expect(step.done).toBeGreaterThanOrEqual(steps[at - 1]?.done ?? 0);
    }
  });

  it('does not hold up a text for long', async () => {
    await sent(4 * MEGABYTE, 'behind it a text');
    const id = (await fileOf(bob))?.id ?? '';
    await bob.client.takeFile(id);
    await eventually('it moves', async () => ((await fileOf(alice))?.done ?? 0) > 0);
    await delivered(alice, [await say(alice, 'meanwhile')]);
    expect((await fileOf(alice))?.state).toBe('moving');
    await alice.client.cancelFile(id);
    await eventually('it ends', async () => (await fileOf(bob))?.state === 'cancelled');
    expect(await fileOf(alice)).toMatchObject({ state: 'cancelled', done: 0 });
  });
});
