import type { ClientApi } from '#web/api.ts';
import type { Core } from '#web/core/core.ts';

/** The commands about files. */
type FileCommands = Pick<ClientApi, 'sendFile' | 'files' | 'takeFile' | 'cancelFile' | 'fileContent'>;

export const fileCommands = (core: Core): FileCommands => ({
  async sendFile(conversation, content, about) {
    return core.watch.explain(await core.started().files.offer(conversation, content, about));
  },

  async files(conversation) {
    return Promise.resolve(core.started().files.views(conversation));
  },

  async takeFile(file) {
    await core.started().files.take(file);
  },

  async cancelFile(file) {
    await core.started().files.cancel(file);
  },

  async fileContent(file) {
    return core.started().files.content(file);
  },
});
