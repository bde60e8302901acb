import { escapeLiteral } from 'pg';
import type { Connection, SqlValue } from '../types.ts';

/** ALTER SYSTEM and reload; works in recovery too. */
export async function set(connection: Connection, settings: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, value] of Object.entries(settings)) {
    await connection.query(`ALTER SYSTEM SET ${name} = ${escapeLiteral(value)}`);
  }
  await connection.query('SELECT pg_reload_conf()');
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
