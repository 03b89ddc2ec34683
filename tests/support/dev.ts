/**
 * `npm run dev`: the network of the tests (a server, six relays) and the app by Vite's own server, which reloads it as
 * its sources change. Two profiles in one browser: add `?profile=NAME` to the address.
 */
import { createServer } from 'vite';
import { TestNetwork } from './test-network.ts';

const network = await TestNetwork.start({ relays: 6, env: { HG_CANDIDATES: 'all' } });
const proxied = { target: network.url, ws: true };
const vite = await createServer({
  server: { proxy: { '/link': proxied, '/consensus': proxied, '/client.json': proxied } },
});
await vite.listen();
vite.printUrls();

const stop = async (): Promise<void> => {
  await vite.close();
  await network.stop();
  process.exit(0);
};
process.once('SIGINT', () => void stop());
process.once('SIGTERM', () => void stop());
