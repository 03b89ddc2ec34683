import { BODY_LENGTH, CELL_LENGTH, CELLS_PER_MESSAGE } from '#shared/cell/geometry.ts';
import { cellCommand } from '#shared/cell/commands.ts';
import type { Cell } from '#shared/cell/codec.ts';
import { BUFFER_CEILING, type Carrier, type CarrierEvents } from '#shared/link/carrier.ts';
import { LinkMachine } from '#shared/link/machine.ts';
import type { CircuitId } from '#shared/units.ts';

/**
 * What every carrier of a link does. It stands on no test runner, so that a page and a worker can run it too: a
 * scenario that fails throws.
 */
export type LinkEnd = {
  carrier: Carrier;
  received: Uint8Array[];
  opened: number;
  closed: number;
  /** Instead of collecting in `received`. */
  onMessage: ((message: Uint8Array) => void) | undefined;
};

export type LinkPair = {
  a: LinkEnd;
  b: LinkEnd;
  /** The most bytes that the stack's own buffer held after a send. */
  mostBuffered(): number;
  dispose(): void;
};

/** Joins two new ends; they need not be open yet. */
export type LinkMaker = () => Promise<LinkPair>;

export type OpeningEvents = CarrierEvents & { open(): void };

/** An end that collects what its events say; its carrier is set when there is one. */
export const collectingEnd = (): LinkEnd & { events: OpeningEvents } => {
  const end = {
    carrier: { send: () => undefined, close: () => undefined } as Carrier,
    received: [] as Uint8Array[],
    opened: 0,
    closed: 0,
    onMessage: undefined as ((message: Uint8Array) => void) | undefined,
    events: {
      open: () => void (end.opened += 1),
      message: (data: Uint8Array) => (end.onMessage ? end.onMessage(data) : void end.received.push(data)),
      closed: () => void (end.closed += 1),
    },
  };
  return end;
};

/** Notes how much `stack` has buffered after each send. */
export const watchBuffer = (
  stack: { bufferedAmount: number; send(data: never): void },
  note: (bytes: number) => void,
): void => {
  const send = stack.send.bind(stack) as (data: unknown) => void;
  stack.send = (data: unknown) => {
    send(data);
    note(stack.bufferedAmount);
  };
};

const PATIENCE_MS = 10_000;
const SETTLE_MS = 50;

const check = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(what);
};

const until = async (condition: () => boolean, what: string): Promise<void> => {
  const limit = performance.now() + PATIENCE_MS;
  while (!condition()) {
    check(performance.now() < limit, `waited in vain until ${what}`);
    await pause(5);
  }
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

const bothOpen = ({ a, b }: LinkPair): Promise<void> =>
  until(() => a.opened > 0 && b.opened > 0, 'both ends are open');

/** A message that says which it is, at its beginning and its end. */
const numbered = (n: number, length: number): Uint8Array => {
  const message = new Uint8Array(length).fill(n);
  new DataView(message.buffer).setUint32(0, n);
  return message;
};

const isNumbered = (message: Uint8Array, n: number, length: number): boolean =>
  message.length === length &&
  new DataView(message.buffer, message.byteOffset).getUint32(0) === n &&
  message.at(-1) === n % 256;

const lengthOf = (n: number): number => CELL_LENGTH * (1 + (n % CELLS_PER_MESSAGE));

const sendMany = (end: LinkEnd, count: number): void => {
  for (let n = 0; n < count; n++) end.carrier.send(numbered(n, lengthOf(n)));
};

const arrived = async (end: LinkEnd, count: number): Promise<void> => {
  await until(() => end.received.length >= count, `${String(count)} messages are here`);
  check(end.received.length === count, 'more messages than were sent');
  check(
    end.received.every((message, n) => isNumbered(message, n, lengthOf(n))),
    'messages are whole and in order',
  );
};

const relayCell = (n: number): Cell => {
  const body = new Uint8Array(BODY_LENGTH);
  new DataView(body.buffer).setUint32(0, n);
  return { circuit: (1 + (n % 3)) as CircuitId, command: cellCommand.RELAY, body };
};

type Driven = { cells: Cell[]; dead: boolean; send(count: number): void; stop(): void };

/** A machine on an end, driven as a driver would. */
const drive = (end: LinkEnd, opener: boolean): Driven => {
  const rng = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));
  const link = new LinkMachine({ opener, rng, now: performance.now() });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = (): void => {
    for (const message of link.flush(performance.now())) end.carrier.send(message);
    clearTimeout(timer);
    timer = setTimeout(wake, Math.max(0, link.wakeAt() - performance.now()));
  };
  const wake = (): void => {
    driven.dead = link.tick(performance.now()) === 'dead';
    if (!driven.dead) flush();
  };
  const driven: Driven = {
    cells: [],
    dead: false,
    send(count) {
      for (let n = 0; n < count; n++) link.enqueue(relayCell(n));
      flush();
    },
    stop: () => clearTimeout(timer),
  };
  end.onMessage = (message) => {
    driven.cells.push(...link.receive(message, performance.now()));
    flush();
  };
  flush();
  return driven;
};

type Scenario = { name: string; run(pair: LinkPair): Promise<void> };

/** Each takes a pair of its own. */
export const linkScenarios: Scenario[] = [
  {
    name: 'whole messages arrive in order, both ways',
    async run(pair) {
      await bothOpen(pair);
      sendMany(pair.a, 200);
      sendMany(pair.b, 200);
      await arrived(pair.a, 200);
      await arrived(pair.b, 200);
    },
  },
  {
    name: 'what is sent before it is open arrives',
    async run(pair) {
      sendMany(pair.a, 20);
      await arrived(pair.b, 20);
    },
  },
  {
    name: 'a close is told to the other side once, and not to the closer',
    async run(pair) {
      await bothOpen(pair);
      pair.a.carrier.close();
      await until(() => pair.b.closed > 0, 'the other side knows of the close');
      await pause(SETTLE_MS);
      check(pair.b.closed === 1 && pair.a.closed === 0, 'told once, to the other side alone');
    },
  },
  {
    name: 'nothing is thrown and nothing comes after a close',
    async run(pair) {
      await bothOpen(pair);
      pair.a.carrier.close();
      pair.b.carrier.send(numbered(0, CELL_LENGTH));
      await until(() => pair.b.closed > 0, 'the other side knows of the close');
      for (const { carrier } of [pair.a, pair.b]) {
        carrier.send(numbered(0, CELL_LENGTH));
        carrier.close();
        carrier.close();
        carrier.send(numbered(0, CELL_LENGTH));
      }
      await pause(SETTLE_MS);
      check(pair.a.received.length === 0 && pair.b.received.length === 0, 'nothing comes any more');
    },
  },
  {
    name: 'a flood leaves no more in the stack’s buffer than its bound, and arrives',
    async run(pair) {
      await bothOpen(pair);
      sendMany(pair.a, 350);
      await arrived(pair.b, 350);
      check(pair.mostBuffered() <= BUFFER_CEILING, `${String(pair.mostBuffered())} bytes were buffered`);
    },
  },
  {
    name: 'two machines bring a thousand cells over, both ways',
    async run(pair) {
      await bothOpen(pair);
      const ends = [drive(pair.a, true), drive(pair.b, false)] as const;
      for (const end of ends) end.send(1_000);
      try {
        await until(() => ends.every(({ cells }) => cells.length >= 1_000), 'all cells are here');
      } finally {
        for (const end of ends) end.stop();
      }
      check(
        ends.every(({ cells, dead }) => cells.length === 1_000 && !dead),
        'each cell once, and nobody is dead',
      );
    },
  },
];
