import { expect, it, vi } from 'vitest';
import { decode } from '#shared/bytes/codec.ts';
import { requestCodec, responseCodec, type DirectoryResponse } from '#shared/directory/messages.ts';
import type { SimDirectory } from './directory.ts';
import { World } from './world.ts';

/** What the directory answers to registrations from here on. */
const registrations = ({ services }: SimDirectory): DirectoryResponse[] => {
  const answers: DirectoryResponse[] = [];
  const request = services.request.bind(services);
  vi.spyOn(services, 'request').mockImplementation(async (circuit, body) => {
    const answer = await request(circuit, body);
    if (decode(requestCodec, body).type === 'register') answers.push(decode(responseCodec, answer));
    return answer;
  });
  return answers;
};

it('a busy directory lets nodes in that work for it', async () => {
  const world = await new World({ seed: 11, limits: { newcomers: 0.5 } }).start();
  const answers = registrations(world.directory);
  const first = world.add('first', true);
  await world.until('the first is registered', () => first.node.registered, 20_000);
  expect(answers).toEqual([{ type: 'ok' }]);
  const second = world.add('second', true);
  await world.until('the second is registered', () => second.node.registered, 20_000);
  expect(answers.slice(1)).toEqual([{ type: 'work', bits: 14 }, { type: 'ok' }]);

  // Off and on again over the same circuit: what was shown once is not taken twice.
  const before = answers.length;
  second.command({ type: 'relay', on: false });
  await world.clock.pass(100);
  second.command({ type: 'relay', on: true });
  await world.until('it is registered again', () => second.node.registered, 20_000);
  const again = answers.slice(before);
  expect(again.at(0)?.type).toBe('work');
  expect(again.at(-1)).toEqual({ type: 'ok' });
  expect(world.faults()).toEqual([]);
});
