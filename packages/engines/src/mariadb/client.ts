import { DEFAULT_PORT } from '../config.ts';
import { connect, createPool } from '../mysql-protocol/client.ts';
import type { EngineClient } from '../types.ts';
import { dialect } from './pool.ts';
import { positions } from './positions.ts';
import { probe } from './probe.ts';

export const client: EngineClient = {
  name: 'mariadb',
  defaultPort: DEFAULT_PORT.mariadb,
  positions,
  placeholder: () => '?',
  connect: (endpoint, credentials, options = {}) => connect(endpoint, credentials, options, dialect),
  createPool: (endpoint, credentials, options) => createPool(endpoint, credentials, options, dialect),
  probe,
};
