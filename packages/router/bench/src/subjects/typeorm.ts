import 'reflect-metadata';
import type { Endpoint } from '@replication-lab/engines';
import { DataSource, type DataSourceOptions } from 'typeorm';
import type { Setup } from '../protocol.ts';
import { statementsOf } from '../statements.ts';
import { primaryOf, replicasOf } from './drivers.ts';
import type { OpenSubject } from './types.ts';

/** TypeORM's documented way to send SQL of one's own to a replica; its finders and builders go the same way. */
export const openTypeorm: OpenSubject = async (setup) => {
  const sql = statementsOf(setup.engine);
  const dataSource = new DataSource({
    type: setup.engine,
    logging: false,
    synchronize: false,
    entities: [],
    poolSize: setup.poolSize,
    ...(setup.engine === 'postgres' ? { extra: { idleTimeoutMillis: 0 } } : { supportBigNumbers: true }),
    replication: {
      defaultMode: 'slave',
      master: optionsOf(setup, primaryOf(setup), 'app'),
      slaves: replicasOf(setup).map((node) => optionsOf(setup, node, 'appReadOnly')),
    },
  } as DataSourceOptions);
  await dataSource.initialize();
  return {
    how: "dataSource.createQueryRunner('slave').query and release, the same of master",
    async read(id) {
      const runner = dataSource.createQueryRunner('slave');
      try {
        const rows = await runner.query(sql.read, [id]);
        return rows[0];
      } finally {
        await runner.release();
      }
    },
    async write(version, id) {
      const runner = dataSource.createQueryRunner('master');
      try {
        await runner.query(sql.write, [version, id]);
      } finally {
        await runner.release();
      }
    },
    close: () => dataSource.destroy(),
  };
};

const optionsOf = (setup: Setup, node: Endpoint, account: 'app' | 'appReadOnly') => ({
  host: node.host,
  port: node.port,
  username: setup.accounts[account].user,
  password: setup.accounts[account].password,
  database: setup.database,
});
