import type { RowDataPacket } from 'mysql2/promise';
import type { Setup } from '../protocol.ts';
import { statementsOf, type UserRow } from '../statements.ts';
import { mysqlPool, pgPool, primaryOf, replicasOf } from './drivers.ts';
import type { OpenSubject, Subject } from './types.ts';

/**
 * What a careful person writes by hand: one pool a node, reads over the replicas in turn, writes to the primary. No
 * failover, no lag, no session.
 */
export const openRaw =
  (readFrom: 'replicas' | 'primary'): OpenSubject =>
  (setup) =>
    setup.engine === 'postgres' ? openPg(setup, readFrom) : openMysql(setup, readFrom);

async function openMysql(setup: Setup, readFrom: 'replicas' | 'primary'): Promise<Subject> {
  const sql = statementsOf(setup.engine);
  const primary = mysqlPool(setup, primaryOf(setup), 'app');
  const pools =
    readFrom === 'primary'
      ? [primary]
      : replicasOf(setup).map((node) => mysqlPool(setup, node, 'appReadOnly'));
  let turn = 0;
  return {
    how: 'mysql2: pool.execute',
    async read(id) {
      turn = (turn + 1) % pools.length;
      const [rows] = await pools[turn]!.execute<RowDataPacket[]>(sql.read, [id]);
      return rows[0] as UserRow | undefined;
    },
    write: (version, id) => primary.execute(sql.write, [version, id]),
    close: () => Promise.all([primary, ...pools].map((pool) => pool.end().catch(() => {}))),
  };
}

async function openPg(setup: Setup, readFrom: 'replicas' | 'primary'): Promise<Subject> {
  const sql = statementsOf(setup.engine);
  const primary = pgPool(setup, primaryOf(setup), 'app');
  const pools =
    readFrom === 'primary' ? [primary] : replicasOf(setup).map((node) => pgPool(setup, node, 'appReadOnly'));
  let turn = 0;
  return {
    how: 'pg: pool.query(text, values)',
    async read(id) {
      turn = (turn + 1) % pools.length;
      const { rows } = await pools[turn]!.query(sql.read, [id]);
      return rows[0];
    },
    write: (version, id) => primary.query(sql.write, [version, id]),
    close: () => Promise.all([...new Set([primary, ...pools])].map((pool) => pool.end())),
  };
}
