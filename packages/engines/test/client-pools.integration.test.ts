import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NodePool } from '../src/index.ts';
import { availableEngines } from '../src/testing/index.ts';
import { waitFor } from '../src/wait-for.ts';
import { ClientCluster, errorOf } from './support/client-cluster.ts';

const { engines } = await availableEngines();

let serial = 0;
const email = (): string => {
  serial += 1;
  return `pool-${process.pid}-${serial}@example.test`;
};

describe.each(engines)('%s: what a pool does with values, errors and limits', (engine) => {
  let lab: ClientCluster;
  let primary: NodePool;

  const insertSql = () => lab.sql('INSERT INTO users (name, email) VALUES (?, ?)');
  const insert = (pool = primary, address = email()) => pool.write(insertSql(), ['Ada', address]);
  const countSql = () => lab.sql('SELECT COUNT(*) AS n FROM users WHERE email = ?');
  const count = async (pool: NodePool, address: string) =>
    (await pool.read(countSql(), [address])).rows[0]?.n;
  const sleepSql = (seconds: number) =>
    engine === 'postgres' ? `SELECT pg_sleep(${seconds})` : `SELECT SLEEP(${seconds})`;

  beforeAll(async () => {
    lab = await ClientCluster.start(engine, { subnet: '127.0.32', nodes: 1 });
    primary = lab.pool('db-1', 'write');
  });
  afterAll(() => lab?.[Symbol.asyncDispose]());

  describe('values', () => {
    it('times are Dates in UTC, ids are numbers, and numbers can be limits', async () => {
      const before = Date.now();
      const address = email();
      await insert(primary, address);
      const { rows } = await primary.read(
        lab.sql('SELECT id, created_at FROM users WHERE email = ? LIMIT ?'),
        [address, 1],
      );
      expect(rows).toHaveLength(1);
      expect(typeof rows[0]?.id).toBe('number');
      const created = (rows[0]!.created_at as Date).getTime();
      expect(created).toBeGreaterThanOrEqual(before - 1000);
      expect(created).toBeLessThanOrEqual(Date.now() + 1000);
    });

    it('a Date, a bigint, null and text with quotes come back as they were sent', async () => {
      const when = new Date('2026-03-29T01:30:00.123Z'); // in the hour that Europe's clocks leave out
      const big = 9007199254740993n;
      const sql =
        engine === 'postgres'
          ? 'SELECT $1::timestamptz AS at, $2::bigint AS big, $3::text AS nothing, $4::text AS text'
          : 'SELECT CAST(? AS DATETIME(3)) AS at, CAST(? AS SIGNED) AS big, ? AS nothing, ? AS text';
      const { rows } = await primary.read(sql, [when, big, null, "O'Brien \\ \u{1F980}"]);
      expect(rows[0]).toEqual({ at: when, big: big.toString(), nothing: null, text: "O'Brien \\ \u{1F980}" });
    });

    it('more texts than a connection keeps prepared are answered all the same, the first ones again too', async () => {
      const single = lab.pool('db-1', 'read', { size: 1 });
      const ask = async (number: number) => {
        const sql = lab.sql(`SELECT ${number} AS asked, name FROM users WHERE email = ?`);
        // A third time is the first one under a name on PostgreSQL.
        for (let again = 0; again < 4; again++) await single.read(sql, ['nobody@example.test']);
        return single.read(sql, ['nobody@example.test']);
      };
      for (let number = 0; number < 300; number++) expect((await ask(number)).rows).toEqual([]);
      expect((await ask(0)).rows).toEqual([]);
      expect((await ask(299)).rows).toEqual([]);
      expect(single.stats()).toMatchObject({ size: 1, idle: 1 });
    });

    it.each([
      ['undefined', undefined],
      ['a function', () => 1],
    ])('%s is refused before anything is sent, and the connection goes on', async (_, value) => {
      const single = lab.pool('db-1', 'write', { size: 1 });
      const asked = single.read(countSql(), [value as never]);
      if (engine !== 'postgres') expect((await errorOf(asked)).message).toContain('a parameter cannot be');
      else await asked.catch(() => {}); // the driver makes null or text of it
      const address = email();
      await insert(single, address);
      expect(Number(await count(single, address))).toBe(1);
      expect(single.stats()).toMatchObject({ size: 1, idle: 1 });
    });
  });

  describe('errors', () => {
    it('a duplicate names its key', async () => {
      const address = email();
      await insert(primary, address);
      expect(await errorOf(insert(primary, address))).toMatchObject({
        code: 'unique-violation',
        constraint: 'users_email_key',
      });
    });

    it('what no retry mends is bad-statement, what the account may not do is access-denied', async () => {
      expect(await errorOf(primary.read('SELEC 1', []))).toMatchObject({ code: 'bad-statement' });
      expect(await errorOf(primary.read('SELECT * FROM no_such_table_at_all', []))).toMatchObject({
        code: expect.stringMatching(/bad-statement|access-denied/), // MySQL does not say whether it exists
      });
      expect(await errorOf(primary.write('INSERT INTO lab_marker (id) VALUES (77)', []))).toMatchObject({
        code: 'access-denied',
      });
      const wrong = lab.client.connect(lab.cluster.endpoint('db-1'), { user: 'app', password: 'wrong' });
      expect(await errorOf(wrong)).toMatchObject({ code: 'access-denied' });
      const nobody = lab.client.connect(
        { name: 'x', host: '127.0.32.250', port: 1 },
        lab.cluster.accounts.app,
      );
      expect(await errorOf(nobody)).toMatchObject({ code: 'connect-failed' });
    });

    it("two transactions in each other's way: one of them is a deadlock, and nothing of it stays", async () => {
      const [a, b] = [email(), email()];
      await insert(primary, a);
      await insert(primary, b);
      const update = lab.sql('UPDATE users SET version = version + 1 WHERE email = ?');
      let arrived = 0;
      const meet = () => waitFor(() => arrived === 2, { timeoutMs: 5000, everyMs: 2 });
      const crossing = (first: string, second: string) =>
        primary.transaction(async (tx) => {
          await tx.query(update, [first]);
          arrived += 1;
          await meet();
          await tx.query(update, [second]).catch(() => {}); // swallowed: the transaction must fail all the same
        });
      const outcomes = await Promise.allSettled([crossing(a, b), crossing(b, a)]);
      const failures = outcomes.filter((o) => o.status === 'rejected').map((o) => o.reason.code);
      expect(failures).toEqual(['deadlock']);
      const { rows } = await primary.read(lab.sql('SELECT version FROM users WHERE email IN (?, ?)'), [a, b]);
      expect(rows).toEqual([{ version: 2 }, { version: 2 }]);
    });
  });

  describe('bounds', () => {
    it('a full pool with a full queue refuses at once', async () => {
      const small = lab.pool('db-1', 'read', { size: 1, queueLimit: 1, acquireTimeoutMs: 5000 });
      const busy = [small.read(sleepSql(0.3), []), small.read('SELECT 1', [])];
      await waitFor(() => small.stats().busy === 1, { timeoutMs: 2000, everyMs: 5 });
      const started = performance.now();
      expect(await errorOf(small.read('SELECT 1', []))).toMatchObject({ code: 'overloaded' });
      expect(performance.now() - started).toBeLessThan(50);
      await Promise.all(busy);
    });

    it('a read ends at its timeout, its connection is gone, and the pool goes on', async () => {
      const small = lab.pool('db-1', 'read', { size: 1 });
      const connectionId =
        engine === 'postgres' ? 'SELECT pg_backend_pid() AS id' : 'SELECT CONNECTION_ID() AS id';
      const before = (await small.read(connectionId, [])).rows[0]?.id;
      const started = performance.now();
      expect(await errorOf(small.read(sleepSql(3), [], { timeoutMs: 150 }))).toMatchObject({
        code: 'timeout',
      });
      expect(performance.now() - started).toBeLessThan(600);
      expect(small.stats()).toEqual({ size: 0, idle: 0, busy: 0, waiting: 0 });
      const after = (await small.read(connectionId, [])).rows[0]?.id;
      expect(after).not.toBe(before);
    });

    it('an abort ends a call in the same way; a write that was sent has an unknown outcome', async () => {
      const controller = new AbortController();
      const slowRead = errorOf(primary.read(sleepSql(3), [], { signal: controller.signal }));
      const slowInsert = lab.sql(
        `INSERT INTO users (name, email) SELECT 'Slow', ? FROM (${sleepSql(3)}) AS slow`,
      );
      const slowWrite = errorOf(primary.write(slowInsert, [email()], { signal: controller.signal }));
      await waitFor(() => primary.stats().busy === 2, { timeoutMs: 2000, everyMs: 5 });
      setTimeout(() => controller.abort(), 50);
      expect(await slowRead).toMatchObject({ code: 'aborted' });
      expect(await slowWrite).toMatchObject({ code: 'outcome-unknown', cause: { code: 'aborted' } });
      expect(await errorOf(primary.read('SELECT 1', [], { signal: controller.signal }))).toMatchObject({
        code: 'aborted',
      });
    });

    it('a transaction that runs out of time is rolled back, whatever its work does', async () => {
      const address = email();
      const hanging = primary.transaction(
        async (tx) => {
          await tx.query(insertSql(), ['A', address]);
          await new Promise(() => {});
        },
        { timeoutMs: 150 },
      );
      expect(await errorOf(hanging)).toMatchObject({ code: 'timeout' });
      await waitFor(async () => (await primary.read('SELECT 1', [])).rows.length === 1, { timeoutMs: 2000 });
      expect(await count(primary, address)).toBe(0);
    });

    it('close waits for who is busy and refuses who comes later', async () => {
      const pool = lab.pool('db-1', 'read');
      const last = pool.read(sleepSql(0.2), []);
      await waitFor(() => pool.stats().busy === 1, { timeoutMs: 2000, everyMs: 5 });
      const closing = pool.close();
      expect(await errorOf(pool.read('SELECT 1', []))).toMatchObject({ code: 'connect-failed' });
      expect((await last).rows).toHaveLength(1);
      await closing;
      expect(pool.stats()).toEqual({ size: 0, idle: 0, busy: 0, waiting: 0 });
    });
  });

  describe('borrowed sessions', () => {
    it('leave nothing to the next borrower', async () => {
      const single = lab.pool('db-1', 'write', { size: 1 });
      expect(await errorOf(single.write('BEGIN', []))).toMatchObject({ code: 'bad-statement' });
      expect(await errorOf(single.read('SET SESSION x = 1', []))).toMatchObject({ code: 'bad-statement' });
      expect(await errorOf(single.read('SELECT 1; SELECT 2', []))).toMatchObject({ code: 'bad-statement' });
      let escaped: ((sql: string) => Promise<unknown>) | undefined;
      await errorOf(
        single.transaction(async (tx) => {
          escaped = (sql) => tx.query(sql);
          await tx.query(insertSql(), ['A', email()]);
          throw new Error('mine');
        }),
      );
      expect(await errorOf(escaped!('SELECT 1'))).toMatchObject({ code: 'bad-statement' });
      const address = email();
      await insert(single, address); // autocommitted: another connection sees it
      expect(await count(lab.pool('db-1', 'read'), address)).toBe(1);
    });

    it.runIf(engine === 'postgres')(
      'one whose pinned settings were changed behind our back is not lent again',
      async () => {
        const admin = await lab.cluster.admin('db-1');
        await admin.query(`CREATE FUNCTION change(name text, value text) RETURNS text LANGUAGE sql
          AS 'SELECT pg_catalog.set_config(name, value, false)'`);
        const single = lab.pool('db-1', 'write', { size: 1 });
        const pid = async () => (await single.read('SELECT pg_backend_pid() AS id', [])).rows[0]?.id;
        const direct = single.write("SELECT set_config('synchronous_commit', 'off', true)", []);
        await expect(direct).rejects.toMatchObject({ code: 'bad-statement' });
        for (const [name, value] of [
          ['synchronous_commit', 'off'],
          ['client_min_messages', 'error'],
        ] as const) {
          const before = await pid();
          const sneaky = await single.write('SELECT change($1, $2)', [name, value]);
          expect(sneaky.position.kind).toBe('unknown');
          expect(await pid()).not.toBe(before);
        }
        await admin.close();
      },
    );
  });
});
