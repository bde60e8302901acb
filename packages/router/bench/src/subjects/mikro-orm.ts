import type { Endpoint } from '@replication-lab/engines';
import type { Setup } from '../protocol.ts';
import { NODE_SQL, type UserRow } from '../statements.ts';
import { primaryOf, replicasOf } from './drivers.ts';
import type { OpenSubject } from './types.ts';

const READ_ROW = (node: string) => `SELECT id, name, email, version, ${node} AS node FROM users WHERE id = ?`;
const WRITE = 'UPDATE users SET version = ? WHERE id = ?';

/** `?` on PostgreSQL too: MikroORM writes the values into the text. */
export const openMikroOrm: OpenSubject = async (setup) => {
  const { user, password } = setup.accounts.app;
  const options = {
    entities: [],
    discovery: { warnWhenNoEntities: false },
    dbName: setup.database,
    ...endpointOf(primaryOf(setup)),
    user,
    password,
    pool: { max: setup.poolSize },
    ...(setup.engine === 'postgres' && { driverOptions: { idleTimeoutMillis: 0 } }),
    replicas: replicasOf(setup).map((node) => replicaOf(setup, node)),
    debug: false,
  };
  const orm = await init(setup, options);
  const readSql = READ_ROW(NODE_SQL[setup.engine]);
  return {
    how: "orm.driver.getConnection('read').execute(sql, params), the same of 'write'; a random replica",
    async read(id) {
      const rows = await orm.driver.getConnection('read').execute<UserRow[]>(readSql, [id]);
      return rows[0];
    },
    write: (version, id) => orm.driver.getConnection('write').execute(WRITE, [version, id], 'run'),
    close: () => orm.close(true),
  };
};

const endpointOf = ({ host, port }: Endpoint) => ({ host, port });

const replicaOf = ({ accounts }: Setup, node: Endpoint) => ({
  name: node.name,
  ...endpointOf(node),
  user: accounts.appReadOnly.user,
  password: accounts.appReadOnly.password,
});

/** Each engine has a package of its own. */
async function init({ engine }: Setup, options: object) {
  switch (engine) {
    case 'mysql':
      return (await import('@mikro-orm/mysql')).MikroORM.init(options);
    case 'mariadb':
      return (await import('@mikro-orm/mariadb')).MikroORM.init(options);
    case 'postgres':
      return (await import('@mikro-orm/postgresql')).MikroORM.init(options);
  }
}
