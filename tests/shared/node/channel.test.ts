import { describe, expect, it } from 'vitest';
import { decode, u16 } from '#shared/bytes/codec.ts';
import { relayCommand, type RelayCommand } from '#shared/cell/commands.ts';
import type { RelayMessage } from '#shared/cell/relay.ts';
import { FIRST_WINDOW } from '#shared/circuit/credits.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import { Channel } from '#shared/node/channel.ts';
import { Context } from '#shared/node/context.ts';
import type { StreamId } from '#shared/units.ts';
import { refusalOf } from '#tests/support/refusal.ts';

const open = (): { channel: Channel; sent: RelayMessage[]; count: (command: RelayCommand) => number } => {
  const sent: RelayMessage[] = [];
  const context = new Context(seededRng(new Uint8Array(32)), 0, false);
  const channel = new Channel(context, () => undefined, 0, {
    send: (message) => void sent.push(message),
    grant: () => undefined,
    close: () => undefined,
  });
  channel.trust();
  return { channel, sent, count: (command) => sent.filter((each) => each.command === command).length };
};

const said = (command: RelayCommand, data: Uint8Array): RelayMessage => ({
  ...{ stream: 0 as StreamId, command, data },
});

describe('cover on a channel', () => {
  it('tells a contact how many DROPs it takes, once for each change', () => {
    const { channel, sent } = open();
    for (const perSecond of [0, 3.25, 3.25, 1.083_9, 0]) channel.offer(perSecond);
    expect(sent.map(({ data }) => decode(u16, data))).toEqual([3250, 1083, 0]);
  });

  it('keeps one such message at the most for a contact that grants no credit, and says what is true at last', () => {
    const { channel, sent, count } = open();
    for (let i = 0; i < FIRST_WINDOW; i++) channel.send(new Uint8Array(1));
    for (let i = 1; i <= 1000; i++) channel.offer(i / 1000);
    expect(count(relayCommand.COVER)).toBe(0);
    channel.granted(200);
    expect(count(relayCommand.COVER)).toBe(1);
    expect(decode(u16, sent.at(-1)?.data ?? new Uint8Array(0))).toBe(1000);
  });

  it('sends DROPs as far as there is credit', () => {
    const { channel, count } = open();
    for (let i = 0; i < FIRST_WINDOW; i++) expect(channel.drop()).toBe(true);
    expect(channel.drop()).toBe(false);
    expect(count(relayCommand.DROP)).toBe(FIRST_WINDOW);
  });

  it('takes what the contact says of itself, and nothing that is no number', () => {
    const { channel } = open();
    expect(channel.takes).toBe(0);
    channel.receive(said(relayCommand.COVER, Uint8Array.of(12, 178)));
    expect(channel.takes).toBe(3.25);
    for (const data of [new Uint8Array(0), new Uint8Array(1), new Uint8Array(3)])
      expect(refusalOf(() => channel.receive(said(relayCommand.COVER, data)))).toBe('malformed');
    expect(channel.takes).toBe(3.25);
  });
});
