import { EngineError, type EngineName } from '@replication-lab/engines';
import { availableEngines, type Cluster, startCluster } from '@replication-lab/engines/testing';
import { type Kysely, sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { mysqlPool, pgPool } from '../src/adapters/index.ts';
import { type Router, RouterError } from '../src/index.ts';
import {
  decisionsOf,
  delayReplicas,
  healthy,
  kyselyOver,
  newEmail,
  nothingBorrowed,
  type Tables,
} from './adapters-support.ts';
import { routerFor } from './support.ts';

const { engines, notRun } = await availableEngines();

for (const { engine, reason } of notRun) test.skip(`NOT RUN: ${engine}: ${reason}`);

describe.each(engines)('Kysely over the router: %s', (engine: EngineName) => {
  let cluster: Cluster;
  let router: Router;
  let db: Kysely<Tables>;

  const insert = (email: string, into: Kysely<Tables> = db) =>
    into.insertInto('users').values({ name: 'kysely', email }).executeTakeFirstOrThrow();
  const byEmail = (email: string, from: Kysely<Tables> = db) =>
    from.selectFrom('users').select(['name', 'version']).where('email', '=', email).execute();
  const onPrimary = (email: string) => byEmail(email, kyselyOver(router, engine, { level: 'primary' }));

  beforeAll(async () => {
    cluster = await startCluster(engine, { subnet: '127.0.48' });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    router = routerFor(cluster, { pool: { write: 20, read: 20, queueLimit: 500 } });
    db = kyselyOver(router, engine);
    await router.ready();
    await healthy(router);
  });
  afterEach(async () => {
    await db.destroy();
    await router?.close();
  });

  test('reads go to a replica, everything else to the primary', async () => {
    const seen = decisionsOf(router);
    const email = newEmail();
    await byEmail(email);
    const inserted = await insert(email);
    expect(inserted.numInsertedOrUpdatedRows).toBe(1n);
    expect(inserted.insertId).toEqual(engine === 'postgres' ? undefined : expect.any(BigInt));
    const update = db.updateTable('users').where('email', '=', email);
    expect((await update.set({ version: 2 }).executeTakeFirst()).numUpdatedRows).toBe(1n);
    expect(
      (await db.deleteFrom('users').where('email', '=', 'nobody').executeTakeFirst()).numDeletedRows,
    ).toBe(0n);
    await db.selectFrom('users').select('id').where('email', '=', email).forUpdate().execute();
    expect(seen.map((decision) => decision.split(' ')[0])).toEqual([
      'replica',
      'primary',
      'primary',
      'primary',
      'primary',
    ]);
    expect(await onPrimary(email)).toEqual([{ name: 'kysely', version: 2 }]);
  });

  test('a session reads its own writes, however far behind the replicas are', async () => {
    await delayReplicas(cluster, 10);
    try {
      const email = newEmail();
      const session = router.session();
      await session.run(async () => {
        await insert(email);
        expect(await byEmail(email)).toHaveLength(1);
      });
      expect(await byEmail(email, kyselyOver(router, engine, { level: 'eventual' }))).toEqual([]);
      const elsewhere = router.session(session.token);
      expect(await byEmail(email, kyselyOver(elsewhere, engine))).toHaveLength(1);
    } finally {
      await delayReplicas(cluster, 0);
    }
  });

  test('a transaction is one of the router: all of it or nothing, with savepoints', async () => {
    const [kept, undone, lost] = [newEmail(), newEmail(), newEmail()];
    const seen = decisionsOf(router);
    const trx = await db.startTransaction().execute();
    await insert(kept, trx);
    const saved = await trx.savepoint('before').execute();
    await insert(undone, saved);
    await saved.rollbackToSavepoint('before').execute();
    expect(await byEmail(undone, trx)).toEqual([]);
    expect(await onPrimary(kept)).toEqual([]);
    await trx.commit().execute();
    expect(seen.filter((decision) => decision === 'primary write')).toHaveLength(1);
    expect(await onPrimary(kept)).toHaveLength(1);

    const thrown = new Error('changed my mind');
    const failed = db.transaction().execute(async (tx) => {
      await insert(lost, tx);
      throw thrown;
    });
    await expect(failed).rejects.toBe(thrown);
    for (const email of [undone, lost]) expect(await onPrimary(email)).toEqual([]);
    await nothingBorrowed(router);
  });

  test("inside the router's own transaction every statement belongs to it", async () => {
    const email = newEmail();
    const thrown = new Error('changed my mind');
    const undone = router.transaction(async () => {
      await insert(email);
      expect(await byEmail(email)).toHaveLength(1);
      const nested = db.transaction().execute((tx) => byEmail(email, tx));
      await expect(nested).rejects.toMatchObject({ code: 'nested-transaction' });
      throw thrown;
    });
    await expect(undone).rejects.toBe(thrown);
    expect(await onPrimary(email)).toEqual([]);
  });

  test('a read only transaction runs on a replica and cannot write', async () => {
    const seen = decisionsOf(router);
    const readOnly = db.transaction().setAccessMode('read only');
    expect(await readOnly.execute((tx) => byEmail(newEmail(), tx))).toEqual([]);
    expect(seen).toEqual([expect.stringMatching(/^replica /)]);
    const writing = readOnly.execute((tx) => insert(newEmail(), tx));
    await expect(writing).rejects.toMatchObject({
      cause: { code: expect.stringMatching(/^(?:read-only|access-denied)$/) },
    });
  });

  test('an isolation level is had, or refused', async () => {
    const levelOf = (tx: Kysely<Tables>) =>
      engine === 'postgres'
        ? sql<{ level: string }>`select current_setting('transaction_isolation') as level`.execute(tx)
        : sql<{
            Value: string;
          }>`show variables where variable_name in ('transaction_isolation', 'tx_isolation')`.execute(tx);
    const asked = (level: 'read committed' | 'serializable') =>
      db
        .transaction()
        .setIsolationLevel(level)
        .execute(async (tx) => (await levelOf(tx)).rows[0]);
    if (engine === 'postgres') {
      expect(await asked('serializable')).toEqual({ level: 'serializable' });
    } else {
      expect(await asked('read committed')).toMatchObject({ Value: 'REPEATABLE-READ' });
      await expect(asked('serializable')).rejects.toThrow(/transaction_isolation is "repeatable read"/);
    }
    await nothingBorrowed(router);
  });

  test('many transactions at once keep to themselves', async () => {
    const emails = Array.from({ length: 40 }, newEmail);
    const outcomes = await Promise.allSettled(
      emails.map((email, i) =>
        db.transaction().execute(async (tx) => {
          await insert(email, tx);
          expect(await byEmail(email, tx)).toHaveLength(1);
          if (i % 2 === 1) throw new Error('odd');
        }),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(20);
    const there = await Promise.all(emails.map(onPrimary));
    expect(there.map((rows) => rows.length)).toEqual(emails.map((_, i) => (i % 2 === 0 ? 1 : 0)));
    await nothingBorrowed(router);
  });

  test('a refused statement fails as with the driver, the EngineError is the cause', async () => {
    const email = newEmail();
    await insert(email);
    const code = engine === 'postgres' ? '23505' : 'ER_DUP_ENTRY';
    for (const work of [() => insert(email), () => db.transaction().execute((tx) => insert(email, tx))]) {
      const error = await work().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        code,
        cause: { code: 'unique-violation', constraint: 'users_email_key' },
      });
      expect((error as Error).cause).toBeInstanceOf(EngineError);
    }
    await expect(sql`select nonsense`.execute(db)).rejects.toMatchObject({
      cause: { code: 'bad-statement' },
    });
  });

  test('values go in and come back', async () => {
    const at = new Date('2024-02-03T04:05:06.789Z');
    const bytes = Buffer.from([0, 255]);
    const big = 2n ** 53n + 1n;
    const select =
      engine === 'postgres'
        ? sql`select ${at}::timestamptz as at, ${bytes}::bytea as bytes, ${big}::bigint as big, ${undefined}::text as nothing,
            ${[1, 2]}::int[] as list, ${[at]}::timestamp[] as times, ${{ a: [1] }}::jsonb as doc`
        : sql`select cast(${at} as datetime(3)) as at, cast(${bytes} as binary) as bytes, cast(${big} as signed) as big,
            ${undefined} as nothing`;
    const { rows } = await select.execute(db);
    expect(rows[0]).toEqual({
      at,
      bytes,
      big: String(big),
      nothing: null,
      ...(engine === 'postgres' && { list: [1, 2], times: [expect.any(Date)], doc: { a: [1] } }),
    });
    if (engine !== 'postgres') await expect(sql`select ${[1, 2]}`.execute(db)).rejects.toThrow(/placeholder/);
  });

  test('what cannot be had is refused in words', async () => {
    const stream = db.selectFrom('users').select('id').stream();
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toThrow(
      /read in pages|`cursor` is not present/,
    );
    const cancellable = db.selectFrom('users').select('id').execute({
      signal: new AbortController().signal,
      inflightQueryAbortStrategy: 'cancel query',
    });
    await expect(cancellable).rejects.toThrow(/cannot be cancelled/);
    await expect(sql`lock tables users write`.execute(db)).rejects.toThrow();
    const lock = engine === 'postgres' ? sql`select pg_advisory_lock(1)` : sql`select get_lock('a', 1)`;
    await expect(lock.execute(db)).rejects.toThrow(/belongs to one connection/);
    expect(() => (engine === 'postgres' ? mysqlPool : pgPool)(router)).toThrow(/this router is of/);
    await db.destroy();
    await expect(sql`select 1`.execute(kyselyOver(router, engine))).resolves.toBeDefined();
  });

  test('200 requests at once, each in its session: every one finds what it wrote, and nothing is left over', async () => {
    const found = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        router.session().run(async () => {
          const email = newEmail();
          if (i % 4 === 0) await db.transaction().execute((tx) => insert(email, tx));
          else await insert(email);
          return (await byEmail(email)).length;
        }),
      ),
    );
    expect(found).toEqual(Array.from({ length: 200 }, () => 1));
    await nothingBorrowed(router);
  });

  test('a transaction that its owner forgets ends at the deadline, one that is released rolls back', async () => {
    const [forgotten, released] = [newEmail(), newEmail()];
    const connection = await rawConnection(router, engine, 500);
    const place = engine === 'postgres' ? '$1' : '?';
    const insertSql = `insert into users (name, email) values ('raw', ${place})`;
    await connection.query('begin');
    await connection.query(insertSql, [forgotten]);
    await nothingBorrowed(router);
    await expect(connection.query('commit')).rejects.toMatchObject({ code: 'timeout' });
    await connection.query('rollback');

    const other = await rawConnection(router, engine);
    await other.query('begin');
    await other.query(insertSql, [released]);
    other.release();
    await expect(other.query('select 1')).rejects.toThrow(/released/);
    await nothingBorrowed(router);
    for (const email of [forgotten, released]) expect(await onPrimary(email)).toEqual([]);
  });

  test('a COMMIT whose answer never comes is rejected as outcome-unknown', async () => {
    const email = newEmail();
    const brief = kyselyOver(router, engine, { timeoutMs: 1_500 });
    const trx = await brief.startTransaction().execute();
    await insert(email, trx);
    await cluster.kill('db-1', 'SIGSTOP');
    const error = await trx
      .commit()
      .execute()
      .catch((thrown: unknown) => thrown)
      .finally(() => cluster.kill('db-1', 'SIGCONT'));
    expect(error).toBeInstanceOf(RouterError);
    expect(error).toMatchObject({ code: 'outcome-unknown' });
    await nothingBorrowed(router);
  });
});

function rawConnection(router: Router, engine: EngineName, timeoutMs = 5_000) {
  if (engine === 'postgres') return pgPool(router, { timeoutMs }).connect();
  return mysqlPool(router, { timeoutMs }).promise().getConnection();
}
