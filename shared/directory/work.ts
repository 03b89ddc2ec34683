import { concat, text } from '../bytes/bytes.ts';
import { nodeIdBytes, type NodeId } from '../units.ts';

const LABEL = text('hourglass admission work 1');

/** Of one node's registration on one circuit, so that it can't be done ahead: label ‖ binding (32) ‖ node id (32). */
export const registrationChallenge = (binding: Uint8Array, node: NodeId): Uint8Array =>
  concat(LABEL, binding, nodeIdBytes(node));
