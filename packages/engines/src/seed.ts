import { FIRST_NAMES, LAST_NAMES } from './seed-names.ts';
import type { Connection, EngineName } from './types.ts';

const ROWS_PER_INSERT = 1000;

export interface SeedOptions {
  /** How many users there should be, numbered from 1. */
  readonly count: number;
  /** Another seed gives other names. */
  readonly seed?: number;
}

/** The i-th seeded user, from 1: always the same for the same seed. */
export function seedUser(i: number, seed = 1): { name: string; email: string } {
  const hash = mix(i ^ Math.imul(seed, 0x9e3779b1));
  const first = FIRST_NAMES[hash & 63];
  const last = LAST_NAMES[(hash >>> 6) & 63];
  return { name: `${first} ${last} ${i}`, email: `user${i}@example.test` };
}

/** Spreads neighbouring numbers over all 32 bits (the finaliser of MurmurHash3, public domain). */
function mix(n: number): number {
  let h = n | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * Makes sure that the users 1 to `count` are there, and returns how many it added. On the primary, as administrator, in
 * the lab's database. Users that are there stay as they are. Stops between two inserts when `signal` says so.
 */
export async function seedUsers(
  engine: EngineName,
  connection: Connection,
  { count, seed = 1 }: SeedOptions,
  progress: (message: string) => void,
  signal: AbortSignal,
): Promise<number> {
  let added = 0;
  for (let from = 1; from <= count; from += ROWS_PER_INSERT) {
    signal.throwIfAborted();
    const to = Math.min(count, from + ROWS_PER_INSERT - 1);
    if ((await present(engine, connection, from, to)) === to - from + 1) continue;
    added += await insert(engine, connection, from, to, seed);
    progress(`seeded ${to} of ${count} users`);
  }
  if (added > 0 && engine === 'postgres') await tidyUp(connection);
  return added;
}

/** What PostgreSQL would otherwise do on its own a minute later, in the middle of whoever measures then. */
async function tidyUp(connection: Connection): Promise<void> {
  await connection.query('VACUUM (ANALYZE) users');
  await connection.query('CHECKPOINT');
}

/** Asked first, so that a repeat writes nothing at all: an ignored duplicate would still use up an id. */
async function present(
  engine: EngineName,
  connection: Connection,
  from: number,
  to: number,
): Promise<number> {
  const emails = range(from, to).map((i) => seedUser(i).email);
  const { rows } =
    engine === 'postgres'
      ? await connection.query(
          'SELECT count(*) AS found FROM users WHERE email IN (SELECT json_array_elements_text($1::json))',
          [JSON.stringify(emails)],
        )
      : await connection.query(
          `SELECT count(*) AS found FROM users WHERE email IN (${emails.map(() => '?').join(', ')})`,
          emails,
        );
  return Number(rows[0]?.found);
}

async function insert(
  engine: EngineName,
  connection: Connection,
  from: number,
  to: number,
  seed: number,
): Promise<number> {
  const users = range(from, to).map((i) => seedUser(i, seed));
  const { affectedRows } =
    engine === 'postgres'
      ? // One parameter instead of two thousand: PostgreSQL plans every one of them.
        await connection.query(
          `INSERT INTO users (name, email)
           SELECT name, email FROM json_to_recordset($1::json) AS seeded (name text, email text)
           ON CONFLICT (email) DO NOTHING`,
          [JSON.stringify(users)],
        )
      : await connection.query(
          `INSERT IGNORE INTO users (name, email) VALUES ${users.map(() => '(?, ?)').join(', ')}`,
          users.flatMap(({ name, email }) => [name, email]),
        );
  return affectedRows;
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);
