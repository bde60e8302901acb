import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Connection, NodePool } from '../src/index.ts';
import { availableEngines } from '../src/testing/index.ts';
import { waitFor } from '../src/wait-for.ts';
import { ClientCluster, errorOf, lsnOf } from './support/client-cluster.ts';

const { engines } = await availableEngines();
const INSERT = 'INSERT INTO users (name, email) VALUES ($1, $2)';
const PAGE = 8192;

describe.runIf(engines.includes('postgres'))('what only PostgreSQL can do to a client', () => {
  let lab: ClientCluster;
  let primary: NodePool;

  beforeAll(async () => {
    lab = await ClientCluster.start('postgres', { subnet: '127.0.32', nodes: 2 });
    primary = lab.pool('db-1', 'write');
  });
  afterAll(() => lab?.[Symbol.asyncDispose]());

  const writes = {
    'a write': () => primary.write(INSERT, ['A', 'sync-1@example.test']),
    'a transaction that tries to be spared the wait and the warning': () =>
      primary.transaction(async (tx) => {
        await tx.query('SET LOCAL synchronous_commit = off');
        await tx.query('SET LOCAL client_min_messages = error');
        return tx.query(INSERT, ['A', 'sync-2@example.test']);
      }),
  };

  it.each(Object.entries(writes))(
    'a cancelled wait for a standby is no success: %s',
    async (_kind, write) => {
      await using admin = await lab.cluster.admin('db-1');
      await demandStandby(lab, admin, 'nobody');
      try {
        const outcome = errorOf(write());
        const pid = await waitFor(async () => (await waitingWriters(admin)).rows[0]?.pid as number, {
          timeoutMs: 5000,
          everyMs: 10,
        });
        await admin.query('SELECT pg_cancel_backend($1)', [pid]);
        const unknown = { code: 'outcome-unknown', message: expect.stringContaining('standby') };
        expect(await outcome).toMatchObject(unknown);
      } finally {
        await demandStandby(lab, admin, '');
      }
    },
  );

  it('a replica does not fall back to an older timeline when its primary dies', async () => {
    await lab.cluster.kill('db-1');
    await lab.cluster.start('db-1');
    await lab.cluster.bootstrap(); // opens db-1 once more, on a new timeline
    const { accounts, database } = lab.cluster;
    const monitor = await lab.client.connect(lab.cluster.endpoint('db-2'), accounts.monitor, { database });
    try {
      const before = await lab.client.probe(monitor);
      expect(before.replicating).toBe(true);
      await lab.cluster.kill('db-1');
      const alone = await waitFor(
        async () => {
          const node = await lab.client.probe(monitor);
          return node.replicating === false && node;
        },
        { timeoutMs: 5000, everyMs: 10 },
      );
      expect(lab.client.positions.covers(alone!.position, before.position)).toBe(true);
    } finally {
      monitor.destroy();
      await lab.cluster.start('db-1');
      await lab.cluster.bootstrap();
    }
  });

  it('20 writes that end on a page boundary of the log: an idle replica covers each at once', async () => {
    await using admin = await lab.cluster.admin('db-1');
    const reader = lab.pool('db-2', 'read', { size: 1 });
    const { rows } = await primary.write(`${INSERT} RETURNING id`, ['A', 'page@example.test']);
    const id = Number(rows[0]?.id);
    const versionOn = async (pool: NodePool) =>
      (await pool.read('SELECT version FROM users WHERE id = $1', [id])).rows[0]?.version;
    let room = 0; // what the update below takes in the log
    let hits = 0;
    for (let attempt = 0; hits < 20 && attempt < 200; attempt += 1) {
      if (room > 0) await fillLogTo(admin, PAGE - room);
      const before = await insertPosition(admin);
      const { position } = await primary.write('UPDATE users SET version = version + 1 WHERE id = $1', [id]);
      if (position.kind !== 'known') throw new Error('the position is not known');
      const end = lsnOf(position.position);
      if (end % PAGE !== 0) {
        if (end - before < PAGE / 2) room = end - before; // else a copy of a whole page of data was among it
        continue;
      }
      hits += 1;
      const tookMs = await lab.waitUntilCovered('db-2', position.position, 3000);
      expect(tookMs, `the replica did not arrive at ${position.position}`).not.toBeNull();
      expect(await versionOn(reader)).toBe(await versionOn(primary));
    }
    expect(hits).toBe(20);
  });
});

const waitingWriters = (admin: Connection) =>
  admin.query(
    `SELECT pid FROM pg_stat_activity
      WHERE wait_event = 'SyncRep' AND application_name = 'replication-lab-write'`,
  );

/** Makes commits wait for a standby of this name; returns once they do, which the checkpointer decides and not we. */
async function demandStandby(lab: ClientCluster, admin: Connection, name: string): Promise<void> {
  await admin.query(`ALTER SYSTEM SET synchronous_standby_names = '${name}'`);
  await admin.query('SELECT pg_reload_conf()');
  if (name === '') return;
  const commitWaits = async (): Promise<boolean> => {
    const trial = await lab.cluster.admin('db-1');
    try {
      await trial.query("SELECT pg_logical_emit_message(true, 'p', '')", [], { timeoutMs: 200 });
      return false;
    } catch {
      return true;
    } finally {
      trial.destroy();
    }
  };
  expect(await waitFor(commitWaits, { timeoutMs: 5000, everyMs: 10 })).toBe(true);
}

async function insertPosition(admin: Connection): Promise<number> {
  const { rows } = await admin.query("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint AS at");
  return Number(rows[0]?.at);
}

/** Writes messages that nobody reads into the log until its next record begins at `offset` of a page. */
async function fillLogTo(admin: Connection, offset: number): Promise<void> {
  const MESSAGE = 56; // the room that an empty message takes; a page's header takes 24
  for (let i = 0; i < 20; i += 1) {
    const at = (await insertPosition(admin)) % PAGE;
    if (at === offset) return;
    const gap = at < offset ? offset - at : PAGE - at + offset - 24;
    const size = gap > MESSAGE ? gap - MESSAGE : 1000;
    await admin.query("SELECT pg_logical_emit_message(false, 'p', repeat('x', $1::int))", [size]);
  }
}
