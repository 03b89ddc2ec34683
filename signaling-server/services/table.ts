import type { EpochPlan } from '#shared/contribution/epochs.ts';
import { RemoteError } from '#shared/errors.ts';
import type { DirectoryRequest, DirectoryResponse } from '#shared/directory/messages.ts';
import type { Millis, NodeId } from '#shared/units.ts';
import type { Archive, Live } from '../stores/ports.ts';
import { Admission } from './admission.ts';
import type { ConsensusMaker } from './consensus.ts';
import type { Service } from './context.ts';
import { Lookup, type Publish } from './descriptors.ts';
import { GetHandle, PutHandle } from './handles.ts';
import { Heartbeat } from './heartbeat.ts';
import type { Limits } from './limits.ts';
import { Acknowledge, Collect, Deposit } from './mailbox.ts';
import { GetRecord, PutRecord } from './records.ts';
import { Leave, Register } from './registry.ts';
import type { Routing } from './routing.ts';
import { Listen, Signal } from './signal.ts';

/** What answers each kind of request. */
export type Services = { [K in DirectoryRequest['type']]: Service<K> };

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
  /** The members of the network are other ones than before. */
  changed(): void;
};

const notYet = {
  handle: (): Promise<DirectoryResponse> => Promise.reject(new RemoteError('refused')),
};

export const createServices = ({ consensus, publish, limits, ...parts }: ServiceParts): Services => {
  const { live, archive, routing, ttlMs, maxNodes, epochs } = parts;
  const { newcomers, workBits: mostBits } = limits;
  const registry = { ...parts, admission: new Admission({ newcomers, maxNodes, mostBits }) };
  return {
    register: new Register(registry),
    leave: new Leave(registry),
    heartbeat: new Heartbeat({ live, routing, ttlMs, epochs }),
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
    audit: notYet,
    leaves: notYet,
    report: notYet,
    issue: notYet,
    paid: notYet,
  };
};
