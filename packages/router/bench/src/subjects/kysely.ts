import type { Endpoint } from '@replication-lab/engines';
import { type Dialect, Kysely, MysqlDialect, PostgresDialect, sql } from 'kysely';
import { KyselyReplicationDialect } from 'kysely-replication';
import { RoundRobinReplicaStrategy } from 'kysely-replication/strategy/round-robin';
import { createPool } from 'mysql2';
import type { Setup } from '../protocol.ts';
import { NODE_SQL, type UserRow } from '../statements.ts';
import { mysqlOptions, pgPool, primaryOf, replicasOf } from './drivers.ts';
import type { OpenSubject } from './types.ts';

interface Tables {
  users: { id: number; name: string; email: string; version: number };
}

/** It routes what its builder made; SQL of one's own always goes to the primary. */
export const openKysely: OpenSubject = async (setup) => {
  const [first, ...others] = replicasOf(setup).map((node) => dialect(setup, node, 'appReadOnly'));
  if (!first) throw new Error('kysely-replication needs a replica');
  const db = new Kysely<Tables>({
    dialect: new KyselyReplicationDialect({
      primaryDialect: dialect(setup, primaryOf(setup), 'app'),
      replicaDialects: [first, ...others],
      replicaStrategy: new RoundRobinReplicaStrategy({ onTransaction: 'error' }),
    }),
  });
  const node = sql<unknown>`${sql.raw(NODE_SQL[setup.engine])}`.as('node');
  return {
    how: 'the builder: selectFrom … where … executeTakeFirst, updateTable … execute; round robin',
    read: (id): Promise<UserRow | undefined> =>
      db
        .selectFrom('users')
        .select(['id', 'name', 'email', 'version', node])
        .where('id', '=', id)
        .executeTakeFirst(),
    write: (version, id) => db.updateTable('users').set({ version }).where('id', '=', id).execute(),
    close: () => db.destroy(),
  };
};

function dialect(setup: Setup, node: Endpoint, account: 'app' | 'appReadOnly'): Dialect {
  return setup.engine === 'postgres'
    ? new PostgresDialect({ pool: pgPool(setup, node, account) })
    : new MysqlDialect({ pool: createPool(mysqlOptions(setup, node, account)) });
}
