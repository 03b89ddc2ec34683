import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unhex } from '#shared/bytes/bytes.ts';
import { SLOTS } from '#shared/contribution/epochs.ts';
import type { ClientApi } from '#web/api.ts';
import type { HelpingView } from '#web/api-helping.ts';
import { launch, newContext, Tab, webDir } from '#tests/support/browser.ts';
import { meet } from '#tests/support/chat.ts';
import { Joiner, type Kept } from '#tests/support/joiner.ts';
import { SabotagedApp, type Sabotage } from '#tests/support/sabotage.ts';
import { keptInRedis, keptInSqlite } from '#tests/support/store-dump.ts';
import { redisServer, type StoreServer } from '#tests/support/stores.ts';
import { eventually, TestNetwork, type TestRelay } from '#tests/support/test-network.ts';
import { at, walk } from '#tests/support/walker.ts';

const LEAST_EPOCH_MS = 60_000;
/** Until everybody is there. */
const START_MS = 20_000;
/** An epoch is worked, closed and proved. */
const PROOF_MS = 3 * LEAST_EPOCH_MS;

/** An epoch's length of about a minute, such that one begins at about this time: audits begin with a whole epoch. */
const epochBeginningAt = (time: number): number => {
  let epochMs = LEAST_EPOCH_MS;
  while (time % epochMs > 1_000) epochMs += SLOTS;
  return epochMs;
};

const HEARTBEAT_MS = 60_000;

const HONEST_RELAYS = 10;
/** Of those the ones with room for so few inboxes that they are soon busy: three quarters of it go to who works. */
const BUSY_RELAYS = 3;
const PLACES = 4;
const FOR_WORK = 3;
/** Little, since all those who work share two cores with everybody else. */
const WORK_BITS = 10;
/** Users with two inboxes each, for which there is not room at those exits. */
const WORKERS = 8;

/** What each kind of dishonest tab is told in the app. */
const faults: Record<Sabotage, { fault: string; words: string }> = {
  drop: { fault: 'lost', words: 'Messages that others sent through this tab did not come back.' },
  delay: { fault: 'late', words: 'Messages that others sent through this tab came back too late.' },
  fake: { fault: 'unbuilt', words: 'Paths through this tab could not be opened.' },
};
const kinds = Object.keys(faults) as Sabotage[];

type Told = HelpingView & { words: string };

const idOf = async (tab: Tab): Promise<string> => (await tab.client.state()).node?.id ?? '';

/** A network of short epochs that asks for proofs, with honest and dishonest nodes; its server and auditor are processes apart. */
describe('proof of contribution, with real tabs', () => {
  let redis: StoreServer;
  let network: TestNetwork;
  let browser: Browser;
  let app: SabotagedApp;
  let helper: Tab;
  const dishonest = new Map<Sabotage, Tab>();
  /** What a dishonest tab hears of the first epoch, from its core and on its page. */
  const told = new Map<Sabotage, Promise<Told>>();
  const busy: TestRelay[] = [];
  const log: string[] = [];

  const helping = async (tab: Tab): Promise<HelpingView> => (await tab.client.state()).helping;

  const tell = async (kind: Sabotage, tab: Tab): Promise<Told> => {
    const ended = async (): Promise<boolean> => {
      const { audit, proof } = await helping(tab);
      return audit !== null && proof.stage.kind === 'not-enough';
    };
    await eventually('the end of its epoch', ended, PROOF_MS);
    const view = await helping(tab);
    await tab.start('Mallory');
    await tab.show('#/helping');
    await tab.page.getByTestId('proof-fault').waitFor({ timeout: PROOF_MS });
    const words = (await tab.page.getByTestId('proof-stage').textContent()) ?? '';
    if (kind === 'drop') await walk(tab.page, [at(tab, 'helping-not-enough', '#/helping', 'proof-fault')]);
    return { ...view, words };
  };

  beforeAll(async () => {
    redis = await redisServer();
    app = await SabotagedApp.build();
    network = await TestNetwork.start({
      ...{ webDir, apart: true, auditor: true, onLog: (line: string) => void log.push(line) },
      env: {
        HG_REDIS_URL: redis.url,
        HG_LOG_LEVEL: 'trace',
        HG_CONTRIBUTION: 'enforce',
        HG_EPOCH_MS: String(epochBeginningAt(Date.now() + START_MS)),
      },
    });
    for (let i = 0; i < HONEST_RELAYS; i++) {
      const relay = await network.addRelay(
        i < BUSY_RELAYS ? { maxInboxes: PLACES, maxInboxWork: WORK_BITS } : {},
      );
      if (i < BUSY_RELAYS) busy.push(relay);
    }
    browser = await launch();
    helper = await Tab.open(await newContext(browser, network.url), network.url);
    for (const kind of kinds) {
      const context = await newContext(browser, network.url);
      await app.serve(context, network.url, kind);
      dishonest.set(kind, await Tab.open(context, network.url));
    }
    await network.listed(HONEST_RELAYS + 1 + kinds.length, 90_000);
  });
  afterAll(async () => {
    await browser.close();
    await network.stop();
    await redis.stop();
    app.remove();
  });

  it('a tab that relays is audited, and its epoch is closed', { timeout: PROOF_MS }, async () => {
    const closed = async (): Promise<boolean> => (await helping(helper)).proof.epoch !== null;
    await eventually('the scores of an epoch', closed, PROOF_MS);
    for (const [kind, tab] of dishonest) {
      const telling = tell(kind, tab);
      // Whoever asks for it hears of a failure.
      telling.catch(() => undefined);
      told.set(kind, telling);
    }
    const { policy, heartbeats } = await helping(helper);
    expect(policy).toBe('enforce');
    expect(heartbeats.filter(({ outcome }) => outcome === 'answered').length).toBeGreaterThan(0);
  });

  describe('where exits are busy', () => {
    /** Everything but the busy exits is avoided. */
    const keepToBusy = async (client: ClientApi): Promise<void> => {
      const others = (await network.nodes()).filter((node) => !busy.some(({ id }) => id === node));
      for (const node of others) await client.avoid(node, true);
    };

    const waiting = (): number => busy.reduce((sum, { node }) => sum + node.sizes.waiting, 0);
    /** Whether an inbox of the helper's is open at an exit where some who worked wait. */
    const overtakes = async (): Promise<boolean> => {
      const { circuits } = await helper.client.state();
      return circuits.some(({ purpose, rttMs, hops }) => {
        // The way to an exit is measured once it has opened the inbox.
        if (purpose !== 'inbox' || rttMs === null) return false;
        const sizes = busy.find(({ id }) => id === hops.at(-1)?.node)?.node.sizes;
        return sizes !== undefined && sizes.inboxes >= FOR_WORK && sizes.waiting > 0;
      });
    };

    beforeAll(async () => {
      await Promise.all(
        Array.from({ length: WORKERS }, async (_, i) => {
          const { client } = await network.addClient();
          await keepToBusy(client);
          await client.start({ name: `Worker ${String(i + 1)}` });
        }),
      );
      await eventually('a line at an exit', () => Promise.resolve(waiting() > 0));
    });

    it(
      'who has a proof goes before who has worked and waits, and is reached',
      { timeout: PROOF_MS },
      async () => {
        await keepToBusy(helper.client);
        await helper.start('Helga');
        await eventually('an inbox before those who wait', overtakes, PROOF_MS);
        const { client: friend } = await network.addClient();
        // Not to be held up by cells that are lost or late.
        for (const tab of dishonest.values()) await friend.avoid(await idOf(tab), true);
        await friend.start({ name: 'A friend' });
        await meet(friend, helper.client);
      },
    );
  });

  it('a tab that relayed has qualified, and proves it', { timeout: PROOF_MS }, async () => {
    const verified = async (): Promise<boolean> => (await helping(helper)).proof.stage.kind === 'verified';
    await eventually('a proof that the directory took', verified, PROOF_MS);
    expect((await helping(helper)).tokens).toBeGreaterThan(0);
    await helper.show('#/helping');
    await helper.page.getByTestId('proof-pill').filter({ hasText: 'Verified' }).waitFor();
    // The result comes with the next heartbeat.
    await eventually('its result', async () => (await helping(helper)).audit !== null, HEARTBEAT_MS);
    expect((await helping(helper)).audit?.tier).toBeGreaterThanOrEqual(3);
    await walk(helper.page, [at(helper, 'helping-verified', '#/helping', 'proof-pill')]);
  });

  it.each(kinds)('a tab that would %s the cells of others does not, and is told why', async (kind) => {
    const { audit, heartbeats, tokens, words } = (await told.get(kind)) as Told;
    expect(audit).toMatchObject({ tier: null, fault: faults[kind].fault });
    expect(heartbeats.filter(({ outcome }) => outcome === 'answered').length).toBeGreaterThan(0);
    expect(tokens).toBe(0);
    expect(words).toContain('Not enough checks passed');
    expect(words).toContain(faults[kind].words);
  });

  describe('what the server keeps and logs of all this', () => {
    let kept: Kept[];
    let joiner: Joiner;
    let nodes: string[];

    const named =
      (name: RegExp) =>
      (each: Kept): boolean =>
        each.texts.some((text) => name.test(text));
    const holds =
      (id: string) =>
      ({ texts, bytes }: Kept): boolean =>
        texts.some((text) => text.includes(id)) ||
        bytes.some((each) => Buffer.from(each).includes(Buffer.from(unhex(id))));

    beforeAll(async () => {
      nodes = await network.nodes();
      kept = await keptInRedis(redis.url);
      await network.stopServer();
      kept.push(...keptInSqlite(network.archiveFile));
      kept.push(...log.map((line) => ({ name: 'log', texts: [line], bytes: [] })));
      joiner = new Joiner(kept);
    });

    it('ties a node to its commitment and its score', async () => {
      const own = joiner.tiedTo(holds(await idOf(helper)));
      expect(own.some(named(/^commitment\//))).toBe(true);
      expect(own.some(named(/^epoch\//))).toBe(true);
    });

    it('would tie a nullifier to a node, if anything stood beside both', () => {
      const uses = named(/nullifier\//);
      const [digits = ''] = /[0-9a-f]{64}/.exec(kept.find(uses)?.texts.join(' ') ?? '') ?? [];
      const [node = ''] = nodes;
      const beside = { name: 'beside both', texts: [`${digits} ${node}`], bytes: [] };
      const tied = new Joiner([...kept, beside]).tiedTo(uses);
      expect(tied.filter(holds(node))).not.toEqual([]);
    });

    it.each(['nullifier', 'spent'])('ties no %s to any node', (what) => {
      const uses = named(new RegExp(`${what}/`));
      expect(kept.filter(uses).length).toBeGreaterThan(0);
      const tied = joiner.tiedTo(uses);
      expect(nodes.filter((id) => tied.some(holds(id)))).toEqual([]);
    });
  });
});
