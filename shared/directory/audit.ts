import { bytes, encode, list, mapped, struct, u16, u32, u8, type Codec, type Value } from '../bytes/codec.ts';
import { keyCodec, nodeIdCodec, signatureCodec } from '../bytes/fields.ts';
import { faults, LOOP_TARGETS, outcomeCodec, type Fault } from '../contribution/outcomes.ts';
import { sha256 } from '../crypto/kdf.ts';
import { sign, verify, type SignKeypair } from '../crypto/sign.ts';
import { RemoteError } from '../errors.ts';
import type { NodeId } from '../units.ts';

const AUDIT = 'hourglass audit 1';

/** Loops in one answer, and outcomes in one request. */
export const MOST_LOOPS = 64;
export const MOST_OUTCOMES = 256;

/** Which loop of the epoch's plan: epoch (4) ‖ slot (1) ‖ loop (2). */
const loopRef = { epoch: u32, slot: u8, loop: u16 };

const doneCodec = list(struct({ ...loopRef, outcome: outcomeCodec }), MOST_OUTCOMES);

/** auditor's key (32) ‖ loops that it can begin now (2) ‖ count (2) ‖ loops that ended: reference (7) ‖ outcome (1) ‖ signature (64). */
export const auditCodec = struct({ key: keyCodec, room: u16, done: doneCodec, signature: signatureCodec });

const targetsCodec: Codec<NodeId[]> = mapped(
  list(nodeIdCodec, LOOP_TARGETS),
  (targets) => {
    if (targets.length !== LOOP_TARGETS) throw new RemoteError('malformed', 'a loop has four targets');
    return targets;
  },
  (targets) => targets,
);

/**
 * count (2) ‖ loops: reference (7) ‖ targets (2 + 4 · 32) ‖ for how long its cells are sent, ms (4) ‖ how long its circuits
 * stand after that, ms (4)
 */
export const loopsCodec = struct({
  loops: list(struct({ ...loopRef, targets: targetsCodec, spanMs: u32, lingerMs: u32 }), MOST_LOOPS),
});
export type LoopTask = Value<typeof loopsCodec>['loops'][number];

/** The most bytes of an epoch's report. */
export const MAX_REPORT_BYTES = 4 * 1024 * 1024;
export const reportCodec = struct({ bytes: bytes(MAX_REPORT_BYTES) });

const faultCodec: Codec<Fault | undefined> = mapped(
  u8,
  (byte) => {
    if (byte > faults.length) throw new RemoteError('malformed', 'no fault');
    return faults[byte - 1];
  },
  (fault) => (fault === undefined ? 0 : faults.indexOf(fault) + 1),
);

/**
 * What a node's own last audited epoch came to, in answer to its heartbeat: epoch (4; 0 none yet) ‖ slots in which it was tested
 * (2, the first slot lowest) ‖ slots passed (2) ‖ what was wrong most often (1: 0 nothing, 1 unbuilt, 2 lost, 3 late)
 */
export const auditResultCodec = struct({ epoch: u32, tested: u16, passed: u16, fault: faultCodec });
export type AuditResult = Value<typeof auditResultCodec>;

type Audit = { type: 'audit' } & Value<typeof auditCodec>;
type AuditParts = Pick<Audit, 'room' | 'done'>;

const auditParts = ({ room, done }: AuditParts): Uint8Array[] => [
  encode(u16, room),
  sha256(encode(doneCodec, done)),
];

/** Signed by the auditor's key to the `binding` (32) of the circuit that carries it. */
export const signAudit = (auditor: SignKeypair, binding: Uint8Array, parts: AuditParts): Audit => ({
  type: 'audit',
  key: auditor.public,
  ...parts,
  signature: sign(AUDIT, auditor.secret, binding, ...auditParts(parts)),
});

export const verifyAudit = (binding: Uint8Array, audit: Audit): boolean =>
  verify(AUDIT, audit.key, audit.signature, binding, ...auditParts(audit));
