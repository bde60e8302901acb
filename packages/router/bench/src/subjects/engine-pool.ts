import { getEngineClient } from '@replication-lab/engines';
import { statementsOf, type UserRow } from '../statements.ts';
import { primaryOf, replicasOf } from './drivers.ts';
import type { OpenSubject } from './types.ts';

/** The router's connections without its decisions and tokens: says which half of it costs what. */
export const openEnginePool: OpenSubject = async (setup) => {
  const client = getEngineClient(setup.engine);
  const sql = statementsOf(setup.engine);
  const { database, poolSize, accounts } = setup;
  const limits = {
    database,
    size: poolSize,
    queueLimit: 100,
    connectTimeoutMs: 3000,
    acquireTimeoutMs: 2000,
  };
  const primary = client.createPool(primaryOf(setup), accounts.app, { ...limits, mode: 'write' });
  const pools = replicasOf(setup).map((node) =>
    client.createPool(node, accounts.appReadOnly, { ...limits, mode: 'read' }),
  );
  const options = { timeoutMs: 5000 };
  let turn = 0;
  return {
    how: 'NodePool.read and NodePool.write of @replication-lab/engines, replicas in turn',
    async read(id) {
      turn = (turn + 1) % pools.length;
      const { rows } = await pools[turn]!.read(sql.read, [id], options);
      return rows[0] as unknown as UserRow | undefined;
    },
    write: (version, id) => primary.write(sql.write, [version, id], options),
    close: () => Promise.all([primary, ...pools].map((pool) => pool.close())),
  };
};
