import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, TestNetwork } from '#tests/support/test-network.ts';

const root = join(import.meta.dirname, '../..');

/** The only whole program of the page. */
const program = (): string => {
  const page = readFileSync(join(root, 'docs/client-api.md'), 'utf8');
  const [, code] = /```ts\n(.*?)```/s.exec(page) ?? [];
  if (code === undefined) throw new Error('docs/client-api.md has no example');
  return code;
};

/** Inside the repository, for it imports by the repository's names. */
const file = join(root, `test-results/example-${String(process.pid)}.ts`);
let network: TestNetwork;
let bot: ChildProcess | undefined;

beforeAll(async () => {
  network = await TestNetwork.start({ relays: 6 });
  mkdirSync(join(root, 'test-results'), { recursive: true });
  writeFileSync(file, program());
}, 60_000);

afterAll(async () => {
  if (bot?.exitCode === null) {
    bot.kill();
    await once(bot, 'exit');
  }
  rmSync(file, { force: true });
  await network.stop();
});

it('the example of the client API runs, and answers whoever uses its invite', async () => {
  const example = spawn(process.execPath, [file, network.url], { cwd: root });
  bot = example;
  let said = '';
  example.stdout.on('data', (data: Buffer) => (said += data.toString()));
  example.stderr.on('data', (data: Buffer) => (said += data.toString()));
  const invite = (): string | undefined => /^invite: (\S+)$/m.exec(said)?.[1];
  await eventually('an invite', () => invite() !== undefined || example.exitCode !== null);
  expect(said).toContain('invite: ');

  const { client } = await network.addClient();
  await client.start({ name: 'Ada' });
  const conversation = await client.acceptInvite(invite() ?? '');
  await client.send(conversation, 'Is anybody there?');
  const texts = async (): Promise<string[]> => (await client.messages(conversation)).map(({ text }) => text);
  await eventually('the answer', async () => (await texts()).length === 2);
  expect(await texts()).toEqual(['Is anybody there?', 'You said: Is anybody there?']);
}, 90_000);
