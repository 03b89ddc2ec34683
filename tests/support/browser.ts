import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import type { TraceEvent } from '#shared/node/output.ts';
import type { ClientApi } from '#web/api.ts';
import { findChromium } from '#tests/support/programs.ts';
import { eventually } from '#tests/support/test-network.ts';

/** The built app, which `npm test` makes before the tests run. */
export const webDir = fileURLToPath(new URL('../../dist/web', import.meta.url));

/** What the page of `?trace` shows to a test. */
type Exposed = typeof globalThis & { hourglass: { client: ClientApi; port: MessagePort } };

/** Wide enough for the circuit beside its conversation. */
const viewport = { width: 1440, height: 860 };

/** Microphone and camera that every page may use: the one beeps, the other shows a moving picture. */
export const pretendedDevices = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];

/** What keeps the traffic of a Chromium on this machine. */
export const launchArgs = [
  '--no-sandbox',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--allow-loopback-in-peer-connection',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
];

export const launch = (more: string[] = []): Promise<Browser> =>
  chromium.launch({ executablePath: findChromium(), args: [...launchArgs, ...more] });

/** A browser profile of its own. */
export const newContext = async (browser: Browser, url: string): Promise<BrowserContext> => {
  const context = await browser.newContext({ viewport });
  await allowDevices(context, url);
  return context;
};

/** With these a page may see real addresses, so that no mDNS name is asked for on the network. */
export const allowDevices = (context: BrowserContext, url: string): Promise<void> =>
  context.grantPermissions(['microphone', 'camera'], { origin: new URL(url).origin });

/** One page with the app in it. */
export class Tab {
  readonly page: Page;
  /** Errors of its console: exceptions, and what its policy forbade. */
  readonly problems: string[] = [];
  /** The whole of `ClientApi`, as the page has it. */
  readonly client: ClientApi;

  private constructor(page: Page) {
    this.page = page;
    page.on('pageerror', (error) => this.problems.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') this.problems.push(message.text());
    });
    this.client = clientOf((call, args) => page.evaluate(call, args));
  }

  /** Tabs of one context are told apart by their profiles. */
  static async open(context: BrowserContext, url: string, profile = ''): Promise<Tab> {
    const tab = new Tab(await context.newPage());
    const address = new URL(url);
    address.searchParams.set('trace', '');
    if (profile !== '') address.searchParams.set('profile', profile);
    await tab.page.goto(address.href);
    await tab.#loaded();
    return tab;
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.#loaded();
  }

  /** Every cell on every link so far. */
  traces(): Promise<TraceEvent[]> {
    return this.page.evaluate(() => {
      const { port } = (globalThis as Exposed).hourglass;
      return new Promise<TraceEvent[]>((answered) => {
        const listen = ({ data }: MessageEvent<{ traces?: TraceEvent[] }>): void => {
          if (!data.traces) return;
          port.removeEventListener('message', listen);
          answered(data.traces);
        };
        port.addEventListener('message', listen);
        port.postMessage('traces');
      });
    });
  }

  /** As a person does who is here for the first time. */
  async start(name: string): Promise<void> {
    await this.page.getByTestId('name').fill(name);
    await this.page.getByTestId('start').click();
    await this.page.getByTestId('steps-skip').click();
    await this.page.getByTestId('invite').first().waitFor();
  }

  /** Shows a place of the app, such as `#/chats`. */
  async show(hash: string): Promise<void> {
    await this.page.evaluate((to) => void (location.hash = to), hash);
  }

  close(): Promise<void> {
    return this.page.close();
  }

  async #loaded(): Promise<void> {
    await eventually('the app', () => this.page.evaluate(() => 'hourglass' in globalThis));
    await this.client.state();
  }
}

type Call = readonly [keyof ClientApi, unknown[]];
/** Runs a function in the page. */
type Evaluate = (work: (call: Call) => Promise<unknown>, call: Call) => Promise<unknown>;

/** The client of the page in which `evaluate` runs what it is given. */
export const clientOf = (evaluate: Evaluate): ClientApi => {
  const call = (method: keyof ClientApi, args: unknown[]): Promise<unknown> =>
    evaluate(
      ([name, given]) => {
        const { client } = (globalThis as Exposed).hourglass;
        return (client[name] as (...args: unknown[]) => Promise<unknown>)(...given);
      },
      [method, args],
    );
  return new Proxy({} as ClientApi, {
    get:
      (_, method: keyof ClientApi) =>
      (...args: unknown[]) =>
        call(method, args),
  });
};
