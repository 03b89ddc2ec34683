import type { ClientApi, ClientEvent } from '#web/api.ts';
import { commands } from '#web/core/commands.ts';
import { contactCommands } from '#web/core/contacts/commands.ts';
import { messageCommands } from '#web/core/conversation/commands.ts';
import { Core, type ClientOptions } from '#web/core/core.ts';
import { fileCommands } from '#web/core/files/commands.ts';
import { groupCommands } from '#web/core/groups/commands.ts';
import { keepingCommands } from '#web/core/keeping/commands.ts';
import { guarding } from '#web/core/keeping/guarding.ts';

export type { ClientOptions } from '#web/core/core.ts';

/** The client core: one user and one node behind `ClientApi`, in a worker or in Node. */
export type Client = ClientApi & {
  /** Calls `listener` with each event; the result ends that. */
  subscribe(listener: (event: ClientEvent) => void): () => void;
};

export const Client = {
  /** Loads what the store holds, and joins the network. Rejects with LocalError `storage`. */
  async open(options: ClientOptions): Promise<Client> {
    const core = await Core.open(options);
    const api = {
      ...commands(core),
      ...contactCommands(core),
      ...messageCommands(core),
      ...groupCommands(core),
      ...fileCommands(core),
      ...keepingCommands(core),
    };
    return { ...guarding(core.keeping, api), subscribe: (listener) => core.subscribe(listener) };
  },
};
