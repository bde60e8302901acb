import { createHash } from 'node:crypto';
import type { EngineName, Row, Transaction } from '@replication-lab/engines';
import type { Outcome } from '@replication-lab/router';
import { type Database, failedWith, run, statement, transact } from './database.ts';
import type { CallContext } from './levels.ts';
import { Problem } from './problems.ts';
import { type Sql, sql } from './sql.ts';

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

/**
 * Does `work` in a transaction, once for all requests with this key, and returns its answer each time.
 * @throws Problem `idempotency-key-reuse` when the key belongs to another body
 * @throws Problem `idempotency-in-progress` when the original is still under way after `waitMs`
 */
export async function answerOnce(
  db: Database,
  { key, hash, waitMs }: OnceRequest,
  work: (tx: Transaction) => Promise<Answer>,
  call: CallContext,
): Promise<OnceResult> {
  const startedAt = performance.now();
  const leftMs = (): number => Math.min(waitMs - (performance.now() - startedAt), call.remainingMs());
  while (leftMs() > 0) {
    try {
      const { value, ...outcome } = await transact(db, claimAndWork(db, { key, hash }, leftMs(), work), call);
      return { answer: value, replayed: false, ...outcome };
    } catch (error) {
      if (error instanceof ClaimRefused) continue;
      if (!(error instanceof KeyExists)) throw error;
    }
    const stored = await findAnswer(db, { key, hash }, call);
    if (stored !== null) return { ...stored, replayed: true };
    // Gone again: the original was rolled back, or the key was a day old and has been removed.
  }
  throw new Problem('idempotency-in-progress');
}

/** The key's row is committed: its answer can be read. */
class KeyExists extends Error {}
/** Another transaction holds the key and is not done, or the engine broke a deadlock between those that wait for it. */
class ClaimRefused extends Error {}

type Claim = Omit<OnceRequest, 'waitMs'>;

const claimAndWork =
  (db: Database, claim: Claim, waitMs: number, work: (tx: Transaction) => Promise<Answer>) =>
  async (tx: Transaction): Promise<Answer> => {
    await run(db, tx, limitLockWait(db.engine.name, waitMs));
    try {
      await run(db, tx, insertKey(claim));
    } catch (error) {
      if (failedWith(error, 'unique-violation')) throw new KeyExists();
      if (failedWith(error, 'deadlock')) throw new ClaimRefused();
      throw error;
    }
    const answer = await work(tx);
    await run(db, tx, storeAnswer(claim.key, answer));
    return answer;
  };

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

export const SWEEP_BATCH = 500;
/** The oldest expired keys, a bounded number: a sweep must not hold locks for long. MySQL wants the inner select twice. */
export const sweepKeys = (): Sql => sql`
  delete from idempotency_keys where idempotency_key in (
    select idempotency_key from (
      select idempotency_key from idempotency_keys
      where created_at < ${expiry} order by created_at limit 500
    ) as batch
  )`;

/**
 * How long this transaction waits for another one's lock before the engine refuses, so that a repeat gives its
 * connection back. MySQL and MariaDB count whole seconds, and keep the value for the connection: harmless, since
 * no statement of this service should wait longer.
 */
function limitLockWait(engine: EngineName, waitMs: number): Sql {
  if (engine === 'postgres') return literal(`set local lock_timeout = ${Math.max(1, Math.round(waitMs))}`);
  return literal(`set session innodb_lock_wait_timeout = ${Math.max(1, Math.round(waitMs / 1000))}`);
}

const literal = (text: string): Sql => ({ strings: [text], values: [] });
