import { client as mariadb } from './mariadb/client.ts';
import { client as mysql } from './mysql/client.ts';
import { client as postgres } from './postgres/client.ts';
import type { EngineClient, EngineName } from './types.ts';

export * from './config.ts';
export * from './types.ts';

const CLIENTS: Readonly<Record<EngineName, EngineClient>> = { mysql, mariadb, postgres };

/** The client's half of an engine: connections, pools, probes and positions. */
export const getEngineClient = (name: EngineName): EngineClient => CLIENTS[name];
