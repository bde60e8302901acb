import { eq, sql } from 'drizzle-orm';
import { bigint, int, mysqlTable, withReplicas as mysqlWithReplicas, varchar } from 'drizzle-orm/mysql-core';
import { drizzle as drizzleMysql } from 'drizzle-orm/mysql2';
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres';
import {
  integer,
  bigint as pgBigint,
  pgTable,
  varchar as pgVarchar,
  withReplicas as pgWithReplicas,
} from 'drizzle-orm/pg-core';
import type { Setup } from '../protocol.ts';
import { NODE_SQL } from '../statements.ts';
import { mysqlPool, pgPool, primaryOf, replicasOf } from './drivers.ts';
import type { OpenSubject, Subject } from './types.ts';

const HOW = 'withReplicas, the builder: select … from … where, update … set … where; a random replica';

const mysqlUsers = mysqlTable('users', {
  id: bigint({ mode: 'number' }).primaryKey(),
  name: varchar({ length: 200 }).notNull(),
  email: varchar({ length: 254 }).notNull(),
  version: int().notNull(),
});
const pgUsers = pgTable('users', {
  id: pgBigint({ mode: 'number' }).primaryKey(),
  name: pgVarchar({ length: 200 }).notNull(),
  email: pgVarchar({ length: 254 }).notNull(),
  version: integer().notNull(),
});

export const openDrizzle: OpenSubject = async (setup) =>
  setup.engine === 'postgres' ? openPg(setup) : openMysql(setup);

function openMysql(setup: Setup): Subject {
  const primary = mysqlPool(setup, primaryOf(setup), 'app');
  const pools = replicasOf(setup).map((node) => mysqlPool(setup, node, 'appReadOnly'));
  const [first, ...others] = pools.map((client) => drizzleMysql({ client }));
  if (!first) throw new Error('withReplicas needs a replica');
  const db = mysqlWithReplicas(drizzleMysql({ client: primary }), [first, ...others]);
  const { id, name, email, version } = mysqlUsers;
  const columns = { id, name, email, version, node: sql<unknown>`${sql.raw(NODE_SQL[setup.engine])}` };
  return {
    how: HOW,
    async read(key) {
      const rows = await db.select(columns).from(mysqlUsers).where(eq(id, key));
      return rows[0];
    },
    write: (next, key) => db.update(mysqlUsers).set({ version: next }).where(eq(id, key)),
    close: () => Promise.all([primary, ...pools].map((pool) => pool.end())),
  };
}

function openPg(setup: Setup): Subject {
  const primary = pgPool(setup, primaryOf(setup), 'app');
  const pools = replicasOf(setup).map((node) => pgPool(setup, node, 'appReadOnly'));
  const [first, ...others] = pools.map((client) => drizzlePg({ client }));
  if (!first) throw new Error('withReplicas needs a replica');
  const db = pgWithReplicas(drizzlePg({ client: primary }), [first, ...others]);
  const { id, name, email, version } = pgUsers;
  const columns = { id, name, email, version, node: sql<unknown>`${sql.raw(NODE_SQL.postgres)}` };
  return {
    how: HOW,
    async read(key) {
      const rows = await db.select(columns).from(pgUsers).where(eq(id, key));
      return rows[0];
    },
    write: (next, key) => db.update(pgUsers).set({ version: next }).where(eq(id, key)),
    close: () => Promise.all([primary, ...pools].map((pool) => pool.end())),
  };
}
