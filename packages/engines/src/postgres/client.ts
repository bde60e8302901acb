import { DEFAULT_PORT } from '../names.ts';
import { settleBy } from '../session/settle.ts';
import { ToolConnection } from '../session/tool-connection.ts';
import type { EngineClient } from '../types.ts';
import { reigns } from './epoch.ts';
import { createPool, openSession } from './pool.ts';
import { positions } from './positions.ts';
import { probe, replicaPosition } from './probe.ts';
import { settleSteps } from './settle.ts';

/** Every cluster has this database. Unlike the other engines, PostgreSQL has no login without one. */
const MAINTENANCE_DATABASE = 'postgres';

export const client: EngineClient = {
  name: 'postgres',
  defaultPort: DEFAULT_PORT.postgres,
  positions,
  placeholder: (index) => `$${index}`,
  async connect(endpoint, credentials, { database = MAINTENANCE_DATABASE, connectTimeoutMs } = {}) {
    const options = { endpoint, credentials, database, purpose: 'tool' as const };
    return new ToolConnection(await openSession(options, connectTimeoutMs));
  },
  createPool,
  probe,
  replicaPosition,
  reigns,
  settle: (primary, witness, options) => settleBy(settleSteps, primary, witness, options),
};
