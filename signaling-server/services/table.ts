import type { EpochPlan } from '#shared/contribution/epochs.ts';
import type { DirectoryRequest } from '#shared/directory/messages.ts';
import type { Millis, NodeId } from '#shared/units.ts';
import type { Archive, Live } from '../stores/ports.ts';
import { Admission } from './admission.ts';
import type { Audits } from './audits.ts';
import { Leaves, Report } from './closed-epochs.ts';
import type { ConsensusMaker } from './consensus.ts';
import type { Service } from './context.ts';
import { Lookup, type Publish } from './descriptors.ts';
import { GetHandle, PutHandle } from './handles.ts';
import { Heartbeat } from './heartbeat.ts';
import { Issue } from './issue.ts';
import type { Limits } from './limits.ts';
import { Acknowledge, Collect, Deposit } from './mailbox.ts';
import type { Mint } from './mint.ts';
import { GetRecord, PutRecord } from './records.ts';
import { Leave, Register } from './registry.ts';
import { Roots } from './roots.ts';
import type { Routing } from './routing.ts';
import { Listen, Signal } from './signal.ts';
import type { TokenKeys } from './tokens.ts';

/** All kinds but the one in which another is wrapped with what pays for it. */
export type ServedType = Exclude<DirectoryRequest['type'], 'paid'>;

/** What answers each kind of request. */
export type Services = { [K in ServedType]: Service<K> };

export type ServiceParts = {
  live: Live;
  archive: Archive;
  routing: Routing;
  consensus: ConsensusMaker;
  publish: Publish;
  limits: Limits;
  directory: NodeId;
  ttlMs: Millis;
  maxNodes: number;
  epochs: EpochPlan;
  audits: Audits;
  mint: Mint;
  tokenKeys: TokenKeys;
  /** The members of the network are other ones than before. */
  changed(): void;
};

export const createServices = ({ consensus, publish, limits, ...parts }: ServiceParts): Services => {
  const { live, archive, routing, ttlMs, maxNodes, epochs, mint, tokenKeys, audits } = parts;
  const { newcomers, workBits: mostBits } = limits;
  const registry = { ...parts, admission: new Admission({ newcomers, maxNodes, mostBits }) };
  return {
    register: new Register(registry),
    leave: new Leave(registry),
    heartbeat: new Heartbeat({ live, routing, ttlMs, epochs, audits }),
    listen: new Listen(routing),
    signal: new Signal(routing),
    publish,
    lookup: new Lookup(archive),
    consensus,
    deposit: new Deposit({ archive, routing }),
    collect: new Collect({ archive, routing }),
    acknowledge: new Acknowledge(archive),
    'put-record': new PutRecord(archive),
    'get-record': new GetRecord(archive),
    'put-handle': new PutHandle(archive),
    'get-handle': new GetHandle(archive),
    audit: audits,
    leaves: new Leaves(archive),
    report: new Report(archive),
    issue: new Issue({
      ...{ live, epochs, mint, keys: tokenKeys, roots: new Roots(archive) },
      ...{ epoch: () => consensus.head?.epoch, batches: limits.batches, mostBits },
    }),
  };
};
