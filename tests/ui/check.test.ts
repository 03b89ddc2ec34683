import { describe, expect, it } from 'vitest';
import type { ClientState } from '#web/api.ts';
import { reportOf, rowsOf, summaryOf, type Row, type Tried } from '#web/ui/view/check.ts';
import { FakeClient } from '#tests/support/fake-client.ts';

const now = Date.now();
const good: Tried = { aheadMs: 300, loopback: 'ok', ice: { stun: null, turn: null } };
const busy = (): ClientState => new FakeClient('busy').state;
const alone = (): ClientState => new FakeClient('alone').state;

const row = (name: Row['name'], client: ClientState, tried: Tried = good, sinceMs = 0): Row =>
  rowsOf(client, tried, now, sinceMs).find((one) => one.name === name)!;
const state = (...args: Parameters<typeof row>): Row['state'] => row(...args).state;

describe('the connection check', () => {
  it('calls nothing good that was not seen to be: at first every line runs', () => {
    const client = { ...alone(), consensusAt: null };
    client.reach = { ...client.reach, server: false };
    const rows = rowsOf(client, {}, now, 0);
    expect(rows.map((one) => one.state)).toEqual(Array(5).fill('running'));
    expect(rows.map((one) => one.advice)).toEqual(Array(5).fill(null));
    expect(summaryOf(rows)).toBe('running');
  });

  it('and comes to five good lines where all is well', () => {
    const rows = rowsOf(busy(), { ...good, ice: { stun: true, turn: true } }, now, 0);
    expect(rows.map((one) => one.state)).toEqual(Array(5).fill('ok'));
    expect(summaryOf(rows)).toBe('ok');
  });

  it('the server: waits a while, and then says why it is away', () => {
    const away = { ...busy(), reach: { ...busy().reach, server: false } };
    expect(state('server', away, good, 7_900)).toBe('running');
    expect(state('server', away, good, 8_000)).toBe('failed');
    expect(row('server', { ...away, status: { kind: 'offline' } }).found).toContain('offline');
    const distrusted = { ...busy(), circuits: [], status: { kind: 'distrusted' } as const };
    expect(row('server', distrusted).state).toBe('failed');
    expect(row('circuit', distrusted).found).toContain('nothing goes through this server');
  });

  it('the clock: a minute off is too much, either way, and a list may be too old', () => {
    expect(row('clock', busy(), { ...good, aheadMs: 61_000 })).toMatchObject({ state: 'warning' });
    expect(row('clock', busy(), { ...good, aheadMs: 61_000 }).found).toContain('01:01 behind');
    expect(row('clock', busy(), { ...good, aheadMs: -61_000 }).found).toContain('01:01 ahead');
    expect(state('clock', busy(), { ...good, aheadMs: 59_000 })).toBe('ok');
    expect(state('clock', busy(), { ...good, aheadMs: null })).toBe('ok');
    expect(row('clock', busy(), { ...good, aheadMs: null }).found).not.toContain('agree');
    const old = { ...busy(), consensusAt: now - 16 * 60_000 };
    expect(state('clock', old)).toBe('warning');
    // A clock that is an hour wrong makes no list old.
    expect(row('clock', old, { ...good, aheadMs: 3_600_000 }).found).toContain('behind');
    expect(state('clock', { ...busy(), consensusAt: null }, good, 8_000)).toBe('failed');
  });

  it('STUN and TURN: none is no fault, and silence of one is told beside the other’s answer', () => {
    expect(state('ice', busy())).toBe('none');
    expect(row('ice', busy(), { ...good, ice: { stun: true, turn: false } })).toMatchObject({
      state: 'warning',
      found: 'Answered: STUN. No answer: TURN.',
    });
    expect(row('ice', busy(), { ...good, ice: { stun: false, turn: null } }).found).toBe('No answer: STUN.');
  });

  it('the circuit: says which part of it is missing', () => {
    expect(state('circuit', alone(), good, 24_000)).toBe('running');
    expect(row('circuit', alone(), good, 25_000).found).toContain('needs 3 other nodes; 0 are online');
    const known: ClientState = { ...alone(), status: { kind: 'building-circuit', hop: 1, of: 3 } };
    expect(row('circuit', known, good, 25_000).found).toContain('No neighbour');
    const linked = { ...known, links: busy().links };
    expect(row('circuit', linked, good, 25_000).found).toContain('no circuit');
    // A circuit to the directory is not one over which anybody could talk.
    const directory = { ...busy().circuits[0]!, purpose: 'directory' as const };
    expect(state('circuit', { ...known, circuits: [directory] }, good, 25_000)).toBe('failed');
    const few = new FakeClient('quiet').state;
    few.circuits = busy().circuits;
    expect(row('circuit', few)).toMatchObject({ state: 'warning' });
  });

  it('every failure says what to do', () => {
    const bad: Tried = { aheadMs: 1e6, loopback: 'absent', ice: { stun: false, turn: false } };
    const client = { ...alone(), reach: { ...alone().reach, server: false }, consensusAt: null };
    for (const one of rowsOf(client, bad, now, 60_000)) expect(one.advice, one.name).toBeTruthy();
    expect(row('webrtc', client, { ...bad, loopback: 'failed' }).advice).toBeTruthy();
  });

  it('its report has every line, and no address, node or person', () => {
    const client = busy();
    const rows = rowsOf(client, good, now, 0);
    const report = reportOf(client, rows, now, 'Some Browser 1.0');
    for (const one of rows) expect(report).toContain(one.found);
    expect(report).not.toMatch(/\d+\.\d+\.\d+\.\d+|[0-9a-f]{16}|[a-z2-7]{40}|https?:|wss?:/);
    const names = [...client.nodes, ...client.links, ...client.conversations, client.profile];
    for (const { name } of names) if (name !== '') expect(report).not.toContain(name);
  });
});
