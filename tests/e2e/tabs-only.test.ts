import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { text, unhex } from '#shared/bytes/bytes.ts';
import { decodeCells } from '#shared/cell/codec.ts';
import { cellCommand } from '#shared/cell/commands.ts';
import { CELL_LENGTH, CELLS_PER_MESSAGE, usedLength } from '#shared/cell/geometry.ts';
import { launch, newContext, Tab, webDir } from '#tests/support/browser.ts';
import { burst, burstTexts, delivered, heard, hopsOf, meet, say, type Side } from '#tests/support/chat.ts';
import { cellsSeen, DirectoryForm } from '#tests/support/directory-form.ts';
import type { Recording } from '#tests/support/recording.ts';
import { containsOne, secretsOf, sessionsOf, watchSessions } from '#tests/support/sessions-seen.ts';
import { eventually, TestNetwork } from '#tests/support/test-network.ts';
import { follow, type Stretch, type Traced } from '#tests/support/trail.ts';

const TABS = 8;
const COUNT = 40;
const NAMES = ['Alice Aldersey', 'Bob Birchwood'] as const;
const DISTINCT = 5;
/** Nodes on a circuit to the directory, itself included. */
const DIRECTORY_HOPS = 4;
/** What the directory sees is recorded for so long. */
const LEAST_MS = process.env['HG_LONG'] === '1' ? 60_000 : 0;

describe('a network of browser tabs alone', () => {
  let network: TestNetwork;
  let browser: Browser;
  let tabs: Tab[];
  let ids: string[];
  let users: [Tab, Tab];
  let alice: Side;
  let bob: Side;
  let way: Stretch[];
  let startedAt: number;

  const person = async (): Promise<Tab> => {
    const context = await newContext(browser, network.url);
    await watchSessions(context);
    const tab = await Tab.open(context, network.url);
    await tab.client.setRelaying(false);
    // Loaded anew it has never been a node.
    await tab.reload();
    return tab;
  };

  const traced = async (tab: Tab, since: number): Promise<Traced> => ({
    node: (await tab.client.state()).node?.id ?? null,
    traces: (await tab.traces()).filter(({ at }) => at >= since),
  });

  beforeAll(async () => {
    startedAt = Date.now();
    network = await TestNetwork.start({ webDir, record: true });
    browser = await launch();
    const context = await newContext(browser, network.url);
    await watchSessions(context);
    tabs = await Promise.all(
      Array.from({ length: TABS }, (_, i) => Tab.open(context, network.url, `tab-${String(i + 1)}`)),
    );
    users = [await person(), await person()];
    ids = await Promise.all(tabs.map(async (tab) => (await tab.client.state()).node?.id ?? ''));
    await eventually('a consensus of the tabs', async () => {
      const listed: string[] = await network.nodes();
      return listed.length === TABS && ids.every((id) => listed.includes(id));
    });
  });
  afterAll(async () => {
    await browser.close();
    await network.stop();
  });

  it('lets two users who do not relay talk', async () => {
    const [guest, host] = users;
    await guest.start(NAMES[0]);
    await host.start(NAMES[1]);
    ({ guest: alice, host: bob } = await meet(guest.client, host.client));
    expect(await Promise.all(users.map(async ({ client }) => (await client.state()).node))).toEqual([
      null,
      null,
    ]);
  });

  it('carries what they say over six hops, each of them a tab', async () => {
    const distinct = async (): Promise<number> =>
      new Set([...(await hopsOf(alice)), ...(await hopsOf(bob))]).size;
    // Neither side knows the other's path, so chance may have them share two hops: then another is asked for.
    while ((await distinct()) < DISTINCT) {
      await alice.client.newCircuit(alice.conversation);
      await delivered(alice, [await say(alice, 'This way?')]);
    }
    const since = Date.now();
    await delivered(alice, await burst(alice, 'tab to tab', COUNT));
    expect(await heard(bob, 'tab to tab')).toEqual(burstTexts('tab to tab', COUNT));
    const [sender, ...others] = await Promise.all([...users, ...tabs].map((tab) => traced(tab, since)));
    way = follow(sender as Traced, others);
    const hops = way.slice(1).map(({ from }) => from ?? '');
    expect(way.at(-1)?.to).toBeNull();
    expect(hops).toHaveLength(6);
    expect(hops.filter((hop) => !ids.includes(hop))).toEqual([]);
    expect(new Set(hops.slice(0, 3)).size).toBe(3);
    expect(new Set(hops.slice(3)).size).toBe(3);
    expect(hops[2]).not.toBe(hops[3]);
    expect(new Set(hops).size).toBeGreaterThanOrEqual(DISTINCT);
    for (const { cells } of way) expect(cells).toBeGreaterThanOrEqual(COUNT);
  });

  it('is what each side sees of it', async () => {
    const hops = way.slice(1).map(({ from }) => from);
    expect(await hopsOf(alice)).toEqual(hops.slice(0, 4));
    expect(await hopsOf(bob)).toEqual(hops.slice(3).reverse());
  });

  it('uses as much of a cell as its place on the way asks for, whatever is said', async () => {
    expect(way.map(({ used }) => used)).toEqual([1, 2, 3, 4, 3, 2, 1].map((link) => [usedLength(link)]));
    const lengths = [1, 2, 3, 4].map(usedLength);
    for (const tab of [...users, ...tabs]) {
      const relayed = (await tab.traces()).filter(
        ({ command }) => command === cellCommand.RELAY || command === cellCommand.RELAY_EARLY,
      );
      expect(relayed.length).toBeGreaterThan(0);
      expect(relayed.filter(({ used }) => !lengths.includes(used))).toEqual([]);
    }
  });

  it('is talked over for as long as the test is to last', async () => {
    do await delivered(alice, [await say(alice, 'Still there?')]);
    while (Date.now() < startedAt + LEAST_MS);
  });

  it('has no link between the users', async () => {
    const circuits: Set<number>[] = [];
    for (const user of users) {
      const { links } = await user.client.state();
      const nodes = links
        .filter(({ kind }) => kind !== 'directory')
        .map(({ node }) => node ?? 'somebody who is no node');
      expect(nodes.filter((node) => !ids.includes(node))).toEqual([]);
      const traces = await user.traces();
      const unlisted = traces.filter(({ peer }) => peer === undefined || !ids.includes(peer));
      // The one to the directory, of which nobody knows whose it is before there is a consensus.
      expect(new Set(unlisted.map(({ link }) => link)).size).toBe(1);
      // 0 is no circuit: what the two ends of a link tell each other.
      circuits.push(new Set(traces.map(({ circuit }) => circuit).filter((circuit) => circuit !== 0)));
    }
    expect([...(circuits[0] ?? [])].filter((circuit) => circuits[1]?.has(circuit))).toEqual([]);
  });

  it('shows its directory whole cells, no session description and no plain text', async () => {
    const { frames, services } = network.recording;
    const whole = ({ bytes: { length } }: Recording['frames'][number]): boolean =>
      length > 0 && length % CELL_LENGTH === 0 && length <= CELLS_PER_MESSAGE * CELL_LENGTH;
    expect(frames.length).toBeGreaterThan(0);
    expect(frames.filter((frame) => !whole(frame))).toEqual([]);
    // Of the form that tests/sim/what-the-server-knows.test.ts has of simulated ones.
    const form = new DirectoryForm();
    for (const { sent, bytes } of frames)
      for (const { command, body } of decodeCells(bytes)) form.cell(sent, command, body.length);
    for (const { what, body } of services) form.service(what, body);
    expect([...form.cells].filter((kind) => !cellsSeen([DIRECTORY_HOPS]).includes(kind))).toEqual([]);
    expect(form.services).toContain('request register');

    const sessions = (await Promise.all([...users, ...tabs].map(sessionsOf))).flat();
    expect(sessions.length).toBeGreaterThan(TABS);
    const said = [
      'a=fingerprint',
      'candidate',
      '127.0.0.1',
      'ice-',
      ...NAMES,
      'tab to tab',
      'Is this you?',
      'It is.',
    ];
    const secrets = [...said.map(text), ...sessions.flatMap(secretsOf)].map((secret) => Buffer.from(secret));
    const asked = services.map(({ body }) => body);
    const seen = [...frames.map(({ bytes }) => bytes), ...asked];
    expect(seen.filter((bytes) => containsOne(bytes, secrets))).toEqual([]);
    // What its services are told is recorded as they read it: which nodes there are, they do know.
    const nodes = ids.map((id) => Buffer.from(unhex(id)));
    expect(asked.some((bytes) => containsOne(bytes, nodes))).toBe(true);
  });

  it('meets no error', () => {
    expect([...users, ...tabs].flatMap(({ problems }) => problems)).toEqual([]);
  });
});
