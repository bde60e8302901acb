import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Connection, NodePool } from '../src/index.ts';
import { engineOf } from '../src/local/index.ts';
import { availableEngines } from '../src/testing/index.ts';
import { waitFor } from '../src/wait-for.ts';
import { ClientCluster, errorOf } from './support/client-cluster.ts';
import { waitForThirdNode } from './support/held-commits.ts';

const { engines } = await availableEngines();
const UNTIL = { timeoutMs: 20_000, everyMs: 5 };
const SOON = { timeoutMs: 10_000 };
const BRIEFLY = { timeoutMs: 250 };
const ROUNDS = 150;

let serial = 0;
const email = (): string => {
  serial += 1;
  return `settle-${process.pid}-${serial}@example.test`;
};

describe.each(engines)('%s: a replica that shows a commit before its primary does', (engine) => {
  const { admin } = engineOf(engine);
  let lab: ClientCluster;
  let writer: NodePool;
  let pools: Record<string, NodePool>;
  let primary: Connection;
  let witness: Connection;
  let why: string | null = null;

  const insertSql = () => lab.sql('INSERT INTO users (name, email) VALUES (?, ?)');
  const insert = (address: string) => writer.write(insertSql(), ['Ada', address], { timeoutMs: 30_000 });
  const shows = async (node: string, address: string): Promise<boolean> => {
    const { rows } = await pools[node]!.read(lab.sql('SELECT id FROM users WHERE email = ?'), [address]);
    return rows.length === 1;
  };
  const monitor = (node: string): Promise<Connection> => {
    const { accounts, database } = lab.cluster;
    return lab.client.connect(lab.cluster.endpoint(node), accounts.monitor, { database });
  };
  /** Runs `work` while an insert of `address` hangs on db-1, for want of db-3's word. */
  async function whileHanging(address: string, work: () => Promise<void>): Promise<void> {
    await lab.cluster.kill('db-3', 'SIGSTOP');
    let answered = false;
    const hanging = insert(address).finally(() => {
      answered = true;
    });
    hanging.catch(() => {});
    try {
      await work();
      expect(answered).toBe(false);
    } finally {
      await lab.cluster.kill('db-3', 'SIGCONT');
    }
    await hanging;
  }

  beforeAll(async () => {
    lab = await ClientCluster.start(engine, { subnet: '127.0.43', nodes: 3 });
    writer = lab.pool('db-1', 'write');
    pools = { 'db-1': lab.pool('db-1', 'read'), 'db-2': lab.pool('db-2', 'read') };
    primary = await monitor('db-1');
    witness = await monitor('db-2');
    why = await waitForThirdNode(lab);
    if (why !== null) console.warn(`NOT RUN: ${engine}: commits that hang: ${why}`);
  });
  afterAll(async () => {
    primary?.destroy();
    witness?.destroy();
    await lab?.[Symbol.asyncDispose]();
  });

  it('is at rest at once when nothing is written', async () => {
    for (const other of [witness, null]) await lab.client.settle(primary, other, SOON);
    await insert(email());
    for (const other of [witness, null]) await lab.client.settle(primary, other, SOON);
  });

  it('does not wait for transactions that have not begun to commit', async () => {
    await using idle = await lab.cluster.admin('db-1');
    await idle.query('BEGIN');
    await idle.query(`INSERT INTO users (name, email) VALUES ('idle', '${email()}')`);
    for (const other of [witness, null]) await lab.client.settle(primary, other, SOON);

    await using busy = await lab.cluster.admin('db-1');
    await busy.query('BEGIN');
    await busy.query(`INSERT INTO users (name, email) VALUES ('busy', '${email()}')`);
    let isBusy = true;
    const sleeping = busy
      .query(engine === 'postgres' ? 'SELECT pg_sleep(3)' : 'SELECT SLEEP(3)')
      .finally(() => {
        isBusy = false;
      });
    if (engine === 'postgres') {
      const sleepers = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
      expect(await waitFor(async () => (await primary.query(sleepers)).rows.length === 1, UNTIL)).toBe(true);
    }
    await lab.client.settle(primary, witness, SOON);
    // Whether a running statement is that of a commit PostgreSQL does not say.
    if (engine !== 'postgres') await lab.client.settle(primary, null, SOON);
    else expect(await errorOf(lab.client.settle(primary, null, BRIEFLY))).toMatchObject({ code: 'timeout' });
    expect(isBusy).toBe(true);
    await sleeping;
    for (const connection of [idle, busy]) await connection.query('ROLLBACK');
  });

  it('waits for a commit that the witness shows, until the primary shows it', async ({ skip }) => {
    skip(why !== null, why ?? undefined);
    const address = email();
    let settled: Promise<boolean> | undefined;
    await whileHanging(address, async () => {
      expect(await waitFor(() => shows('db-2', address), UNTIL)).toBe(true);
      expect(await shows('db-1', address)).toBe(false);
      for (const other of [witness, null]) {
        const refused = await errorOf(lab.client.settle(primary, other, BRIEFLY));
        expect(refused).toMatchObject({ code: 'timeout', endpoint: { name: 'db-1' } });
      }
      const gone = AbortSignal.timeout(50);
      expect(await errorOf(lab.client.settle(primary, witness, { signal: gone }))).toMatchObject({
        code: 'aborted',
      });
      settled = lab.client.settle(primary, witness, SOON).then(() => shows('db-1', address));
    });
    expect(await settled).toBe(true);
    await lab.client.settle(primary, null, SOON); // neither connection was harmed
    expect(await lab.client.probe(witness)).toMatchObject({ role: 'replica' });
  });

  it('does not wait for a commit that the witness does not show', async ({ skip }) => {
    skip(why !== null, why ?? undefined);
    await using second = await lab.cluster.admin('db-2');
    await admin.setApplyDelay(second, 60);
    const addresses = [email(), email(), email()];
    try {
      await whileHanging(addresses[0]!, async () => {
        // More of them queue up behind it, in whatever locks the server has for that.
        const queued = addresses.slice(1).map((address) => insert(address));
        for (const waiting of queued) waiting.catch(() => {});
        const unsettled = () =>
          lab.client.settle(primary, null, BRIEFLY).then(
            () => false,
            () => true,
          );
        expect(await waitFor(unsettled, UNTIL)).toBe(true);
        await lab.client.settle(primary, witness, SOON);
        expect(await shows('db-1', addresses[0]!)).toBe(false);
      });
    } finally {
      await admin.setApplyDelay(second, 0);
    }
    const all = async () =>
      (await Promise.all(addresses.map((address) => shows('db-2', address)))).every(Boolean);
    expect(await waitFor(all, UNTIL)).toBe(true);
  });

  it('a witness that does not answer counts as none', async ({ skip }) => {
    skip(why !== null, why ?? undefined);
    const third = await monitor('db-3');
    await whileHanging(email(), async () => {
      const unsettled = () =>
        lab.client.settle(primary, third, BRIEFLY).then(
          () => false,
          () => true,
        );
      expect(await waitFor(unsettled, UNTIL)).toBe(true);
    });
    third.destroy();
    await lab.client.settle(primary, third, SOON);
  });

  it.runIf(engine === 'mariadb')(
    'a change of the log file while a commit hangs does not deceive it',
    async () => {
      const address = email();
      const control = await lab.cluster.admin('db-1');
      let flushed: Promise<unknown> | undefined;
      const fresh = await monitor('db-1'); // has no reference of an earlier moment
      await whileHanging(address, async () => {
        expect(await waitFor(() => shows('db-2', address), UNTIL)).toBe(true);
        const file = async () =>
          (await primary.query("SHOW STATUS LIKE 'Binlog_snapshot_file'")).rows[0]?.Value as string;
        const before = await file();
        flushed = control.query('FLUSH BINARY LOGS');
        expect(await waitFor(async () => (await file()) !== before, UNTIL)).toBe(true);
        for (const connection of [primary, fresh]) {
          expect(await errorOf(lab.client.settle(connection, witness, BRIEFLY))).toMatchObject({
            code: 'timeout',
          });
        }
      });
      await flushed;
      for (const connection of [primary, fresh]) await lab.client.settle(connection, witness, SOON);
      expect(await shows('db-1', address)).toBe(true);
      await control.close();
      await fresh.close();
    },
  );

  it(`${ROUNDS} times under load: what the replica showed before, the primary shows after`, async () => {
    let isOver = false;
    const writing = [1, 2, 3].map(async () => {
      while (!isOver) await insert(email());
    });
    const newest = async (node: string): Promise<number> =>
      Number((await pools[node]!.read('SELECT MAX(id) AS id FROM users', [])).rows[0]?.id);
    try {
      for (let round = 0; round < ROUNDS; round += 1) {
        const seen = await newest('db-2');
        await lab.client.settle(primary, round % 3 === 0 ? null : witness, SOON);
        expect(await newest('db-1'), `round ${round}`).toBeGreaterThanOrEqual(seen);
      }
    } finally {
      isOver = true;
      await Promise.all(writing);
    }
  });
});
