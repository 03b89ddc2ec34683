import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hex } from '#shared/bytes/bytes.ts';
import type { SignKeypair } from '#shared/crypto/sign.ts';
import { directoryAt } from '#tests/support/directory-peer.ts';
import { Asker, collectAll, letterTo, newMailbox, type Letter } from '#tests/support/mail-load.ts';
import { mongoToBeHad } from '#tests/support/mongo-program.ts';
import { mongoServer, type StoreServer } from '#tests/support/stores.ts';
import { TestNetwork } from '#tests/support/test-network.ts';

const long = process.env['HG_LONG'] === '1';
const MAILBOXES = 8;
const SENDERS = 8;
const KILLS = 3;

type Engine = { start: () => Promise<StoreServer | undefined>; deposits: number };
const engines: Record<string, Engine> = {
  SQLite: { start: () => Promise.resolve(undefined), deposits: long ? 2_000 : 480 },
  'the MongoDB protocol': { start: mongoServer, deposits: long ? 2_000 : 400 },
};

describe.for(Object.entries(engines))(
  'a server that is killed while it stores, on %s',
  ([name, { start, deposits }]) => {
    const skipped = name !== 'SQLite' && !mongoToBeHad();
    let store: StoreServer | undefined;
    let network: TestNetwork;

    beforeAll(async () => {
      store = await start();
      network = await TestNetwork.start({ apart: true, env: store ? { HG_MONGODB_URL: store.url } : {} });
    });
    afterAll(async () => {
      await network.stop();
      await store?.stop();
    });

    it.skipIf(skipped)(
      'has everything of which it said that it is stored',
      async () => {
        const target = await directoryAt(network.url);
        const mailboxes = Array.from({ length: MAILBOXES }, newMailbox);
        const due: Letter[] = mailboxes.flatMap((mailbox) =>
          Array.from({ length: deposits / MAILBOXES }, () => letterTo(mailbox)),
        );
        const letters = due.toSorted((a, b) => (hex(a.id) < hex(b.id) ? -1 : 1));
        const stored = new Map<string, string>();
        const killAfter = Array.from({ length: KILLS }, () => Math.floor(Math.random() * deposits)).sort(
          (a, b) => a - b,
        );
        const queue = [...letters];
        let killing = Promise.resolve();
        const kill = (): void => {
          killing = killing.then(() => network.killServer()).then(() => network.startServer());
        };
        const send = async (): Promise<void> => {
          const asker = new Asker(target);
          for (let letter = queue.shift(); letter; letter = queue.shift()) {
            const { mailbox, id, blob } = letter;
            await asker.ask(() => ({ type: 'deposit', mailbox, id, blob }));
            stored.set(hex(id), hex(blob));
            if (killAfter.length > 0 && stored.size > (killAfter[0] ?? 0)) {
              killAfter.shift();
              kill();
            }
          }
          asker.close();
        };
        await Promise.all(Array.from({ length: SENDERS }, send));
        await killing;
        expect(stored.size).toBe(deposits);
        // At once after the last answer: what only the process knew is gone.
        await network.killServer();
        await network.startServer();
        const collect = async (mailbox: SignKeypair): Promise<[string, string][]> => {
          const asker = new Asker(target);
          const all = [...(await collectAll(asker, mailbox))];
          asker.close();
          return all;
        };
        const collected = new Map((await Promise.all(mailboxes.map(collect))).flat());
        expect(collected).toEqual(stored);
      },
      long ? 1_200_000 : 120_000,
    );
  },
);
