import { client as mariadb } from './mariadb/client.ts';
import { client as mysql } from './mysql/client.ts';
import { client as postgres } from './postgres/client.ts';
import type { EngineClient, EngineName } from './types.ts';

/**
 * The client's half of the engines and nothing else: what a router in somebody's service needs. Nothing that is reached from
 * here loads a driver before the first connection, or any other package at all.
 */
export type { EngineFailover, Heart, NodeState, QuorumState } from './failover.ts';
export { Deadline } from './session/deadline.ts';
export { Halt } from './session/halt.ts';
export { Recent } from './session/recent.ts';
export * from './types.ts';

const CLIENTS: Readonly<Record<EngineName, EngineClient>> = { mysql, mariadb, postgres };

/** Connections, pools, probes and positions of one engine. */
export const getEngineClient = (name: EngineName): EngineClient => CLIENTS[name];
