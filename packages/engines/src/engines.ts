import { mariadb } from './mariadb/index.ts';
import { mysql } from './mysql/index.ts';
import { postgres } from './postgres/index.ts';
import type { Engine, EngineName } from './types.ts';

const ENGINES: Readonly<Record<EngineName, Engine>> = { mysql, mariadb, postgres };

/** All of an engine: client, administration and server. */
export const engineOf = (name: EngineName): Engine => ENGINES[name];
