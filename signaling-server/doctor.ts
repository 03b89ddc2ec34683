/**
 * `npm run doctor`: reads the settings as the server does, shows them without secrets, and tries all that they name. Exit
 * codes: 0 when nothing failed, 78 when settings can't be used, 1 otherwise.
 */
import { systemClock } from './clock.ts';
import { readConfig, shownSettings, type Config } from './config.ts';
import { ok, runChecks, warning, type Check } from './doctor-check.ts';
import { storeChecks, type Engines } from './doctor-stores.ts';
import { iceChecks } from './doctor-turn.ts';
import { webChecks } from './doctor-web.ts';
import { LINK_PATH } from './server.ts';
import { setupWarning } from './setup.ts';
import { EXIT_FAILURE, StartError } from './start-error.ts';
import { MongoArchive } from './stores/mongo.ts';
import { RedisLive } from './stores/redis.ts';

const engines: Engines = {
  openLive: async (urls) => RedisLive.open({ urls, clock: systemClock }),
  openArchive: async (url) => MongoArchive.open(url),
};

const setupChecks = (config: Config): Check[] => {
  const said = setupWarning(config);
  return [
    { name: 'contribution', run: async () => (said === undefined ? ok('its keys will do') : warning(said)) },
  ];
};

const say = (line: string): void => {
  console.log(line);
};

const examine = async (): Promise<number> => {
  const config = readConfig(process.env);
  const shown = shownSettings(process.env);
  const width = Math.max(...shown.map(([name]) => name.length));
  for (const [name, value] of shown) say(`${name.padEnd(width)}  ${value}`.trimEnd());
  say('');
  const { now } = systemClock;
  const checks = [
    ...storeChecks(config, engines),
    ...setupChecks(config),
    ...iceChecks(config, now),
    ...webChecks(config, now, LINK_PATH),
  ];
  return (await runChecks(checks, say)) ? 0 : EXIT_FAILURE;
};

examine().then(
  // What a check that got no answer left behind must not keep the program.
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof StartError ? error.message : error);
    process.exit(error instanceof StartError ? error.exitCode : EXIT_FAILURE);
  },
);
