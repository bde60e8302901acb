// Kysely over the router. On MySQL and MariaDB: new MysqlDialect({ pool: mysqlPool(router) }).
import type { Router } from '@replication-lab/router';
import { pgPool } from '@replication-lab/router/pools';
import { type Generated, Kysely, PostgresDialect } from 'kysely';
import { routerFromEnv } from './database.ts';

interface Database {
  users: { id: Generated<number>; name: string; email: string; version: Generated<number> };
}

export const kyselyOver = (router: Router) =>
  new Kysely<Database>({ dialect: new PostgresDialect({ pool: pgPool(router) }) });

/** What a request handler does. In Express, session.run(next) in a middleware does for all of them: see express-pg.ts. */
export async function signUp(
  router: Router,
  db: Kysely<Database>,
  name: string,
  email: string,
  token?: string,
) {
  const session = router.session(token);
  const user = await session.run(async () => {
    // A transaction: on the primary, all or nothing.
    const { id } = await db.transaction().execute(async (trx) => {
      const added = await trx
        .insertInto('users')
        .values({ name, email })
        .returning('id')
        .executeTakeFirstOrThrow();
      await trx.updateTable('users').set({ version: 2 }).where('id', '=', added.id).execute();
      return added;
    });
    // A read: on a replica that holds what this session has written, else on the primary.
    return await db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  });
  return { user, token: session.token };
}

/** Several reads of one moment, on a replica. */
export const census = (db: Kysely<Database>) =>
  db
    .transaction()
    .setAccessMode('read only')
    .execute(async (trx) => {
      const count = trx.selectFrom('users').select((eb) => eb.fn.countAll<number>().as('users'));
      return await count.executeTakeFirstOrThrow();
    });

if (import.meta.main) {
  await using router = routerFromEnv('postgres');
  await router.ready();
  const db = kyselyOver(router);
  console.log(await signUp(router, db, 'Ada', `ada-${Date.now()}@example.test`), await census(db));
}
