import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hex } from '#shared/bytes/bytes.ts';
import { decode } from '#shared/bytes/codec.ts';
import { tombstoneCodec, type Message, type ThreadState } from '#web/core/conversation/records.ts';
import { MAX_TOMBSTONES, nextEnd, Thread, TOMBSTONE_MS } from '#web/core/conversation/thread.ts';
import { runs } from '#tests/support/runs.ts';

const idOf = (n: number): Uint8Array => {
  const id = new Uint8Array(16);
  new DataView(id.buffer).setUint32(0, n);
  return id;
};
const nothing: ThreadState = { messages: new Map(), tombstones: new Map() };
const anyone = new Uint8Array(32);

const add = (thread: Thread, n: number, fields: Partial<Message> = {}): Message =>
  thread.append({ id: idOf(n), mine: false, sentAt: n, state: 'delivered', text: `text ${n}`, ...fields }, n);

describe('a thread', () => {
  it('gives the changes that lead from one state to the next', () => {
    const action = fc.record({ do: fc.constantFrom('add', 'remove', 'blank'), n: fc.nat(12) });
    fc.assert(
      fc.property(fc.array(fc.array(action, { maxLength: 8 }), { maxLength: 8 }), (operations) => {
        const stored = new Map<string, Uint8Array>();
        let state = nothing;
        for (const [at, operation] of operations.entries()) {
          const thread = new Thread(state, 'c', at * 100, undefined);
          for (const { do: what, n } of operation) {
            const known = thread.message(idOf(n));
            if (what === 'add' && !known && !thread.isBuried(idOf(n), anyone)) add(thread, n);
            if (what === 'remove' && known) thread.remove(known, at);
            if (what === 'blank' && known) thread.blank(known);
          }
          for (const { table, key, value } of thread.changes(at)) {
            if (value === undefined) stored.delete(`${table} ${key}`);
            else stored.set(`${table} ${key}`, value);
          }
          state = thread.result(at);
        }
        const expected = [
          ...[...state.messages.keys()].map((id) => `messages c/${id}`),
          ...[...state.tombstones.keys()].map((id) => `tombstones c/${id}`),
        ];
        expect([...stored.keys()].sort()).toEqual(expected.sort());
        const positions = [...state.messages.values()].map(({ position }) => position);
        expect(positions).toEqual([...positions].sort((a, b) => a - b));
      }),
      runs(100),
    );
  });

  it('keeps nothing of a message that was taken back, and says which files go with what is gone', () => {
    const thread = new Thread(nothing, 'c', 0, undefined);
    const file = new Uint8Array(16).fill(7);
    thread.blank(add(thread, 1, { file, replyTo: idOf(9), reactions: [{ by: undefined, emoji: '👍' }] }));
    expect(thread.message(idOf(1))).toMatchObject({
      ...{ text: '', file: undefined, replyTo: undefined, reactions: [], deleted: true },
    });
    thread.remove(add(thread, 2, { file }), 5);
    expect(thread.message(idOf(2))).toBeUndefined();
    expect(thread.dropped.map(({ id }) => hex(id))).toEqual([hex(idOf(1)), hex(idOf(2))]);
    expect(thread.gone).toEqual([hex(idOf(2))]);
  });

  it('lets go of what has come to its end, and of nothing before', () => {
    const thread = new Thread(nothing, 'c', 0, undefined);
    for (const n of [1, 2, 3]) add(thread, n, n === 3 ? {} : { expires: 10 * n });
    expect(nextEnd(thread.all())).toBe(10);
    thread.expire(9);
    expect(thread.gone).toEqual([]);
    thread.expire(10);
    expect(thread.gone).toEqual([hex(idOf(1))]);
    expect(nextEnd(thread.all())).toBe(20);
  });

  it('remembers whose message is not to be shown', () => {
    const thread = new Thread(nothing, 'c', 0, undefined);
    const [one, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
    thread.bury(idOf(1), one, 5);
    thread.bury(idOf(2), undefined, 5);
    expect([one, other].map((who) => thread.isBuried(idOf(1), who))).toEqual([true, false]);
    expect([one, other].map((who) => thread.isBuried(idOf(2), who))).toEqual([true, true]);
  });

  it('keeps so many tombstones, and so long', () => {
    let state = nothing;
    const first = new Thread(state, 'c', 0, undefined);
    for (let n = 0; n < MAX_TOMBSTONES; n++) first.bury(idOf(n), undefined, n);
    state = first.result(MAX_TOMBSTONES);
    expect(state.tombstones.size).toBe(MAX_TOMBSTONES);
    const second = new Thread(state, 'c', 0, undefined);
    second.bury(idOf(MAX_TOMBSTONES), undefined, MAX_TOMBSTONES);
    const changes = second.changes(MAX_TOMBSTONES);
    expect(changes.map(({ value }) => value && hex(decode(tombstoneCodec, value).id))).toEqual([
      hex(idOf(MAX_TOMBSTONES)),
      undefined,
    ]);
    expect(changes[1]?.key).toBe(`c/${hex(idOf(0))}`);
    const third = new Thread(second.result(MAX_TOMBSTONES), 'c', 0, undefined);
    const late = MAX_TOMBSTONES + TOMBSTONE_MS;
    third.bury(idOf(1_000_000), undefined, late);
    expect([...third.result(late).tombstones.keys()]).toEqual([hex(idOf(1_000_000))]);
  });
});
