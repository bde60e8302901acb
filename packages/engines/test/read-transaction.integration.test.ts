import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NodePool, Position, Transaction } from '../src/index.ts';
import { availableEngines } from '../src/testing/index.ts';
import { waitFor } from '../src/wait-for.ts';
import { ClientCluster, errorOf } from './support/client-cluster.ts';

const { engines } = await availableEngines();

let serial = 0;
const email = (): string => {
  serial += 1;
  return `read-only-${process.pid}-${serial}@example.test`;
};

describe.each(engines)('%s: READ ONLY transactions', (engine) => {
  let lab: ClientCluster;
  let primary: NodePool;
  const idSql = `SELECT ${engine === 'postgres' ? 'pg_backend_pid()' : 'CONNECTION_ID()'} AS id`;

  const insertSql = () => lab.sql('INSERT INTO users (name, email) VALUES (?, ?)');
  const countSql = () => lab.sql('SELECT COUNT(*) AS n FROM users WHERE email = ?');
  const count = async (from: Pick<Transaction, 'query'>, address: string) =>
    (await from.query(countSql(), [address])).rows[0]?.n;
  const insert = async (address: string): Promise<Position> => {
    const { position } = await primary.write(insertSql(), ['Ada', address]);
    if (position.kind !== 'known') throw new Error('the position is not known');
    return position.position;
  };

  beforeAll(async () => {
    lab = await ClientCluster.start(engine, { subnet: '127.0.43', nodes: 2 });
    primary = lab.pool('db-1', 'write');
  });
  afterAll(() => lab?.[Symbol.asyncDispose]());

  it.each([
    ['db-1', 'write'],
    ['db-1', 'read'],
    ['db-2', 'read'],
  ] as const)('on %s in a %s pool: reads, and says how new it can have been', async (node, mode) => {
    const address = email();
    const position = await insert(address);
    expect(await lab.waitUntilCovered(node, position)).not.toBeNull();
    const pool = lab.pool(node, mode, { size: 1 });
    const read = (withUpperBound: boolean) =>
      pool.readTransaction(async (tx) => [await count(tx, address), await count(tx, address)], {
        withUpperBound,
      });
    const bounded = await read(true);
    expect(bounded.value).toEqual([1, 1]);
    expect(lab.client.positions.covers(bounded.upperBound!, position)).toBe(true);
    expect(await read(false)).toEqual({ value: [1, 1] });
    expect(pool.stats()).toEqual({ size: 1, idle: 1, busy: 0, waiting: 0 });
  });

  it('writes nothing, not even with an account and on a node that could', async () => {
    const [first, second] = [email(), email()];
    const pool = lab.pool('db-1', 'write', { size: 1 });
    const write = pool.readTransaction((tx) => tx.query(insertSql(), ['A', first]));
    expect(await errorOf(write)).toMatchObject({ code: 'read-only' });
    const talkedInto = pool.readTransaction(async (tx) => {
      await tx.query('SET LOCAL transaction_read_only = off');
      await tx.query(insertSql(), ['A', second]);
    });
    expect(await errorOf(talkedInto)).toMatchObject({ code: 'bad-statement' });
    await insert(email()); // and the session is as good as new
    for (const address of [first, second]) {
      expect((await primary.read(countSql(), [address])).rows[0]?.n).toBe(0);
    }
  });

  it('the errors of its work pass through, and its session is lent again', async () => {
    const pool = lab.pool('db-2', 'read', { size: 1 });
    const id = async () => (await pool.read(idSql, [])).rows[0]?.id;
    const before = await id();
    const failed = pool.readTransaction(async (tx) => {
      await count(tx, 'x');
      throw new RangeError('mine');
    });
    expect(await errorOf(failed)).toBeInstanceOf(RangeError);
    const wrong = pool.readTransaction((tx) => tx.query('SELEC 1'));
    expect(await errorOf(wrong)).toMatchObject({ code: 'bad-statement' });
    expect(await id()).toBe(before);
  });

  it('a failure that its work swallowed fails it where the server has given it up', async () => {
    const swallowing = lab.pool('db-2', 'read').readTransaction(
      async (tx) => {
        await tx.query('SELEC 1').catch(() => {});
        return 7;
      },
      { withUpperBound: true },
    );
    if (engine === 'postgres') expect(await errorOf(swallowing)).toMatchObject({ code: 'other' });
    else expect((await swallowing).value).toBe(7);
  });

  it('ends at its deadline, whatever its work does', async () => {
    const pool = lab.pool('db-2', 'read', { size: 1 });
    const hanging = pool.readTransaction(
      async (tx) => {
        await count(tx, 'x');
        await new Promise(() => {});
      },
      { timeoutMs: 150 },
    );
    expect(await errorOf(hanging)).toMatchObject({ code: 'timeout' });
    expect(pool.stats()).toEqual({ size: 0, idle: 0, busy: 0, waiting: 0 });
  });

  it.each(['its work', 'its COMMIT'])(
    'a connection that ends during %s is lost: nothing is unknown',
    async (when) => {
      await using admin = await lab.cluster.admin('db-1');
      const lost = primary.readTransaction(
        async (tx) => {
          const id = Number((await tx.query(idSql)).rows[0]?.id);
          await admin.query(engine === 'postgres' ? `SELECT pg_terminate_backend(${id})` : `KILL ${id}`);
          const gone = async () => {
            const sessions =
              engine === 'postgres'
                ? `SELECT 1 FROM pg_stat_activity WHERE pid = ${id}`
                : `SELECT 1 FROM information_schema.processlist WHERE id = ${id}`;
            return (await admin.query(sessions)).rows.length === 0;
          };
          expect(await waitFor(gone, { timeoutMs: 5000, everyMs: 5 })).toBe(true);
          if (when === 'its work') await tx.query('SELECT 1');
        },
        { withUpperBound: true },
      );
      expect(await errorOf(lost)).toMatchObject({ code: 'connection-lost' });
    },
  );

  it('replicaPosition says what the probe says', async () => {
    const position = await insert(email());
    expect(await lab.waitUntilCovered('db-2', position)).not.toBeNull();
    const { accounts, database } = lab.cluster;
    await using monitor = await lab.client.connect(lab.cluster.endpoint('db-2'), accounts.monitor, {
      database,
    });
    const said = async () => {
      const before = (await lab.client.probe(monitor)).position;
      const light = await lab.client.replicaPosition(monitor);
      // Unless something was applied in between (PostgreSQL writes to its log unasked), all three are the same.
      return before === (await lab.client.probe(monitor)).position && light === before;
    };
    expect(await waitFor(said, { timeoutMs: 5000, everyMs: 20 })).toBe(true);
    expect(lab.client.positions.covers(await lab.client.replicaPosition(monitor), position)).toBe(true);
  });
});
