import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EngineError, type NodePool } from '../src/index.ts';
import { availableEngines } from '../src/testing/index.ts';
import { waitFor } from '../src/wait-for.ts';
import { ClientCluster, errorOf } from './support/client-cluster.ts';

const { engines } = await availableEngines();

let serial = 0;
const email = (): string => {
  serial += 1;
  return `fault-${process.pid}-${serial}@example.test`;
};

interface Attempt {
  readonly email: string;
  readonly outcome: 'acknowledged' | EngineError;
}

describe.each(engines)('%s: when a server freezes or dies', (engine) => {
  let lab: ClientCluster;
  let primary: NodePool;
  const insertSql = () => lab.sql('INSERT INTO users (name, email) VALUES (?, ?)');

  beforeAll(async () => {
    lab = await ClientCluster.start(engine, { subnet: '127.0.32', nodes: 1 });
    primary = lab.pool('db-1', 'write');
  });
  afterAll(() => lab?.[Symbol.asyncDispose]());

  it('every call to a frozen server ends at its own limit', async () => {
    await primary.write(insertSql(), ['A', email()]);
    await lab.cluster.kill('db-1', 'SIGSTOP');
    try {
      const started = performance.now();
      const outcomes = await Promise.all([
        errorOf(primary.write(insertSql(), ['A', email()], { timeoutMs: 300 })),
        errorOf(lab.pool('db-1', 'read', { connectTimeoutMs: 300 }).read('SELECT 1', [])),
        errorOf(
          lab.pool('db-1', 'read', { connectTimeoutMs: 5000 }).read('SELECT 1', [], { timeoutMs: 300 }),
        ),
        errorOf(
          lab.client.connect(lab.cluster.endpoint('db-1'), lab.cluster.accounts.app, {
            connectTimeoutMs: 300,
          }),
        ),
      ]);
      expect(outcomes.map(({ code }) => code)).toEqual([
        'outcome-unknown',
        'connect-failed',
        'timeout',
        'connect-failed',
      ]);
      expect(performance.now() - started).toBeLessThan(1000);
      const closing = performance.now();
      await primary.close(200);
      expect(performance.now() - closing).toBeLessThan(600);
    } finally {
      await lab.cluster.kill('db-1', 'SIGCONT');
    }
    primary = lab.pool('db-1', 'write');
    expect((await primary.read('SELECT 1 AS one', [])).rows).toEqual([{ one: 1 }]);
  });

  it('killed under load: no acknowledged write is lost, and nothing else is claimed', async () => {
    const attempts: Attempt[] = [];
    let dead = false;
    const writer = async (transactional: boolean): Promise<void> => {
      while (!dead) {
        const address = email();
        const write = transactional
          ? primary.transaction((tx) => tx.query(insertSql(), ['A', address]), { timeoutMs: 5000 })
          : primary.write(insertSql(), ['A', address], { timeoutMs: 5000 });
        const outcome = await write.then(
          () => 'acknowledged' as const,
          (error: EngineError) => error,
        );
        attempts.push({ email: address, outcome });
        if (outcome !== 'acknowledged') return;
      }
    };
    const writers = [writer(false), writer(false), writer(true), writer(true)];
    await waitFor(() => attempts.length > 200, { timeoutMs: 20_000, everyMs: 5 });
    await lab.cluster.kill('db-1');
    dead = true;
    await Promise.all(writers);
    expect(await errorOf(primary.read('SELECT 1', []))).toMatchObject({ code: 'connect-failed' });

    await lab.cluster.start('db-1');
    await lab.cluster.bootstrap();
    const { rows } = await primary.read('SELECT email FROM users', []);
    const present = new Set(rows.map((row) => row.email));
    for (const { email: address, outcome } of attempts) {
      if (outcome === 'acknowledged') expect(present.has(address), `${address} was acknowledged`).toBe(true);
      else expect(outcome, address).toBeInstanceOf(EngineError);
      if (outcome instanceof EngineError && outcome.code !== 'outcome-unknown') {
        expect(['connection-lost', 'connect-failed']).toContain(outcome.code);
        expect(present.has(address), `${address} failed with ${outcome.code}`).toBe(false);
      }
    }
    expect(attempts.some(({ outcome }) => outcome !== 'acknowledged')).toBe(true);
  });

  it('killed inside a transaction, before COMMIT: connection-lost, and nothing is committed', async () => {
    const address = email();
    const broken = primary.transaction(async (tx) => {
      await tx.query(insertSql(), ['A', address]);
      await lab.cluster.kill('db-1');
      await tx.query('SELECT 1');
    });
    expect(await errorOf(broken)).toMatchObject({ code: 'connection-lost' });
    await lab.cluster.start('db-1');
    await lab.cluster.bootstrap();
    const { rows } = await primary.read(lab.sql('SELECT id FROM users WHERE email = ?'), [address]);
    expect(rows).toEqual([]);
  });

  it('a connection that the administrator ends: a waiting read is connection-lost, a waiting write is unknown', async () => {
    await using admin = await lab.cluster.admin('db-1');
    const id = engine === 'postgres' ? 'pg_backend_pid()' : 'CONNECTION_ID()';
    const sleep = engine === 'postgres' ? 'pg_sleep(5)' : 'SLEEP(5)';
    const slowInsert = lab.sql(
      `INSERT INTO users (name, email) SELECT 'Slow', ? FROM (SELECT ${sleep}) AS slow`,
    );
    const pool = lab.pool('db-1', 'write', { size: 1 });
    const end = async (running: Promise<unknown>, connection: unknown) => {
      const failed = errorOf(running);
      await waitFor(() => pool.stats().busy === 1, { timeoutMs: 2000, everyMs: 5 });
      await admin.query(
        engine === 'postgres' ? `SELECT pg_terminate_backend(${connection})` : `KILL ${connection}`,
      );
      return failed;
    };
    const [first] = (await pool.read(`SELECT ${id} AS id`, [])).rows;
    expect(await end(pool.read(`SELECT ${sleep}`, []), first?.id)).toMatchObject({ code: 'connection-lost' });
    const [second] = (await pool.read(`SELECT ${id} AS id`, [])).rows;
    expect(await end(pool.write(slowInsert, [email()]), second?.id)).toMatchObject({
      code: 'outcome-unknown',
    });
  });
});
