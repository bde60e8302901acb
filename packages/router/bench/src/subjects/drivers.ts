import type { Endpoint } from '@replication-lab/engines';
import mysql, { type PoolOptions } from 'mysql2/promise';
import pg, { type PoolConfig } from 'pg';
import type { Setup } from '../protocol.ts';

/**
 * The same for every subject that lets its driver be configured, and the same as the router's own connections: how 64-bit
 * numbers and times are read has a price. Idle connections stay: subjects wait for their turns.
 */
export function mysqlOptions(setup: Setup, node: Endpoint, account: 'app' | 'appReadOnly'): PoolOptions {
  return {
    host: node.host,
    port: node.port,
    user: setup.accounts[account].user,
    password: setup.accounts[account].password,
    database: setup.database,
    charset: 'utf8mb4',
    timezone: 'Z',
    supportBigNumbers: true,
    connectionLimit: setup.poolSize,
    maxIdle: setup.poolSize,
  };
}

export const mysqlPool = (setup: Setup, node: Endpoint, account: 'app' | 'appReadOnly') =>
  mysql.createPool(mysqlOptions(setup, node, account));

export function pgOptions(setup: Setup, node: Endpoint, account: 'app' | 'appReadOnly'): PoolConfig {
  return {
    host: node.host,
    port: node.port,
    user: setup.accounts[account].user,
    password: setup.accounts[account].password,
    database: setup.database,
    max: setup.poolSize,
    idleTimeoutMillis: 0,
  };
}

export function pgPool(setup: Setup, node: Endpoint, account: 'app' | 'appReadOnly'): pg.Pool {
  const pool = new pg.Pool(pgOptions(setup, node, account));
  pool.on('error', () => {}); // an idle connection that ends while the servers stop
  return pool;
}

export function primaryOf({ nodes, primary }: Setup): Endpoint {
  const node = nodes.find(({ name }) => name === primary);
  if (!node) throw new Error(`there is no node ${primary}`);
  return node;
}

export const replicasOf = ({ nodes, primary }: Setup): Endpoint[] =>
  nodes.filter(({ name }) => name !== primary);
