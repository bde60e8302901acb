import type { Endpoint } from '@replication-lab/engines';
import mariadb from 'mariadb';
import type { Setup } from '../protocol.ts';
import { statementsOf, type UserRow } from '../statements.ts';
import { primaryOf, replicasOf } from './drivers.ts';
import type { OpenSubject } from './types.ts';

/** Another driver than the router's: what it costs or gains is the driver's as much as the cluster's. */
export const openMariadbCluster: OpenSubject = async (setup) => {
  const sql = statementsOf(setup.engine);
  const cluster = mariadb.createPoolCluster();
  cluster.add('primary', mariadbOptions(setup, primaryOf(setup), 'app'));
  for (const node of replicasOf(setup)) {
    cluster.add(`replica-${node.name}`, mariadbOptions(setup, node, 'appReadOnly'));
  }
  const primary = cluster.of('^primary$');
  const replicas = cluster.of('^replica-', 'RR');
  return {
    how: "mariadb driver: cluster.of('^replica-', 'RR').execute, cluster.of('^primary$').execute",
    async read(id) {
      const rows = await replicas.execute<UserRow[]>(sql.read, [id]);
      return rows[0];
    },
    write: (version, id) => primary.execute(sql.write, [version, id]),
    close: () => cluster.end(),
  };
};

export const mariadbOptions = (setup: Setup, node: Endpoint, account: 'app' | 'appReadOnly') => ({
  host: node.host,
  port: node.port,
  user: setup.accounts[account].user,
  password: setup.accounts[account].password,
  database: setup.database,
  connectionLimit: setup.poolSize,
  // MySQL's caching_sha2_password asks for the server's key on a connection without TLS.
  allowPublicKeyRetrieval: true,
});
