import { EngineError, type EngineName } from '@replication-lab/engines';
import { availableEngines, type Cluster, startCluster } from '@replication-lab/engines/testing';
import { DrizzleQueryError, eq, sql } from 'drizzle-orm';
import * as my from 'drizzle-orm/mysql-core';
import { drizzle as drizzleMysql } from 'drizzle-orm/mysql2';
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres';
import * as pg from 'drizzle-orm/pg-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { mysqlPool, type PoolOptions, pgPool } from '../src/adapters/index.ts';
import type { Router, RouterSession } from '../src/index.ts';
import { decisionsOf, delayReplicas, healthy, newEmail, nothingBorrowed } from './adapters-support.ts';
import { routerFor } from './support.ts';

const { engines, notRun } = await availableEngines();

const pgUsers = pg.pgTable('users', {
  id: pg.bigint({ mode: 'number' }).generatedByDefaultAsIdentity().primaryKey(),
  name: pg.varchar({ length: 200 }).notNull(),
  email: pg.varchar({ length: 254 }).notNull(),
  version: pg.integer().notNull().default(1),
  createdAt: pg.timestamp('created_at', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
});
const myUsers = my.mysqlTable('users', {
  id: my.bigint({ mode: 'number' }).autoincrement().primaryKey(),
  name: my.varchar({ length: 200 }).notNull(),
  email: my.varchar({ length: 254 }).notNull(),
  version: my.int().notNull().default(1),
  createdAt: my.datetime('created_at', { fsp: 3 }).notNull().default(sql`current_timestamp(3)`),
});

const pgOver = (on: Router | RouterSession, options?: PoolOptions) =>
  drizzlePg({ client: pgPool(on, options), schema: { users: pgUsers } });
const mysqlOver = (on: Router | RouterSession, options?: PoolOptions) =>
  drizzleMysql({ client: mysqlPool(on, options), schema: { users: myUsers }, mode: 'default' });

for (const { engine, reason } of notRun) test.skip(`NOT RUN: ${engine}: ${reason}`);

describe.each(engines)('Drizzle over the router: %s', (engine: EngineName) => {
  let cluster: Cluster;
  let router: Router;

  beforeAll(async () => {
    cluster = await startCluster(engine, { subnet: '127.0.48' });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    router = routerFor(cluster, { pool: { write: 20, read: 20, queueLimit: 500 } });
    await router.ready();
    await healthy(router);
  });
  afterEach(() => router?.close());

  /** The same calls of both dialects, whose types have nothing in common. */
  function over(on: Router | RouterSession, options?: PoolOptions) {
    if (engine === 'postgres') return { db: pgOver(on, options), users: pgUsers };
    const other: unknown = { db: mysqlOver(on, options), users: myUsers };
    return other as { db: ReturnType<typeof pgOver>; users: typeof pgUsers };
  }
  const byEmail = (email: string, { db, users } = over(router)) =>
    db.select().from(users).where(eq(users.email, email));
  const insert = (email: string, { db, users } = over(router)) =>
    db.insert(users).values({ name: 'drizzle', email });
  const onPrimary = (email: string) => byEmail(email, over(router, { level: 'primary' }));

  test("reads go to a replica, writes to the primary, and their results are the driver's", async () => {
    const seen = decisionsOf(router);
    const email = newEmail();
    expect(await byEmail(email)).toEqual([]);
    const written: unknown = await insert(email);
    expect(seen.map((decision) => decision.split(' ')[0])).toEqual(['replica', 'primary']);
    expect(written).toMatchObject(
      engine === 'postgres'
        ? { rowCount: 1, command: 'INSERT' }
        : [{ affectedRows: 1, insertId: expect.any(Number) }, []],
    );
    const [row] = await onPrimary(email);
    expect(row).toMatchObject({ name: 'drizzle', email, version: 1 });
    const { rows } = await router.read(`select created_at from users where id = ${row!.id}`, [], {
      level: 'primary',
    });
    expect(row!.createdAt).toEqual(rows[0]?.created_at);
    const { db, users } = over(router);
    const changed: unknown = await db.update(users).set({ version: 1 }).where(eq(users.email, email));
    expect(changed).toMatchObject(
      engine === 'postgres' ? { rowCount: 1 } : [{ affectedRows: 1, changedRows: 0 }, []],
    );
  });

  test('a generated key comes back', async () => {
    const email = newEmail();
    const [first] =
      engine === 'postgres'
        ? await pgOver(router).insert(pgUsers).values({ name: 'key', email }).returning({ id: pgUsers.id })
        : await mysqlOver(router).insert(myUsers).values({ name: 'key', email }).$returningId();
    expect((await onPrimary(email))[0]?.id).toBe(first?.id);
  });

  test('columns of one name in a join all survive', async () => {
    const [left, right] = [newEmail(), newEmail()];
    await insert(left);
    await insert(right);
    const { db, users } = over(router, { level: 'primary' });
    const other = (engine === 'postgres'
      ? pg.alias(pgUsers, 'other')
      : my.alias(myUsers, 'other')) as unknown as typeof users;
    const [row] = await db
      .select()
      .from(users)
      .innerJoin(other, eq(other.email, right))
      .where(eq(users.email, left));
    expect(row).toMatchObject({ users: { email: left }, other: { email: right } });
    expect(row?.users.id).not.toBe((row as unknown as { other: { id: number } }).other.id);
    expect(await db.query.users.findFirst({ where: eq(users.email, left) })).toMatchObject({ email: left });
    expect(await db.$count(users, eq(users.email, right))).toBe(1);
  });

  test('a session reads its own writes, however far behind the replicas are', async () => {
    await delayReplicas(cluster, 10);
    try {
      const email = newEmail();
      await router.session().run(async () => {
        await insert(email);
        expect(await byEmail(email)).toHaveLength(1);
      });
      expect(await byEmail(email, over(router, { level: 'eventual' }))).toEqual([]);
    } finally {
      await delayReplicas(cluster, 0);
    }
  });

  test('transactions, and one inside another', async () => {
    const [kept, undone, lost] = [newEmail(), newEmail(), newEmail()];
    const { db, users } = over(router);
    await db.transaction(async (tx) => {
      await tx.insert(users).values({ name: 'drizzle', email: kept });
      await tx
        .transaction(async (inner) => {
          await inner.insert(users).values({ name: 'drizzle', email: undone });
          inner.rollback();
        })
        .catch(() => {});
      expect(await tx.select().from(users).where(eq(users.email, undone))).toEqual([]);
      expect(await tx.select().from(users).where(eq(users.email, kept))).toHaveLength(1);
    });
    const thrown = new Error('changed my mind');
    const failed = db.transaction(async (tx) => {
      await tx.insert(users).values({ name: 'drizzle', email: lost });
      throw thrown;
    });
    await expect(failed).rejects.toBe(thrown);
    expect(await onPrimary(kept)).toHaveLength(1);
    for (const email of [undone, lost]) expect(await onPrimary(email)).toEqual([]);
    await nothingBorrowed(router);
  });

  test('a read only transaction runs on a replica and cannot write', async () => {
    const seen = decisionsOf(router);
    const { db, users } = over(router);
    const rows = await db.transaction((tx) => tx.select().from(users).limit(1), { accessMode: 'read only' });
    expect(rows.length).toBeLessThan(2);
    expect(seen).toEqual([expect.stringMatching(/^replica /)]);
    const writing = db.transaction((tx) => tx.insert(users).values({ name: 'x', email: newEmail() }), {
      accessMode: 'read only',
    });
    await expect(writing).rejects.toMatchObject({
      cause: { cause: { code: expect.stringMatching(/^(?:read-only|access-denied)$/) } },
    });
    await nothingBorrowed(router);
  });

  test("a refused statement fails as with the driver, inside Drizzle's own error", async () => {
    const email = newEmail();
    await insert(email);
    const error = await insert(email).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DrizzleQueryError);
    const { cause } = error as DrizzleQueryError;
    expect(cause).toMatchObject({ code: engine === 'postgres' ? '23505' : 'ER_DUP_ENTRY' });
    expect(cause?.cause).toBeInstanceOf(EngineError);
    const { db, users } = over(router);
    const inside = db.transaction((tx) => tx.insert(users).values({ name: 'drizzle', email }));
    await expect(inside).rejects.toMatchObject({ cause: { cause: { code: 'unique-violation' } } });
    await nothingBorrowed(router);
  });

  test('100 requests at once, each in its session and its transaction', async () => {
    const found = await Promise.all(
      Array.from({ length: 100 }, () =>
        router.session().run(async () => {
          const email = newEmail();
          const { db, users } = over(router);
          await db.transaction((tx) => tx.insert(users).values({ name: 'drizzle', email }));
          return (await byEmail(email)).length;
        }),
      ),
    );
    expect(found).toEqual(Array.from({ length: 100 }, () => 1));
    await nothingBorrowed(router);
  });

  if (engine !== 'postgres') {
    test('a stream is refused in words', async () => {
      const iterator = await mysqlOver(router).select().from(myUsers).prepare().iterator();
      await expect(iterator.next()).rejects.toThrow(/read in pages/);
    });
  }
});
