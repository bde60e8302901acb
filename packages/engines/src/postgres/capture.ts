import type { Client } from 'pg';
import { toCaptured } from '../session/session.ts';
import { type CapturedPosition, EngineError } from '../types.ts';
import { bareQuery } from './bare-query.ts';
import type { Named } from './driver-query.ts';
import { positionAt } from './positions.ts';
import { isNotOurs, isRefusal } from './prepared-names.ts';
import { FIRST_FLUSHED, FLUSHED } from './session-sql.ts';
import type { Statements } from './statements.ts';
import { cancelledWait } from './wire.ts';

export const NOTHING: CapturedPosition = { kind: 'none' };

/** Waits for a standby's confirmation were cancelled: the commit is done here and perhaps nowhere else. */
const CANCELLED_SYNC_WAIT = 'SyncRepWaitForLSN';

type Row = readonly (string | null)[] | null;

/** Where the writes of one session were committed, and whether what makes them safe was left alone. */
export class Capture {
  /** `synchronous_commit`, as this session is pinned to it. */
  syncLevel = 'on';
  readonly #statements: Statements;
  #timeline: number | null = null;
  #cancelledWait = false;
  #tampered = false;

  constructor(driver: Client, statements: Statements) {
    this.#statements = statements;
    driver.on('notice', (notice) => {
      if (notice.routine === CANCELLED_SYNC_WAIT) this.#cancelledWait = true;
    });
  }

  /** Somebody has changed this session's settings or statements: it is not lent again. */
  get tampered(): boolean {
    return this.#tampered;
  }

  /** The question that goes behind a commit. The first one asks for the timeline too. */
  get question(): Named {
    return this.#timeline === null ? FIRST_FLUSHED : FLUSHED;
  }

  /** Before a commit is sent: what was heard of the one before is over. */
  begin(): void {
    this.#cancelledWait = false;
  }

  /** Throws EngineError `outcome-unknown` when the commit's wait for a standby was cancelled. */
  checkSyncWait(): void {
    if (this.#cancelledWait) throw cancelledWait();
  }

  /** Sends the question; `done` hears an error, or the position. */
  ask(done: (error: unknown, position: CapturedPosition | null) => void): void {
    const question = this.question;
    const answer: { row: Row } = { row: null };
    const finish = (error: unknown): void => {
      if (error) this.noticeLoss(error);
      const position = error ? null : this.read(answer.row);
      if (position === null) done(error ?? new EngineError('other', 'the server answered no position'), null);
      else done(null, position);
    };
    const statements = this.#statements;
    const bare = bareQuery(statements.query(question.name, question.text, [], {}, finish), question, answer);
    if (bare) {
      statements.send(bare);
      return;
    }
    statements.start(question.name, question.text, [], { rowMode: 'array' }, (error, result) => {
      answer.row = error ? null : ((result.rows as unknown[][])[0]?.map(String) ?? null);
      finish(error);
    });
  }

  /** The same as a promise. */
  flushed(): Promise<CapturedPosition> {
    return new Promise((resolve, reject) => {
      this.ask((error, position) => (position === null ? reject(error) : resolve(position)));
    });
  }

  /** What the question was answered. Null: no position. */
  read(row: Row): CapturedPosition | null {
    const [lsn, level, first] = row ?? [];
    if (!lsn || !level) return null;
    this.#timeline ??= Number(first);
    const timeline = this.#timeline;
    // Both are pinned: one makes a commit wait for its replica, the other lets us hear that a wait was cancelled.
    if (level === `${this.syncLevel}/warning`) return toCaptured(() => positionAt(timeline, lsn));
    // Somebody found a way past the guard (set_config in a query).
    this.#tampered = true;
    return {
      kind: 'unknown',
      why: `synchronous_commit or client_min_messages was changed on the way (${level})`,
    };
  }

  /** Somebody has dropped a statement of ours (a function can, with EXECUTE), or the connection is ending. */
  noticeLoss(error: unknown): void {
    if (!isRefusal(error) || isNotOurs((error as { code?: string }).code)) this.spoil();
  }

  /** The session is in a state that we do not know. */
  spoil(): void {
    this.#tampered = true;
  }
}
