/**
 * Import boundaries. ARCHITECTURE.md draws them; this file is what `npm run check` enforces, and
 * tests/boundaries.test.ts proves that it bites on tests/fixtures/boundaries.
 */

/** `pattern` as a path from the repository's root, a file or a whole folder. */
const inside = (...folders) => `^(${folders.join('|')})(/|$|[.]ts$)`;

/** Forbids `from` to import anything under `whole` but what `allowed` lists. */
const only = (name, from, whole, allowed) => ({
  name,
  severity: 'error',
  from: { path: from },
  to: { path: whole, pathNot: allowed },
});

/** The files of `shared/` that everything in it may stand on. */
const ground = ['bytes', 'errors', 'units'];

/**
 * What each part of `shared/` may import from `shared/`, itself and `ground` apart. A part that is not listed
 * here may import nothing of the others.
 */
const layers = {
  crypto: [],
  cell: ['crypto'],
  handshake: ['crypto', 'cell'],
  onion: ['crypto', 'cell', 'handshake'],
  circuit: ['crypto', 'cell', 'handshake', 'onion'],
  link: ['crypto', 'cell'],
  directory: ['crypto', 'contribution'],
  path: ['crypto', 'directory'],
  rendezvous: ['crypto', 'contribution'],
  contribution: ['crypto'],
  signal: ['crypto'],
};
const below = Object.keys(layers);

const sharedLayers = [
  only(
    'shared-ground',
    inside('shared/(bytes|errors|units)'),
    '^shared/',
    ground.map((part) => inside(`shared/${part}`)),
  ),
  ...Object.entries(layers).map(([part, allowed]) =>
    only(
      `shared-${part}`,
      `^shared/${part}/`,
      '^shared/',
      [part, ...ground, ...allowed].map((other) => inside(`shared/${other}`)),
    ),
  ),
  only(
    'shared-node',
    '^shared/node/',
    '^shared/',
    ['node', ...ground, ...below].map((other) => inside(`shared/${other}`)),
  ),
];

/** Packages that one place alone may import, tests aside, so that each can be replaced by editing that place. */
const oneImporter = [
  ['simple-peer', 'web/transport'],
  ['snarkjs', 'circuits'],
  ['ioredis', 'signaling-server/stores/redis.ts'],
  ['mongodb', 'signaling-server/stores/mongo.ts'],
  ['prom-client', 'signaling-server/metrics.ts'],
  ['idb', 'web/core/store'],
  ['ts-mls', 'web/core/conversation'],
  ['hash-wasm', 'web/core/store/passphrase.ts'],
  ['@scure/bip39', 'web/core/keeping/words.ts'],
  ['node-datachannel', 'relay'],
].map(([name, place]) => ({
  name: `one-importer-${name}`,
  comment: `${name} is imported by ${place} alone`,
  severity: 'error',
  from: { pathNot: [inside(place), '^tests/'] },
  to: { path: `(^|/)node_modules/(@types/)?${name}/` },
}));

module.exports = {
  forbidden: [
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-cycle',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-tests-in-production',
      severity: 'error',
      from: { pathNot: '^tests/' },
      to: { path: '^tests/' },
    },
    {
      name: 'no-dev-package-in-production',
      comment: 'what runs in production is a dependency, not a devDependency',
      severity: 'error',
      from: { path: '^(shared|web|relay|signaling-server|circuits)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },

    only('shared-alone', '^shared/', '^(web|relay|signaling-server|circuits)/', '^$'),
    {
      name: 'shared-packages',
      comment: 'shared/ imports itself and @noble only',
      severity: 'error',
      from: { path: '^shared/' },
      to: { path: '(^|/)node_modules/', pathNot: '(^|/)node_modules/@noble/' },
    },
    {
      name: 'no-node-in-shared-or-web',
      severity: 'error',
      from: { path: '^(shared|web)/' },
      to: { dependencyTypes: ['core'] },
    },
    ...sharedLayers,

    only('web-api', '^web/api[a-z-]*[.]ts$', '^(shared|web|relay|signaling-server|circuits)/', [
      '^web/api[a-z-]*[.]ts$',
    ]),
    only('web-rpc', '^web/rpc[.]ts$', '^(shared|web|relay|signaling-server|circuits)/', [
      '^web/api[.]ts$',
      '^shared/errors[.]ts$',
    ]),
    only('web-ui', '^web/ui/', '^(shared|web|relay|signaling-server|circuits)/', [
      '^web/(ui|media)/',
      '^web/(api(-helping)?|rpc)[.]ts$',
      '^web/service-worker/messages[.]ts$',
    ]),
    only('web-service-worker', '^web/service-worker/', '^(shared|web|relay|signaling-server|circuits)/', [
      '^web/service-worker/',
    ]),
    only('web-media', '^web/media/', '^(shared|web|relay|signaling-server|circuits)/', ['^web/media/']),
    only('web-main', '^web/main[.]ts$', '^(shared|web|relay|signaling-server|circuits)/', [
      '^web/(api(-helping)?|rpc)[.]ts$',
      '^web/(transport|ui)/',
      '^web/core/worker[.]ts$',
    ]),
    only('web-core', '^web/core/', '^(shared|web|relay|signaling-server|circuits)/', [
      '^web/core/',
      '^web/(api(-helping)?|rpc)[.]ts$',
      '^shared/',
      '^circuits/(prove|verify)[.]ts$',
      '^web/transport/(carriers|crossing|pass|scripts)[.]ts$',
    ]),
    only('web-transport', '^web/transport/', '^(shared|web|relay|signaling-server|circuits)/', [
      '^web/transport/',
      '^shared/cell/geometry[.]ts$',
      '^shared/(directory|link|bytes)/',
      '^shared/signal/(pass|session)[.]ts$',
      '^shared/(units|errors)[.]ts$',
    ]),
    only('release', '^release/', '^(shared|web|relay|signaling-server|circuits)/', ['^shared/']),
    only('relay', '^relay/', '^(shared|web|signaling-server|circuits)/', [
      '^shared/',
      '^web/transport/',
      '^circuits/verify[.]ts$',
    ]),
    only('signaling-server', '^signaling-server/', '^(shared|web|relay|circuits)/', [
      '^shared/',
      '^circuits/verify[.]ts$',
    ]),
    only('circuits', '^circuits/', '^(shared|web|relay|signaling-server)/', [
      '^shared/contribution/',
      '^shared/errors[.]ts$',
    ]),
    {
      name: 'no-node-where-proofs-are-made-and-checked',
      severity: 'error',
      from: { path: '^circuits/(prove|proof|verify)[.]ts$' },
      to: { dependencyTypes: ['core'] },
    },

    ...oneImporter,
    {
      name: 'one-importer-node-sqlite',
      severity: 'error',
      from: { pathNot: ['^signaling-server/stores/sqlite[.]ts$', '^tests/'] },
      to: { path: '^(node:)?sqlite$' },
    },
  ],
  options: {
    exclude: { path: '^(tests/fixtures|dist)/' },
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.svelte', '.mjs', '.js', '.cjs', '.json', '.css', '.svg'],
      conditionNames: ['import', 'node', 'browser', 'svelte', 'module', 'types', 'default'],
      exportsFields: ['exports'],
    },
  },
};
