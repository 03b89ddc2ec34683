import { chromium, type Browser, type BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SEALED_CELL_LENGTH } from '#shared/cell/geometry.ts';
import { launchArgs, newContext, Tab, webDir } from '#tests/support/browser.ts';
import { candidatesOf, partsOf, watchCandidates } from '#tests/support/candidates-seen.ts';
import { delivered, meet, say } from '#tests/support/chat.ts';
import { deployProgram } from '#tests/support/deploy-programs.ts';
import { findChromium } from '#tests/support/programs.ts';
import { RecordingProxy, type Passed } from '#tests/support/recording-proxy.ts';
import { secretsOf, sessionsOf, watchSessions } from '#tests/support/sessions-seen.ts';
import { Service } from '#tests/support/stores.ts';
import { eventually, TestNetwork } from '#tests/support/test-network.ts';
import { at, walk } from '#tests/support/walker.ts';

const RELAYS = 6;
/** Frames that are looked at, at the least. */
const LEAST_FRAMES = 50;
const SECRET = 'a secret that coturn knows';
const SAID = 'what nobody else may read';

const WORDS = [
  'candidate:',
  'a=candidate',
  'a=fingerprint',
  'a=ice',
  'ice-ufrag',
  'ice-pwd',
  ' typ ',
  '.local',
  SAID,
];
const IPV4 = /(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])/;
const IPV6 = /(?<![\w:])(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}(?![\w:])/i;
/** Where a network's own addresses stand by right: what the server says of its TURN servers, and the app itself. */
const isTold = ({ what, path }: Passed): boolean =>
  what === 'answer' && (path === '/client.json' || path === '/' || path.startsWith('/assets/'));

/** What of `passed` tells where a tab is, or what only the ends of a link may know. */
const leaksIn = (passed: Passed[], secrets: Buffer[]): string[] =>
  passed.flatMap((each) => {
    if (isTold(each)) return [];
    const text =
      each.what === 'request'
        ? decodeURIComponent(each.bytes.toString('latin1'))
        : each.bytes.toString('latin1');
    // A browser names itself and what it takes by numbers with dots and `q=` lists.
    const plain =
      each.what === 'request' ? text.replace(/(?<=\nUser-Agent\n).*|(?<=\nsec-ch-ua\n).*/gi, '') : text;
    const found = [
      ...WORDS.filter((word) => plain.includes(word)),
      ...[IPV4, IPV6].flatMap((pattern) => pattern.exec(plain)?.[0] ?? []),
      ...secrets.filter((secret) => each.bytes.includes(secret)).map((secret) => secret.toString('hex')),
    ];
    return found.map((what) => `${each.what} ${each.path}: ${what}`);
  });

/** An IPv4 address and port as 6 bytes, as they would stand in a packed candidate or a STUN message. */
const packed = (address: string, port: number): Buffer =>
  Buffer.from([...address.split('.').map(Number), port >> 8, port & 255]);

/** What this browser asks of its maker on its own account: updates, a sign-in, what kind of form it sees. No page has a part in it. */
const OWN = /^((update|content-autofill)\.googleapis|accounts\.google)\.com(:443)?$/;

type Pair = { tabs: [Tab, Tab]; contexts: BrowserContext[] };

describe('a recording proxy between browser and server', () => {
  const turnserver = deployProgram('turnserver');
  const turned = it.skipIf(turnserver === undefined);
  let coturn: Service | undefined;
  let network: TestNetwork;
  let proxy: RecordingProxy;
  let browser: Browser;
  let url: string;
  let relays: string[];
  const asked = new Set<string>();
  const problems: string[] = [];

  beforeAll(async () => {
    const env: Record<string, string> = {};
    if (turnserver !== undefined) {
      coturn = await Service.start(turnserver, (port, folder) => [
        ...['-n', '--use-auth-secret', `--static-auth-secret=${SECRET}`, '--realm=hourglass'],
        ...[`--listening-port=${String(port)}`, '--listening-ip=127.0.0.1', '--relay-ip=127.0.0.1'],
        ...['--allow-loopback-peers', '--no-cli', '--no-tls', '--no-dtls'],
        ...[`--pidfile=${folder}/pid`, `--userdb=${folder}/turndb`, `--log-file=${folder}/log`],
      ]);
      Object.assign(env, { HG_TURN_URLS: `turn:127.0.0.1:${String(coturn.port)}`, HG_TURN_SECRET: SECRET });
    }
    network = await TestNetwork.start({ relays: RELAYS, webDir, env });
    relays = network.relays.map(({ id }) => id);
    // By a name, so that an address in a request is a leak.
    url = network.url.replace('127.0.0.1', 'localhost');
    proxy = await RecordingProxy.start(url);
    browser = await chromium.launch({
      executablePath: findChromium(),
      args: launchArgs,
      proxy: { server: proxy.url, bypass: '<-loopback>' },
    });
  });
  afterAll(async () => {
    await browser.close();
    proxy.stop();
    await network.stop();
    await coturn?.stop();
  });

  /** Two people in tabs of their own; who relay nothing are no nodes, and nothing but a conversation could link them. */
  const pair = async (
    prepare: (context: BrowserContext) => Promise<unknown>,
    relaying = false,
  ): Promise<Pair> => {
    const contexts = [await newContext(browser, url), await newContext(browser, url)];
    const open = async (context: BrowserContext): Promise<Tab> => {
      context.on('request', (request) => asked.add(new URL(request.url()).host));
      await prepare(context);
      const tab = await Tab.open(context, url);
      await tab.client.setRelaying(relaying);
      return tab;
    };
    const tabs = (await Promise.all(contexts.map(open))) as [Tab, Tab];
    await Promise.all([tabs[0].start('Ada'), tabs[1].start('Ben')]);
    return { tabs, contexts };
  };

  const watched = async (context: BrowserContext): Promise<void> => {
    await watchSessions(context);
    await watchCandidates(context);
  };

  /** They exchange messages, and no link of either leads to the other. */
  const talk = async ({ tabs }: Pair): Promise<void> => {
    const [ada, ben] = tabs;
    const { guest, host } = await meet(ada.client, ben.client);
    for (const side of [guest, host]) await delivered(side, [await say(side, SAID)]);
    for (const tab of tabs) {
      const peers = (await tab.client.state()).links.filter(({ kind }) => kind !== 'directory');
      expect(peers.map(({ node }) => node).filter((node) => node === null || !relays.includes(node))).toEqual(
        [],
      );
    }
  };

  const kinds = async (tab: Tab): Promise<string[]> => {
    const { links } = await tab.client.state();
    const open = links.filter(({ kind, state }) => kind !== 'directory' && state === 'open');
    return [...new Set(open.map(({ kind }) => kind))];
  };

  /** Frames that passed, once there are so many that what leaks would be among them. */
  const manyFrames = async (where = (_path: string): boolean => true): Promise<Passed[]> => {
    const frames = (): Passed[] => proxy.passed.filter(({ what, path }) => what === 'frame' && where(path));
    await eventually('frames to look at', () => frames().length > LEAST_FRAMES, 60_000);
    return frames();
  };

  const end = async ({ tabs, contexts }: Pair): Promise<void> => {
    problems.push(...tabs.flatMap((tab) => tab.problems));
    await Promise.all(contexts.map((context) => context.close()));
  };

  const secretsSeen = async ({ tabs }: Pair): Promise<Buffer[]> => {
    const sdps = (await Promise.all(tabs.map(sessionsOf))).flat();
    const candidates = (await Promise.all(tabs.map(candidatesOf))).flatMap((seen) => seen.candidates);
    expect(sdps.length).toBeGreaterThan(2);
    expect(candidates.length).toBeGreaterThan(2);
    const places = candidates.map(partsOf).filter(({ address }) => IPV4.test(address));
    const inBytes = places.map(({ address, port }) => packed(address, port));
    return [...sdps.flatMap(secretsOf).map((each) => Buffer.from(each)), ...inBytes];
  };

  it('sees no candidate and no other origin where links are WebRTC', async () => {
    const people = await pair(watched);
    await talk(people);
    // Where there is a TURN server, ICE may take that for one of the links.
    for (const tab of people.tabs)
      expect((await kinds(tab)).filter((kind) => kind !== 'turn')).toEqual(['direct']);
    const frames = await manyFrames();
    expect(frames.filter(({ path }) => path !== '/link')).toEqual([]);
    const secrets = await secretsSeen(people);
    expect(leaksIn(proxy.passed, secrets)).toEqual([]);
    await end(people);
  });

  it('sees sealed cells of one size where the browser has no WebRTC', async () => {
    proxy.passed.length = 0;
    const without = (context: BrowserContext): Promise<unknown> =>
      context.addInitScript(() => {
        Reflect.deleteProperty(globalThis, 'RTCPeerConnection');
      });
    const people = await pair(without, true);
    await talk(people);
    for (const tab of people.tabs) {
      expect(await kinds(tab)).toEqual(['server']);
      expect((await tab.client.state()).status).toMatchObject({ kind: 'limited', why: 'no-webrtc' });
    }
    const [ada] = people.tabs;
    await walk(ada.page, [at(ada, 'network-server', '#/network', '[data-testid=link][data-kind=server]')]);
    const frames = await manyFrames((path) => path !== '/link');
    for (const { bytes } of frames) expect([16, SEALED_CELL_LENGTH]).toContain(bytes.length);
    expect(leaksIn(proxy.passed, [])).toEqual([]);
    await end(people);
  });

  turned('sees as little where an address is hidden behind TURN, and no neighbour sees it', async () => {
    proxy.passed.length = 0;
    const people = await pair(watched);
    for (const tab of people.tabs) {
      await tab.show('#/settings/privacy');
      await tab.page.getByTestId('hide-address').click();
      await tab.page.locator('[data-testid=hide-address][aria-checked=true]').waitFor();
      // Links that stood before go, and others come.
      await eventually('links through TURN alone', async () => (await kinds(tab)).join() === 'turn');
      await tab.reload();
      await tab.show('#/');
    }
    await talk(people);
    for (const tab of people.tabs) {
      expect(await kinds(tab)).toEqual(['turn']);
      // Since it was loaded: what is never gathered is never sent.
      const { candidates, made } = await candidatesOf(tab);
      expect(made).toBeGreaterThan(1);
      expect([...new Set(candidates.map((each) => partsOf(each).type))]).toEqual(['relay']);
    }
    const [ada] = people.tabs;
    await walk(ada.page, [at(ada, 'network-turn', '#/network', '[data-testid=link][data-kind=turn]')]);
    const secrets = await secretsSeen(people);
    expect(leaksIn(proxy.passed, secrets)).toEqual([]);
    await end(people);
  });

  it('was asked for nothing of anybody else, and no page met an error', () => {
    expect([...asked]).toEqual([new URL(url).host]);
    expect(proxy.foreign.filter((host) => !OWN.test(host))).toEqual([]);
    expect(problems).toEqual([]);
  });

  it('would have seen a leak', async () => {
    proxy.passed.length = 0;
    const { tabs, contexts } = await pair(watched);
    const [tab] = tabs;
    await eventually('a description', async () => (await sessionsOf(tab)).length > 0);
    const [sdp = ''] = await sessionsOf(tab);
    await eventually('a candidate', async () => (await candidatesOf(tab)).candidates.length > 0);
    const [candidate = ''] = (await candidatesOf(tab)).candidates;
    const { address, port } = partsOf(candidate);
    const secret = packed(address, port);
    const binary = [...Buffer.concat([Buffer.alloc(700, 1), secret, Buffer.alloc(446, 2)])];
    await tab.page.evaluate(
      async ([one, two, three]) => {
        const bytes = [...[one, two].map((text) => new TextEncoder().encode(text)), Uint8Array.from(three)];
        // Each on its own: the server ends a link at the first byte that is none of the protocol's.
        for (const each of bytes) {
          const socket = new WebSocket('/link');
          await new Promise((done) => (socket.onopen = done));
          socket.send(each);
        }
        await fetch(`/consensus?from=${encodeURIComponent(two)}`);
      },
      [sdp, candidate, binary] as const,
    );
    const planted = ['a=fingerprint', 'a=ice', ' typ ', address, secret.toString('hex')];
    const missing = (): string[] => {
      const leaks = leaksIn(proxy.passed, [secret]);
      const isSeen = (what: string): boolean =>
        leaks.some((leak) => leak.startsWith('frame ') && leak.endsWith(`: ${what}`));
      const asked = leaks.includes(`request /consensus: ${address}`) ? [] : ['request'];
      return [...planted.filter((what) => !isSeen(what)), ...asked];
    };
    await expect.poll(missing, { timeout: 10_000 }).toEqual([]);
    const page = await (contexts[0] as BrowserContext).newPage();
    await page.goto('http://elsewhere.test/').catch(() => undefined);
    expect(proxy.foreign).toContain('elsewhere.test');
    expect(asked).toContain('elsewhere.test');
    await Promise.all(contexts.map((context) => context.close()));
  });
});
