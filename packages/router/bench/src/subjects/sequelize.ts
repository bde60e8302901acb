import type { Endpoint } from '@replication-lab/engines';
import { QueryTypes, Sequelize } from 'sequelize';
import type { Setup } from '../protocol.ts';
import { NODE_SQL, type UserRow } from '../statements.ts';
import { primaryOf, replicasOf } from './drivers.ts';
import type { OpenSubject } from './types.ts';

/** Sequelize sends a raw query to a replica when it is told that it is a SELECT. `$1` is its own placeholder. */
export const openSequelize: OpenSubject = async (setup) => {
  const replicas = replicasOf(setup);
  const sequelize = new Sequelize({
    dialect: setup.engine,
    database: setup.database,
    logging: false,
    // One pool for all replicas together.
    pool: { max: setup.poolSize * replicas.length, idle: 3_600_000, evict: 3_600_000 },
    ...(setup.engine === 'mariadb' && { dialectOptions: { allowPublicKeyRetrieval: true } }),
    replication: {
      write: optionsOf(setup, primaryOf(setup), 'app'),
      read: replicas.map((node) => optionsOf(setup, node, 'appReadOnly')),
    },
  });
  const readSql = `SELECT id, name, email, version, ${NODE_SQL[setup.engine]} AS node FROM users WHERE id = $1`;
  const writeSql = 'UPDATE users SET version = $1 WHERE id = $2';
  return {
    how: 'sequelize.query(sql, { type: SELECT or UPDATE, bind })',
    async read(id) {
      const rows = await sequelize.query<UserRow>(readSql, { type: QueryTypes.SELECT, bind: [id] });
      return rows[0];
    },
    write: (version, id) =>
      sequelize.query(writeSql, { type: QueryTypes.UPDATE, bind: [version, id] }) as Promise<unknown>,
    close: () => sequelize.close(),
  };
};

const optionsOf = (setup: Setup, node: Endpoint, account: 'app' | 'appReadOnly') => ({
  host: node.host,
  port: String(node.port),
  username: setup.accounts[account].user,
  password: setup.accounts[account].password,
  database: setup.database,
});
