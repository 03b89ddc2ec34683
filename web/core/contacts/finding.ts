import { LocalError, RemoteError, codeOf } from '#shared/errors.ts';
import type { ContactDescriptor } from '#shared/rendezvous/contact.ts';
import { patiently } from '#web/core/contacts/patience.ts';
import type { Host } from '#web/core/host.ts';
import type { Network } from '#web/core/network.ts';
import { lookUp } from '#web/core/publisher.ts';

/**
 * As `lookUp`, for a person who waits: a few times, for who has come just now has published nothing yet. Rejects with
 * RemoteError, and LocalError `moved`.
 */
export const findContact = async (
  network: Network,
  ports: Host['ports'],
  address: Uint8Array,
): Promise<ContactDescriptor> => {
  try {
    return await patiently(
      ports,
      () => lookUp(network, address, ports.now()),
      () => true,
    );
  } catch (error) {
    if (error instanceof LocalError) throw error;
    throw new RemoteError(codeOf(error), 'your contact could not be found: try again in a moment');
  }
};
