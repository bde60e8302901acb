import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection, Position } from '@replication-lab/engines';
import type { TableSum } from '../types.ts';
import { lsnOf, positionText } from './wal.ts';

const TRIES = 400;
/** For one table. */
const SUM_MS = 600_000;

const one = async (connection: Connection, sql: string): Promise<unknown> =>
  Object.values((await connection.query(sql)).rows[0] ?? {})[0];

/** Copied with the data, and made once by initdb. */
export const lineage = async (connection: Connection): Promise<string> =>
  String(await one(connection, 'SELECT system_identifier::text FROM pg_control_system()'));

export const clockUs = async (connection: Connection): Promise<number> =>
  Number(await one(connection, 'SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text'));

/** What is written and not flushed yet is no later than some tenths of a second, and nobody was told of it. */
export async function logEnd(connection: Connection): Promise<Position> {
  const { rows } = await connection.query(
    'SELECT pg_current_wal_flush_lsn()::text AS lsn, timeline_id AS timeline FROM pg_control_checkpoint()',
  );
  return positionText(Number(rows[0]?.timeline), lsnOf(`0/${rows[0]?.lsn}` as Position));
}

/**
 * On a standby a commit is visible as soon as it is replayed, so a moment before and after which it has replayed the same is one with
 * a known place. On a primary commits may be written and not visible yet: there the moment must also have nobody in the midst of one.
 */
export async function snapshot(connection: Connection, signal?: AbortSignal): Promise<Position | null> {
  const lsn = async () => {
    const { rows } = await connection.query(
      `SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END::text AS lsn,
              pg_is_in_recovery() AS standby,
              pg_snapshot_xmin(pg_current_snapshot()) = pg_snapshot_xmax(pg_current_snapshot()) AS alone,
              (SELECT timeline_id FROM pg_control_checkpoint()) AS timeline`,
    );
    return rows[0]!;
  };
  for (let i = 0; i < TRIES; i++) {
    signal?.throwIfAborted();
    const before = await lsn();
    await connection.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const during = await lsn();
    const after = await lsn();
    const still = before.lsn === during.lsn && during.lsn === after.lsn;
    if (still && (before.standby === true || (before.alone === true && during.alone === true)))
      return positionText(Number(before.timeline), lsnOf(`0/${before.lsn}` as Position));
    await connection.query('ROLLBACK');
    await sleep(5);
  }
  return null;
}

export async function sums(connection: Connection): Promise<TableSum[]> {
  const { rows } = await connection.query(
    `SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' ORDER BY 1`,
  );
  const found: TableSum[] = [];
  for (const { name } of rows) {
    const sum = await connection.query(
      `SELECT count(*)::text AS rows, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text AS checksum FROM ${name} t`,
      [],
      { timeoutMs: SUM_MS },
    );
    found.push({
      table: String(name),
      rows: Number(sum.rows[0]?.rows),
      checksum: String(sum.rows[0]?.checksum),
    });
  }
  return found;
}
