/**
 * `npm run compare -- https://chat.example.org`: whether a server gives the app that was built here. Exit codes: 0 when it
 * does and has signed it, 1 otherwise.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hex } from '#shared/bytes/bytes.ts';
import { readConsensus } from '#shared/directory/consensus.ts';
import { verifyRelease } from '#shared/directory/release.ts';
import { LIST, sha256, type ReleaseList } from './files.ts';

const [address] = process.argv.slice(2);
if (address === undefined) {
  console.error('Usage: npm run compare -- https://chat.example.org');
  process.exit(1);
}

const get = async (path: string): Promise<Uint8Array> => {
  const response = await fetch(new URL(path, address));
  if (!response.ok) throw new Error(`${path}: ${String(response.status)}`);
  return new Uint8Array(await response.arrayBuffer());
};

const parse = (list: Uint8Array): ReleaseList => JSON.parse(Buffer.from(list).toString()) as ReleaseList;

const built = new Uint8Array(readFileSync(join(import.meta.dirname, '../dist/web', LIST)));
const [list, signature, consensus] = await Promise.all([get(LIST), get('/release.sig'), get('/consensus')]);
const { directoryKey } = readConsensus(consensus).verify({});

const problems: string[] = [];
if (!verifyRelease(directoryKey, list, signature)) problems.push('The list is not signed by the directory.');
const [here, there] = [parse(built).files, parse(list).files];
for (const path of new Set([...Object.keys(here), ...Object.keys(there)]))
  if (here[path] !== there[path]) problems.push(`${path} is not as it was built here.`);
for (const [path, hash] of Object.entries(there))
  if (sha256(await get(path)) !== hash) problems.push(`${path} is not as the list says.`);

console.log(`directory ${hex(directoryKey)}`);
console.log(`list      ${sha256(list)}`);
for (const problem of problems) console.log(problem);
console.log(problems.length === 0 ? 'The same app, and signed.' : 'Not the app that was built here.');
process.exit(problems.length === 0 ? 0 : 1);
