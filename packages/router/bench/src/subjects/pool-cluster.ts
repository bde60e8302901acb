import type { RowDataPacket } from 'mysql2/promise';
import mysql from 'mysql2/promise';
import { statementsOf, type UserRow } from '../statements.ts';
import { mysqlOptions, primaryOf, replicasOf } from './drivers.ts';
import type { OpenSubject } from './types.ts';

export const openPoolCluster: OpenSubject = async (setup) => {
  const sql = statementsOf(setup.engine);
  const cluster = mysql.createPoolCluster();
  cluster.add('PRIMARY', mysqlOptions(setup, primaryOf(setup), 'app'));
  for (const node of replicasOf(setup)) {
    cluster.add(`REPLICA-${node.name}`, mysqlOptions(setup, node, 'appReadOnly'));
  }
  const primary = cluster.of('PRIMARY');
  const replicas = cluster.of('REPLICA-*', 'RR');
  return {
    how: "cluster.of('REPLICA-*', 'RR').execute, cluster.of('PRIMARY').execute",
    async read(id) {
      const [rows] = await replicas.execute<RowDataPacket[]>(sql.read, [id]);
      return rows[0] as UserRow | undefined;
    },
    write: (version, id) => primary.execute(sql.write, [version, id]),
    close: () => cluster.end(),
  };
};
