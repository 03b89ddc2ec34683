import { unhex } from '#shared/bytes/bytes.ts';
import { verifyRelease } from '#shared/directory/release.ts';
import { LocalError, RemoteError } from '#shared/errors.ts';
import { nodeId, type NodeId } from '#shared/units.ts';
import type { ClientApi } from '#web/api.ts';
import { checkLength, MAX_NAME } from '#web/core/conversation/content.ts';
import type { Core } from '#web/core/core.ts';

/** The commands that act on the user as a whole, and on the network. */
type Commands = Pick<
  ClientApi,
  | 'state'
  | 'start'
  | 'setName'
  | 'setRelaying'
  | 'setCover'
  | 'setHideAddress'
  | 'isSigned'
  | 'setRelayLimits'
  | 'setSurroundings'
  | 'setMostNeighbours'
  | 'lookAgain'
  | 'connect'
  | 'disconnect'
  | 'avoid'
  | 'stop'
>;

export const commands = (core: Core): Commands => ({
  state: async () => Promise.resolve(core.state()),

  async start({ name }) {
    checkLength(name, MAX_NAME);
    if (core.profile.user) return;
    await core.profile.begin(name, core.host.ports.now());
    await core.openUser(true);
    core.tellProfile();
  },

  async setName(name) {
    checkLength(name, MAX_NAME);
    await core.profile.set({ name });
    core.tellProfile();
    await core.messenger?.profiles.renamed();
  },

  async setRelaying(on) {
    await core.profile.set({ relaying: on });
    core.relaying.look();
    core.tellSettings();
    core.watch.changed();
  },

  setRelayLimits: (limits) => core.relaying.limit(limits),

  async setSurroundings(surroundings) {
    core.relaying.surround(surroundings);
    return Promise.resolve();
  },

  setMostNeighbours: (most) => core.relaying.limitNeighbours(most),

  async lookAgain() {
    core.network.command({ type: 'look' });
    return Promise.resolve();
  },

  async setHideAddress(on) {
    if (on && !core.host.rtc?.turn) throw new LocalError('not-found', 'this server offers no TURN server');
    await core.profile.set({ hideAddress: on });
    core.hideAddress();
    // Those that stand were made by the other rule.
    core.network.command({ type: 'relink' });
    core.tellSettings();
  },

  async setCover(level) {
    await core.profile.set({ cover: level });
    core.network.command({ type: 'cover', level });
    core.tellSettings();
    core.watch.changed();
  },

  async isSigned(list, signature) {
    const key = core.watch.directoryKey;
    return Promise.resolve(key !== undefined && verifyRelease(key, list, signature));
  },

  async connect(node) {
    core.network.command({ type: 'link', node: asNode(node) });
    return Promise.resolve();
  },

  async disconnect(node) {
    core.network.command({ type: 'unlink', node: asNode(node) });
    return Promise.resolve();
  },

  async avoid(node, on) {
    const id = asNode(node);
    const others = core.profile.settings.avoided.filter((each) => each !== id);
    const avoided = on ? [...others, id] : others;
    await core.profile.set({ avoided });
    core.network.command({ type: 'avoid', nodes: avoided });
    core.watch.nodesChanged();
  },

  async stop() {
    core.stop();
    return Promise.resolve();
  },
});

/** Throws LocalError `not-found` on what is no node id. */
const asNode = (node: string): NodeId => {
  try {
    return nodeId(unhex(node));
  } catch (error) {
    if (error instanceof RemoteError) throw new LocalError('not-found', 'no such node');
    throw error;
  }
};
