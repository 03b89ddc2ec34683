import { join } from 'node:path';
import * as v from 'valibot';
import { DEFAULT_EPOCH_MS, epochPlan, SLOTS, type EpochPlan } from '#shared/contribution/epochs.ts';
import { MAX_NODES } from '#shared/directory/consensus.ts';
import { MOST_WORK_BITS } from '#shared/crypto/work.ts';
import { EXIT_CONFIG, StartError } from './start-error.ts';
import { host, iceServers, list, number, origin, type IceServer } from './values.ts';

const MINUTE_MS = 60_000;

const KEYS_FILE = 'directory-keys.json';

/** Every variable with its default and bounds. An empty one counts as not set. */
const variables = v.object({
  /** Port of HTTP and of WebSocket links; 0 takes a free one. */
  HG_PORT: number(8080, 0, 65_535),
  HG_HOST: host('127.0.0.1'),
  /** Where the keys and the archive live. */
  HG_DATA_DIR: v.optional(v.string(), './data'),
  /** The directory's keys, where they are kept elsewhere than in the data folder: the same for all processes of one directory. */
  HG_KEYS_FILE: v.optional(v.string(), ''),
  /** Redis for what is alive, shared by all processes; several addresses are nodes of one cluster. Without it: in process. */
  HG_REDIS_URL: list(/^rediss?:\/\/[^\s,]+$/, 'each begins with redis:// or rediss://'),
  /** A MongoDB for what must last, shared by all processes. Without it: one SQLite file in the data folder. */
  HG_MONGODB_URL: v.optional(
    v.pipe(v.string(), v.regex(/^mongodb(\+srv)?:\/\/[^\s]+$/, 'begins with mongodb:// or mongodb+srv://')),
  ),
  /** The built app. */
  HG_WEB_DIR: v.optional(v.string(), './dist/web'),
  /** Headless relays that `npm start` runs beside the server. */
  HG_LOCAL_RELAYS: number(6, 0, 64),
  HG_CONSENSUS_MS: number(MINUTE_MS, 100, 10 * MINUTE_MS),
  /** In a small network a change of members makes a consensus early, though at most one in this time. */
  HG_CONSENSUS_CHANGE_MS: number(2_000, 10, 10 * MINUTE_MS),
  HG_HEARTBEAT_TTL_MS: number(90_000, 100, 60 * MINUTE_MS),
  /** Nodes on a circuit to the directory, the directory included; one hop in any case while there are too few nodes. */
  HG_DIRECTORY_HOPS: number(4, 1, 4),
  /** The longest random wait of a new node before it registers; none while there are too few nodes. */
  HG_REGISTRATION_DELAY_MS: number(5 * MINUTE_MS, 0, 5 * MINUTE_MS),
  HG_ICE_SERVERS: iceServers(),
  /** The operator's own TURN servers, for which every client is given credentials that expire. */
  HG_TURN_URLS: list(/^turns?:[^\s,]+$/, 'each begins with turn: or turns:'),
  /** The secret that the TURN servers share (coturn's static-auth-secret). */
  HG_TURN_SECRET: v.optional(v.pipe(v.string(), v.minLength(16, 'has at least 16 characters'))),
  /** How long such credentials are good. */
  HG_TURN_TTL_S: number(3_600, 60, 3_600),
  /** Where people reach the server; `npm run doctor` tries it. */
  HG_PUBLIC_URL: origin(),
  /** Port of /metrics, apart from the public one; 0 has none. */
  HG_METRICS_PORT: number(0, 0, 65_535),
  HG_METRICS_HOST: host('127.0.0.1'),
  /** After SIGTERM: how long /readyz says no before links are closed, so that a balancer can look elsewhere. */
  HG_DRAIN_MS: number(0, 0, MINUTE_MS),
  /** Which ICE candidates clients use: `loopback` keeps everything on one machine, as tests do. */
  HG_CANDIDATES: v.optional(v.picklist(['all', 'loopback'], 'is all or loopback'), 'all'),
  HG_MAX_LINKS: number(4_096, 1, 100_000),
  /** Links between nodes that the server passes on, for browsers without WebRTC; 0 passes none. */
  HG_MAX_SERVER_LINKS: number(512, 0, 100_000),
  HG_MAX_NODES: number(MAX_NODES, 1, MAX_NODES),
  HG_MAX_DESCRIPTORS: number(100_000, 1, 100_000_000),
  /** The most work, in bits, that is asked of new nodes when many come at once; 0 asks for none. */
  HG_ADMISSION_WORK_BITS: number(24, 0, MOST_WORK_BITS),
  /** How long an epoch of contribution is: twelve slots, in each of which every node is audited. */
  HG_EPOCH_MS: v.pipe(
    number(DEFAULT_EPOCH_MS, 12_000, 24 * DEFAULT_EPOCH_MS),
    v.multipleOf(SLOTS, `is a multiple of ${String(SLOTS)}`),
  ),
  /** Whether proofs of contribution are asked for: `auto` enforces in a network over 12 nodes, and observes below. */
  HG_CONTRIBUTION: v.optional(
    v.picklist(['auto', 'off', 'observe', 'enforce'], 'is one of auto, off, observe, enforce'),
    'auto',
  ),
  /** An auditor beside each server process; 0 where auditors run elsewhere. */
  HG_LOCAL_AUDITOR: number(1, 0, 1),
  /** Public keys of auditors that run elsewhere (`npm run auditor`), each of 64 hex digits. */
  HG_AUDITOR_KEYS: list(/^[0-9a-f]{64}$/, 'each has 64 hex digits'),
  HG_LOG_LEVEL: v.optional(
    v.picklist(
      ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
      'is one of trace, debug, info, warn, error, fatal, silent',
    ),
    'info',
  ),
});

const turnOf = [['HG_TURN_URLS'], ['HG_TURN_SECRET']] as const;

/** TURN is set whole or not at all. */
const schema = v.pipe(
  variables,
  v.forward(
    v.partialCheck(
      turnOf,
      ({ HG_TURN_URLS: urls, HG_TURN_SECRET: secret }) => urls.length === 0 || secret !== undefined,
      'is needed with HG_TURN_URLS',
    ),
    ['HG_TURN_SECRET'],
  ),
  v.forward(
    v.partialCheck(
      turnOf,
      ({ HG_TURN_URLS: urls, HG_TURN_SECRET: secret }) => urls.length > 0 || secret === undefined,
      'is needed with HG_TURN_SECRET',
    ),
    ['HG_TURN_URLS'],
  ),
);

type Variables = v.InferOutput<typeof schema>;
type Variable = keyof Variables;

/** The default of each variable, as it would be written in the environment; undefined for one that need not be set. */
export const defaults: Readonly<Record<Variable, string | undefined>> = v.getDefaults(variables);

export type Candidates = 'all' | 'loopback';

/** TURN servers that share a secret, and for how long credentials made of it are good. */
export type Turn = { urls: string[]; secret: string; ttlS: number };

export type Config = {
  port: number;
  host: string;
  dataDir: string;
  keysFile: string;
  redisUrls: string[];
  mongodbUrl: string | undefined;
  webDir: string;
  localRelays: number;
  consensusMs: number;
  consensusChangeMs: number;
  heartbeatTtlMs: number;
  directoryHops: number;
  registrationDelayMs: number;
  iceServers: IceServer[];
  turn: Turn | undefined;
  publicUrl: string | undefined;
  metrics: { port: number; host: string };
  drainMs: number;
  candidates: Candidates;
  maxLinks: number;
  maxServerLinks: number;
  maxNodes: number;
  maxDescriptors: number;
  admissionWorkBits: number;
  epochs: EpochPlan;
  contribution: Variables['HG_CONTRIBUTION'];
  localAuditor: boolean;
  auditorKeys: string[];
  logLevel: Variables['HG_LOG_LEVEL'];
};

/** Variables that hold secrets: a value that can't be read is not repeated. */
const secret: ReadonlySet<string> = new Set<Variable>([
  'HG_ICE_SERVERS',
  'HG_REDIS_URL',
  'HG_MONGODB_URL',
  'HG_PUBLIC_URL',
  'HG_TURN_SECRET',
]);

const HIDDEN = '(hidden)';

/** Throws a `StartError` whose message is a table of everything that is wrong. */
export const readConfig = (env: Record<string, string | undefined>): Config => {
  const set = withoutEmpty(env);
  const result = v.safeParse(schema, set);
  if (!result.success) throw new StartError(table(result.issues, set), EXIT_CONFIG);
  const of = result.output;
  return {
    port: of.HG_PORT,
    host: of.HG_HOST,
    dataDir: of.HG_DATA_DIR,
    keysFile: of.HG_KEYS_FILE === '' ? join(of.HG_DATA_DIR, KEYS_FILE) : of.HG_KEYS_FILE,
    redisUrls: of.HG_REDIS_URL,
    mongodbUrl: of.HG_MONGODB_URL,
    webDir: of.HG_WEB_DIR,
    localRelays: of.HG_LOCAL_RELAYS,
    consensusMs: of.HG_CONSENSUS_MS,
    consensusChangeMs: of.HG_CONSENSUS_CHANGE_MS,
    heartbeatTtlMs: of.HG_HEARTBEAT_TTL_MS,
    directoryHops: of.HG_DIRECTORY_HOPS,
    registrationDelayMs: of.HG_REGISTRATION_DELAY_MS,
    iceServers: of.HG_ICE_SERVERS,
    turn: turnFrom(of),
    publicUrl: of.HG_PUBLIC_URL,
    metrics: { port: of.HG_METRICS_PORT, host: of.HG_METRICS_HOST },
    drainMs: of.HG_DRAIN_MS,
    candidates: of.HG_CANDIDATES,
    maxLinks: of.HG_MAX_LINKS,
    maxServerLinks: of.HG_MAX_SERVER_LINKS,
    maxNodes: of.HG_MAX_NODES,
    maxDescriptors: of.HG_MAX_DESCRIPTORS,
    admissionWorkBits: of.HG_ADMISSION_WORK_BITS,
    epochs: epochPlan(of.HG_EPOCH_MS),
    contribution: of.HG_CONTRIBUTION,
    localAuditor: of.HG_LOCAL_AUDITOR === 1,
    auditorKeys: of.HG_AUDITOR_KEYS,
    logLevel: of.HG_LOG_LEVEL,
  };
};

/** An empty variable counts as not set. */
const withoutEmpty = (env: Record<string, string | undefined>): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));

const turnFrom = ({
  HG_TURN_URLS: urls,
  HG_TURN_SECRET: secret,
  HG_TURN_TTL_S: ttlS,
}: Variables): Turn | undefined => (secret === undefined ? undefined : { urls, secret, ttlS });

/** Every variable that counts with its value, for settings that `readConfig` took: no secret is among them. */
export const shownSettings = (env: Record<string, string | undefined>): [name: string, value: string][] => {
  const set = withoutEmpty(env);
  return Object.entries(defaults).map(([name, fallback]) => [
    name,
    withoutSecrets(name, set[name] ?? fallback ?? ''),
  ]);
};

const withoutSecrets = (name: string, value: string): string => {
  if (value === '' || !secret.has(name)) return value;
  if (name === 'HG_TURN_SECRET') return HIDDEN;
  if (name === 'HG_ICE_SERVERS')
    return JSON.stringify(
      (JSON.parse(value) as IceServer[]).map((each) => ({
        ...each,
        ...(each.credential !== undefined && { credential: HIDDEN }),
      })),
    );
  const urls = name === 'HG_REDIS_URL' ? value.split(',') : [value];
  return urls
    .map((url) =>
      url
        .trim()
        .replace(/\/\/.*@/, `//${HIDDEN}@`)
        .replace(/\?.*$/, `?${HIDDEN}`),
    )
    .join(',');
};

const table = (issues: v.BaseIssue<unknown>[], env: Record<string, string | undefined>): string => {
  const rows = issues.map((issue) => {
    const name = (issue.path?.[0] as v.ObjectPathItem | undefined)?.key ?? '';
    return [name, secret.has(name) ? HIDDEN : (env[name] ?? ''), issue.message] as const;
  });
  const cells = [['Variable', 'Value', 'Problem'] as const, ...rows];
  const width = (column: 0 | 1): number => Math.max(...cells.map((row) => row[column].length));
  const lines = cells.map((row) => `  ${row[0].padEnd(width(0))}  ${row[1].padEnd(width(1))}  ${row[2]}`);
  return ['These settings cannot be used:', ...lines].join('\n');
};
