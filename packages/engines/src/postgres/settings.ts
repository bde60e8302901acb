import { escapeLiteral } from 'pg';
import type { Connection, SqlValue } from '../types.ts';

/** ALTER SYSTEM and reload; works in recovery too. */
export async function set(connection: Connection, settings: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, value] of Object.entries(settings)) {
    await connection.query(`ALTER SYSTEM SET ${name} = ${escapeLiteral(value)}`);
  }
  await connection.query('SELECT pg_reload_conf()');
}

/** Those that are not in force yet: each that is written costs a round trip, and clients wait for it. */
export async function missing(
  connection: Connection,
  settings: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const names = Object.keys(settings);
  const columns = names.map((name) => `current_setting('${name}') AS ${name}`);
  const [row] = (await connection.query(`SELECT ${columns.join(', ')}`)).rows;
  return Object.fromEntries(Object.entries(settings).filter(([name, value]) => row?.[name] !== value));
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
