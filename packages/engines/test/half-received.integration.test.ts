import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineOf } from '../src/local/index.ts';
import { availableEngines, type Cluster, startCluster } from '../src/testing/index.ts';
import type { Connection } from '../src/types.ts';
import { waitFor } from '../src/wait-for.ts';

const { engines } = await availableEngines();
const family = engines.filter((engine) => engine !== 'postgres');
const MEGABYTE = 2 ** 20;
const TRIES = 20;

/** The source dies, or is left, in the midst of a long transaction that it sends. */
describe.each(family)('%s: a replica has received half of a transaction', (name) => {
  const { failover } = engineOf(name);
  let cluster: Cluster;
  let root: Connection;

  beforeAll(async () => {
    cluster = await startCluster(name, { subnet: '127.0.54', supervised: true });
    root = await cluster.admin('db-2');
    await using primary = await cluster.admin('db-1');
    await primary.query('CREATE TABLE lab.wide (id INT AUTO_INCREMENT PRIMARY KEY, text LONGTEXT)');
  });
  afterAll(async () => {
    root?.destroy();
    await cluster?.[Symbol.asyncDispose]();
  });

  /** One each time: the server ends a channel that is silent for as long as the long writes here take on a slow machine. */
  async function withChannel<T>(work: (channel: Connection) => Promise<T>): Promise<T> {
    const { accounts, database } = cluster;
    const channel = await failover.openChannel(cluster.endpoint('db-2'), accounts.supervisor, {
      database,
      connectTimeoutMs: 2_000,
    });
    try {
      return await work(channel);
    } finally {
      channel.destroy();
    }
  }
  /** How far it has read in the source's log: bytes of one file, which is far from full here. */
  const receivedBytes = async (): Promise<number> => {
    const { rows } = await root.query(name === 'mysql' ? 'SHOW REPLICA STATUS' : 'SHOW SLAVE STATUS');
    return Number(rows[0]?.Read_Source_Log_Pos ?? rows[0]?.Read_Master_Log_Pos);
  };
  /** MariaDB does not tell; there a transaction that did not come whole is enough. */
  const isHalf = async (rowsBefore: number): Promise<boolean> => {
    if (name === 'mariadb') return (await countOn()) === rowsBefore;
    const { rows } = await root.query(
      "SELECT 1 FROM performance_schema.replication_applier_status_by_coordinator WHERE PROCESSING_TRANSACTION <> ''",
    );
    return rows.length > 0;
  };
  const countOn = async (connection = root): Promise<number> =>
    Number((await connection.query('SELECT COUNT(*) AS n FROM lab.wide')).rows[0]?.n);

  async function detachMidway(): Promise<boolean> {
    await using primary = await cluster.admin('db-1');
    const rows = await countOn(primary);
    await waitFor(async () => (await countOn().catch(() => -1)) === rows, { timeoutMs: 20_000, everyMs: 20 });
    const before = await receivedBytes();
    const values = Array.from({ length: 40 }, () => `(REPEAT('x', ${MEGABYTE / 2}))`);
    const written = primary.query(`INSERT INTO lab.wide (text) VALUES ${values}`, [], { timeoutMs: 30_000 });
    await waitFor(async () => (await receivedBytes()) > before + MEGABYTE, { timeoutMs: 20_000, everyMs: 1 });
    await withChannel(failover.detach);
    await written;
    await withChannel((channel) => {
      const isApplied = async () => {
        const { position, received } = await failover.observe(channel);
        return engineOf(name).client.positions.covers(position, received);
      };
      return waitFor(isApplied, { timeoutMs: 20_000, everyMs: 20 });
    });
    return isHalf(rows);
  }
  const follow = (source: string) =>
    withChannel((channel) =>
      failover.follow(
        channel,
        cluster.endpoint('db-2'),
        cluster.endpoint(source),
        cluster.accounts.replication['db-2']!,
      ),
    );
  async function untilHalf(): Promise<void> {
    for (let i = 0; i < TRIES; i++) {
      if (await detachMidway()) return;
      await follow('db-1');
    }
    throw new Error(`never caught it in the midst, in ${TRIES} tries`);
  }

  it('and follows another source, from which it has all', async () => {
    await untilHalf();
    const rows = await countOn();
    await follow('db-3');
    expect(await waitFor(async () => (await countOn()) > rows, { timeoutMs: 20_000, everyMs: 20 })).toBe(
      true,
    );
    await withChannel(failover.detach);
    await follow('db-1');
  });

  it('and is armed and promoted', async () => {
    await untilHalf();
    await withChannel(async (channel) => {
      await failover.arm(channel, [cluster.endpoint('db-3')]);
      await failover.promote(channel);
      expect(await failover.observe(channel)).toMatchObject({ promoted: true, quorum: { armed: true } });
    });
  });
});
