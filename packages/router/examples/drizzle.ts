// Drizzle over the router. On PostgreSQL: drizzle({ client: pgPool(router) }) of drizzle-orm/node-postgres.
import type { Router } from '@replication-lab/router';
import { mysqlPool } from '@replication-lab/router/pools';
import { eq } from 'drizzle-orm';
import { bigint, int, mysqlTable, varchar } from 'drizzle-orm/mysql-core';
import { drizzle, type MySql2Database } from 'drizzle-orm/mysql2';
import { routerFromEnv } from './database.ts';

const users = mysqlTable('users', {
  id: bigint({ mode: 'number' }).autoincrement().primaryKey(),
  name: varchar({ length: 200 }).notNull(),
  email: varchar({ length: 254 }).notNull(),
  version: int().notNull().default(1),
});

export const drizzleOver = (router: Router) => drizzle({ client: mysqlPool(router) });

/** What a request handler does. In Express, session.run(next) in a middleware does for all of them: see express-mysql2.ts. */
export async function signUp(
  router: Router,
  db: MySql2Database,
  name: string,
  email: string,
  token?: string,
) {
  const session = router.session(token);
  const user = await session.run(async () => {
    // A transaction: on the primary, all or nothing.
    const id = await db.transaction(async (tx) => {
      const [added] = await tx.insert(users).values({ name, email }).$returningId();
      await tx.update(users).set({ version: 2 }).where(eq(users.id, added!.id));
      return added!.id;
    });
    // A read: on a replica that holds what this session has written, else on the primary.
    const [found] = await db.select().from(users).where(eq(users.id, id));
    return found;
  });
  return { user, token: session.token };
}

/** Several reads of one moment, on a replica. */
export const census = (db: MySql2Database) =>
  db.transaction(async (tx) => ({ users: await tx.$count(users) }), {
    isolationLevel: 'repeatable read',
    accessMode: 'read only',
  });

if (import.meta.main) {
  await using router = routerFromEnv('mysql');
  await router.ready();
  const db = drizzleOver(router);
  console.log(await signUp(router, db, 'Ada', `ada-${Date.now()}@example.test`), await census(db));
}
