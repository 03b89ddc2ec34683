import { relayCommand } from '../cell/commands.ts';
import { CONTACT_HOP } from '../cell/geometry.ts';
import { creditCells, creditMessage } from '../circuit/credit-message.ts';
import { RemoteError } from '../errors.ts';
import type { StreamId } from '../units.ts';
import { Channel } from './channel.ts';
import type { Context } from './context.ts';
import type { Handle, InboxRef } from './input.ts';
import { HANDSHAKE_MS } from './limits.ts';
import type { Origin, OriginHandlers, Origins } from './origins.ts';
import type { NodeEvent } from './output.ts';

type Parts = {
  context: Context;
  origins: Origins;
  channels: Map<Handle, Channel>;
  tell(event: NodeEvent): void;
  /** The circuit ended after the contact had joined. */
  closed?: OriginHandlers['closed'];
};

/** Makes the owner of an inbox, which the circuit's last hop holds, the fifth hop: `opened` gets a channel to it. */
export const joinInbox = (
  { context, origins, channels, tell, closed }: Parts,
  origin: Origin,
  inbox: InboxRef,
  opened: (channel: Channel) => void,
): void => {
  const stream = 0 as StreamId;
  const closing = `closing:${String(origin.handle)}`;
  origin.join({ id: inbox.id, onionKey: inbox.onionKey }, inbox.tag, () => {
    const channel = new Channel(context, tell, origin.handle, {
      send: (message) => origin.send(CONTACT_HOP, message),
      grant: (cells) => origin.send(CONTACT_HOP - 1, creditMessage(stream, cells)),
      close: (_, said) => {
        if (!said) return origin.end('finished');
        // A DESTROY would overtake the END; the contact closes its side, and that ends the circuit.
        context.after(closing, HANDSHAKE_MS, () => origin.end('finished'));
      },
    });
    channels.set(channel.handle, channel);
    origins.hand(origin, 'conversation', {
      open: () => undefined,
      message: (_, hop, message) => {
        if (hop === CONTACT_HOP) channel.receive(message);
        else if (hop === CONTACT_HOP - 1 && message.command === relayCommand.CREDIT) {
          channel.granted(creditCells(message.data));
        } else throw new RemoteError('unexpected', 'a message from a hop that has none to send');
      },
      closed: (each, code, hop, cause) => {
        context.timers.clear(closing);
        channels.delete(channel.handle);
        channel.lost(code);
        closed?.(each, code, hop, cause);
      },
    });
    opened(channel);
    if (channel.spend()) origin.ping();
    // Whoever answers under the inbox's onion key is the contact.
    channel.trust();
  });
};
