import { createHash } from 'node:crypto';
import type { Outcome, Row, Transaction } from '@replication-lab/router';
import {
  CONFLICT_ATTEMPTS,
  type Database,
  failedWith,
  onPrimary,
  run,
  statement,
  transact,
} from './database.ts';
import type { CallContext } from './levels.ts';
import { Problem } from './problems.ts';
import { type Sql, sql } from './sql.ts';
import { settledWithin, type Turns } from './turns.ts';

/**
 * Makes a POST safe to repeat. The key is a row, written first in the transaction of the work it protects, and its
 * answer is written last: the row is committed with both, or not at all. So a repeat finds the whole answer, or
 * nothing, or (while the original is under way) a lock, on which it waits with a deadline.
 * Only success is kept: a refused request has changed nothing, and may be right the next time.
 */

/** Reads the `Idempotency-Key` header: 16 to 128 printable ASCII characters. */
export function parseIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined || /^[\x21-\x7e]([\x20-\x7e]{14,126})[\x21-\x7e]$/.test(header)) return header;
  throw new Problem('invalid-idempotency-key', { detail: 'use 16 to 128 printable ASCII characters' });
}

/** What was asked, independent of spaces and of the order of fields: 64 hex digits. */
export const requestHash = (operation: string, fields: readonly string[]): string =>
  createHash('sha256')
    .update(JSON.stringify([operation, ...fields]))
    .digest('hex');

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export interface OnceRequest {
  readonly key: string;
  readonly hash: string;
  /** How long to wait for an original that is still under way. */
  readonly waitMs: number;
}

export type OnceResult = { readonly answer: Answer; readonly replayed: boolean } & Outcome;

/** What idempotent requests of one process share. */
export interface OnceDeps {
  readonly db: Database;
  /** Requests with the same key go one after another, so that repeats do not use up the connections for writing. */
  readonly turns: Turns;
}

/**
 * Does `work` in a transaction, once for all requests with this key, and returns its answer each time.
 * @throws Problem `idempotency-key-reuse` when the key belongs to another body
 * @throws Problem `idempotency-in-progress` when the original is still under way after `waitMs`
 */
export async function answerOnce(
  { db, turns }: OnceDeps,
  request: OnceRequest,
  work: (tx: Transaction) => Promise<Answer>,
  call: CallContext,
): Promise<OnceResult> {
  const startedAt = performance.now();
  const leftMs = (): number =>
    Math.min(request.waitMs - (performance.now() - startedAt), call.remainingMs() - 1);
  const turn = await turns.take(request.key, leftMs());
  if (turn === null) throw new Problem('idempotency-in-progress');
  try {
    return await claimOrFind(db, request, work, call, leftMs);
  } finally {
    turn.end();
  }
}

async function claimOrFind(
  db: Database,
  claim: Claim,
  work: (tx: Transaction) => Promise<Answer>,
  call: CallContext,
  leftMs: () => number,
): Promise<OnceResult> {
  let conflicts = 0;
  while (leftMs() > 0) {
    const progress = { claimed: false };
    try {
      const { value, ...outcome } = await onPrimary(
        db,
        (tx) => claimAndWork(db, tx, { ...claim, waitMs: leftMs(), progress }, work),
        call,
      );
      return { answer: value, replayed: false, ...outcome };
    } catch (error) {
      if (error instanceof ClaimRefused) continue;
      if (failedWith(error, 'deadlock')) {
        conflicts += progress.claimed ? 1 : 0;
        if (conflicts === CONFLICT_ATTEMPTS) throw error;
        continue;
      }
      if (!(error instanceof KeyExists)) throw error;
    }
    const stored = await findAnswer(db, claim, call);
    if (stored !== null) return { ...stored, replayed: true };
    // Gone again: the original was rolled back, or the key was a day old and has been removed.
  }
  throw new Problem('idempotency-in-progress');
}

/** The key's row is committed: its answer can be read. */
class KeyExists extends Error {}
/** Another transaction holds the key and is not done. (Where the engine says so itself, it calls it a deadlock.) */
class ClaimRefused extends Error {}

type Claim = Pick<OnceRequest, 'key' | 'hash'>;
interface Attempt extends OnceRequest {
  readonly progress: { claimed: boolean };
}

async function claimAndWork(
  db: Database,
  tx: Transaction,
  { key, hash, waitMs, progress }: Attempt,
  work: (tx: Transaction) => Promise<Answer>,
): Promise<Answer> {
  if (db.engine.name === 'postgres') await run(db, tx, limitLockWait(waitMs));
  try {
    // MySQL and MariaDB have no such limit for one transaction, so there our own clock ends the wait.
    const claimed = await settledWithin(run(db, tx, insertKey({ key, hash })), waitMs);
    if (!claimed) throw new ClaimRefused();
  } catch (error) {
    throw failedWith(error, 'unique-violation') ? new KeyExists() : error;
  }
  progress.claimed = true;
  const answer = await work(tx);
  await run(db, tx, storeAnswer(key, answer));
  return answer;
}

/** The stored answer, from the primary; null when there is none any more. */
async function findAnswer(
  db: Database,
  { key, hash }: Claim,
  call: CallContext,
): Promise<({ answer: Answer } & Outcome) | null> {
  const { text, params } = statement(db, selectKey(key));
  const { rows, decision, token } = await db.router.read(text, params, {
    level: 'primary',
    token: call.token,
    timeoutMs: call.remainingMs(),
  });
  const [row] = rows;
  if (row === undefined) return null;
  if (Number(row.expired) === 1) {
    await transact(db, (tx) => run(db, tx, deleteExpiredKey(key)), { ...call, token });
    return null;
  }
  if (row.body_hash !== hash) throw new Problem('idempotency-key-reuse');
  return { answer: answerOf(row), decision, token };
}

function answerOf(row: Row): Answer {
  // A committed key without an answer was not written by this service.
  if (row.status === null || row.response === null) throw new Problem('idempotency-in-progress');
  return { status: Number(row.status), body: String(row.response) };
}

/** Keys older than this are forgotten. */
const expiry = sql`current_timestamp(3) - interval '24' hour`;

const insertKey = ({ key, hash }: Claim): Sql => sql`
  insert into idempotency_keys (idempotency_key, body_hash, created_at)
  values (${key}, ${hash}, current_timestamp(3))`;

const storeAnswer = (key: string, { status, body }: Answer): Sql => sql`
  update idempotency_keys set status = ${status}, response = ${body} where idempotency_key = ${key}`;

const selectKey = (key: string): Sql => sql`
  select body_hash, status, response, case when created_at < ${expiry} then 1 else 0 end as expired
  from idempotency_keys where idempotency_key = ${key}`;

const deleteExpiredKey = (key: string): Sql => sql`
  delete from idempotency_keys where idempotency_key = ${key} and created_at < ${expiry}`;

const SWEEP_BATCH = 500;
/** The oldest expired keys, a bounded number: a sweep must not hold locks for long. MySQL wants the inner select twice. */
export const sweepKeys = (): Sql => sql`
  delete from idempotency_keys where idempotency_key in (
    select idempotency_key from (
      select idempotency_key from idempotency_keys
      where created_at < ${expiry} order by created_at limit ${SWEEP_BATCH}
    ) as batch
  )`;

/** How long this transaction waits for another one's lock before the engine refuses. In whole milliseconds, at least 1. */
const limitLockWait = (waitMs: number): Sql => ({
  strings: [`set local lock_timeout = ${Math.max(1, Math.round(waitMs))}`],
  values: [],
});
