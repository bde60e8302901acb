import { connect, createPool } from '../mysql-protocol/client.ts';
import { reigns } from '../mysql-protocol/epoch.ts';
import { DEFAULT_PORT } from '../names.ts';
import { settleBy } from '../session/settle.ts';
import type { EngineClient } from '../types.ts';
import { dialect } from './pool.ts';
import { positionFromServer, positions } from './positions.ts';
import { probe, replicaPosition } from './probe.ts';
import { settleSteps } from './settle.ts';

export const client: EngineClient = {
  name: 'mariadb',
  defaultPort: DEFAULT_PORT.mariadb,
  positions,
  placeholder: () => '?',
  connect: (endpoint, credentials, options = {}) => connect(endpoint, credentials, options, dialect),
  createPool: (endpoint, credentials, options) => createPool(endpoint, credentials, options, dialect),
  probe,
  replicaPosition,
  reigns: (connection, afterEpoch, options) => reigns(connection, afterEpoch, options, positionFromServer),
  settle: (primary, witness, options) => settleBy(settleSteps, primary, witness, options),
};
