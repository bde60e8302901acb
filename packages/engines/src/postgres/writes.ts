import type { QueryResult } from 'pg';
import type { WriteAnswer } from '../session/session.ts';
import { type CapturedPosition, EngineError, type RowForm, type SqlValue } from '../types.ts';
import { type Capture, NOTHING } from './capture.ts';
import { type Course, committedWrite, newCourse, preparation, preparedFor } from './committed-write.ts';
import { onExecuted } from './driver-query.ts';
import { isNotOurs, isRefusal } from './prepared-names.ts';
import { FIRST_FLUSHED, FLUSHED } from './session-sql.ts';
import type { Done, Statements } from './statements.ts';
import { toResult } from './wire.ts';

/** Only what is plainly one INSERT, UPDATE, DELETE or MERGE: behind WITH or SELECT anything may have been written. */
const PLAIN_WRITE = /^\s*(?:insert|update|delete|merge)\b/i;

interface Call {
  /** By which the text is prepared, if it is. */
  readonly name: string | undefined;
  readonly sql: string;
  readonly params: readonly SqlValue[];
  readonly form: RowForm;
  readonly isPlain: boolean;
  readonly done: WriteAnswer;
}

/** Autocommitted statements of one session, each with the position at which it was committed, in one round trip. */
export class Writes {
  readonly #statements: Statements;
  readonly #capture: Capture;
  readonly #cork: (send: () => void) => void;
  #isPrepared = false;

  /** `cork`: what is sent within it leaves as one packet. */
  constructor(statements: Statements, capture: Capture, cork: (send: () => void) => void) {
    this.#statements = statements;
    this.#capture = capture;
    this.#cork = cork;
  }

  /** Has prepared what plain writes need, so that they travel as one packet each way. Travels behind what was sent before. */
  prepare(): Promise<void> {
    const all = preparedFor(FLUSHED).map(
      (statement) =>
        new Promise<boolean>((resolve) => {
          const { name, text } = statement;
          const query = this.#statements.query(name, text, [], {}, (error) => resolve(!error));
          const prepared = preparation(query, statement);
          if (prepared) this.#statements.send(prepared);
          else resolve(false);
        }),
    );
    return Promise.all(all).then((prepared) => {
      this.#isPrepared = prepared.every(Boolean);
    });
  }

  /**
   * See `Session.write`. A plain write is prepared as a read is. One that the server refuses as stale was refused: nothing
   * of it was done, so it may be sent anew.
   */
  write(sql: string, params: readonly SqlValue[], form: RowForm, done: WriteAnswer): void {
    this.#capture.begin();
    const isPlain = PLAIN_WRITE.test(sql);
    const name = isPlain && this.#isPrepared ? this.#statements.names.nameOf(sql) : undefined;
    const call = { name, sql, params, form, isPlain, done };
    // The first write of a session asks for more than the question that is prepared.
    if (isPlain && this.#isPrepared && this.#capture.question !== FIRST_FLUSHED) this.#writeInOnePacket(call);
    else this.#writeAndAsk(call);
  }

  /** The question for the position travels behind the write and is answered after its commit. */
  #writeAndAsk(call: Call): void {
    const { name, sql, params, form, done } = call;
    let failure: unknown = null;
    let answer: QueryResult | null = null;
    let isExecuted = false;
    const hear: Done = (error, written) => {
      if (error) failure = error;
      else if (failure === null) answer = written; // of a value that cannot be sent the driver says both
    };
    this.#cork(() => {
      try {
        const query = this.#statements.query(name, sql, params, form, hear);
        onExecuted(query, () => (isExecuted = true));
        this.#statements.send(query);
      } catch (error) {
        failure = unsendable(error);
      }
      // Questions are answered in their order, and those of a connection that ends fail in it.
      this.#capture.ask((why, flushed) => {
        if (answer !== null) this.#committed(call, answer, flushed ?? { kind: 'unknown', why: String(why) });
        else if (this.#statements.isStale(name, sql, failure)) this.write(sql, params, form, done);
        else if (isRefusal(failure) || flushed === null) done(failure, null);
        else done(isExecuted ? unreadable(failure) : unsendable(failure), null);
      });
    });
  }

  #writeInOnePacket(call: Call): void {
    const { name, sql, params, form, done } = call;
    const course = newCourse();
    try {
      const query = this.#statements.query(name, sql, params, form, (error, answer) => {
        if (!course.committed) this.#rolledBack(call, course, error);
        else if (error) done(unreadable(error), null);
        else this.#committed(call, answer, this.#positionOf(course));
      });
      const whole = committedWrite(query, this.#capture.question, course);
      if (whole) this.#statements.send(whole);
      else this.#writeAndAsk(call);
    } catch (error) {
      this.#capture.spoil(); // nobody knows how much of it was sent, but the COMMIT comes last
      process.nextTick(done, unsendable(error), null);
    }
  }

  #positionOf({ row, lost }: Course): CapturedPosition {
    if (lost) this.#capture.noticeLoss(lost);
    return (
      this.#capture.read(row) ?? { kind: 'unknown', why: String(lost ?? 'the server answered no position') }
    );
  }

  /** Whatever of it the server has not begun it skips, so the transaction may be open still. */
  #rolledBack(call: Call, course: Course, failure: unknown): void {
    const { name, sql, params, form, done } = call;
    const error = failure ?? new EngineError('other', 'the transaction had failed: COMMIT rolled it back');
    const isOpen = course.answered === 1;
    const isLost = !isOpen && isNotOurs((error as { code?: string }).code);
    // Behind a COMMIT that failed there is no transaction to end; an empty query tells what state the session is in.
    this.#statements.start(undefined, isOpen || isLost ? 'ROLLBACK' : '', [], {}, () => {
      if (isLost) {
        // Somebody has dropped the statements around it. Nothing was committed.
        this.#capture.noticeLoss(error);
        this.#isPrepared = false;
        this.#writeAndAsk({ ...call, name: undefined });
      } else if (this.#statements.isStale(name, sql, error)) this.write(sql, params, form, done);
      else done(error, null);
    });
  }

  /** Committed without doubt: what may have failed is only the question where. */
  #committed(
    { name, sql, form, isPlain, done }: Call,
    answer: QueryResult,
    position: CapturedPosition,
  ): void {
    if (isPlain && this.#isPrepared && name === undefined) this.#statements.names.used(sql);
    try {
      this.#capture.checkSyncWait();
    } catch (error) {
      done(error, null);
      return;
    }
    const wroteNothing = isPlain && answer.rowCount === 0;
    done(null, { ...toResult(answer, form), position: wroteNothing ? NOTHING : position });
  }
}

/** A type parser of the caller's has failed. To call that a failed write would invite him to write it again. */
const unreadable = (error: unknown): EngineError =>
  new EngineError('outcome-unknown', `the write is committed, but its rows cannot be read: ${String(error)}`);

const unsendable = (error: unknown): EngineError =>
  error instanceof EngineError
    ? error
    : new EngineError('bad-statement', `a value cannot be sent: ${String(error)}`, { cause: error });
