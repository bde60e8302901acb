import { escapeLiteral } from 'pg';
import type { Connection, SqlValue } from '../types.ts';

/** ALTER SYSTEM and reload; works in recovery too. In one round trip, since clients may wait for it: all that can be set is set. */
export async function set(connection: Connection, settings: Readonly<Record<string, string>>): Promise<void> {
  const statements = Object.entries(settings).map(
    ([name, value]) => `ALTER SYSTEM SET ${name} = ${escapeLiteral(value)}`,
  );
  const sent = [...statements, 'SELECT pg_reload_conf()'].map((sql) => connection.query(sql));
  for (const outcome of await Promise.allSettled(sent))
    if (outcome.status === 'rejected') throw outcome.reason;
}

/** The only value of the only row. */
export async function ask(
  connection: Connection,
  sql: string,
  params: readonly SqlValue[] = [],
): Promise<unknown> {
  const [row] = (await connection.query(sql, params)).rows;
  return Object.values(row ?? {})[0];
}
