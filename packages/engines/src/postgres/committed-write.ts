import { driverQuery, type Named, parseOnce, type Wire } from './driver-query.ts';

const BEGIN: Named = { name: 'lab_begin', text: 'BEGIN' };
const COMMIT: Named = { name: 'lab_commit', text: 'COMMIT' };

/** How far the server has come, whatever became of the rest. */
export interface Course {
  /** How many of the four it has answered: BEGIN, the query, COMMIT, the question. */
  answered: number;
  /** True once it has come to the end. What fails then is the reading of the query's rows. */
  ended: boolean;
  /** True once it has said that the transaction is committed. */
  committed: boolean;
  /** What it answered to the question; null when it did not. */
  row: readonly (string | null)[] | null;
  /** What went wrong behind the commit, or null. */
  lost: unknown;
}

export const newCourse = (): Course => ({
  answered: 0,
  ended: false,
  committed: false,
  row: null,
  lost: null,
});

/** What has to be prepared on a session before its first `committedWrite` with that question. */
export const preparedFor = (question: Named): readonly Named[] => [BEGIN, COMMIT, question];

/** Makes of `query` one that only has its text prepared. Null as for `committedWrite`. */
export function preparation<Q extends object>(query: Q, { name }: Named): Q | null {
  const like = driverQuery(query);
  if (!like) return null;
  Object.assign(like, { name, queryMode: 'extended' });
  like.prepare = (connection) => {
    parseOnce(like, connection);
    connection.sync();
  };
  return query;
}

/**
 * Makes of `query` BEGIN, the query, COMMIT and a question that is answered after the commit, with one Sync at the end.
 * At each Sync the server sends what it has to say, so two autocommitted statements are two packets to send, to receive and
 * to wake up for, and two transactions. That costs more than to name the ends of one.
 *
 * The query succeeds when the commit does: what failed behind it is in `course.lost`. A statement that fails
 * leaves its transaction open (one was answered), for the caller to roll back. The text is one statement, or the
 * server refuses it.
 *
 * Null where a value is not text, bytes, number, truth or null, or the driver is built otherwise than we think; then
 * write in the usual way.
 */
export function committedWrite<Q extends object>(query: Q, question: Named, course: Course): Q | null {
  const like = driverQuery(query);
  const values = sendable(like?.values ?? []);
  if (!like || !values) return null;
  const { handleDataRow, handleCommandComplete, handleError, handleReadyForQuery } = like;
  like.prepare = (connection) => {
    execute(connection, BEGIN);
    parseOnce(like, connection);
    connection.bind({ statement: like.name, values });
    connection.describe({ type: 'P', name: '' });
    connection.execute();
    execute(connection, COMMIT);
    execute(connection, question);
    connection.sync();
  };
  like.handleDataRow = (message) => {
    if (course.answered === 1) handleDataRow.call(like, message);
    if (course.answered === 3) course.row = message.fields;
  };
  like.handleCommandComplete = (message, connection) => {
    course.answered += 1;
    if (course.answered === 2) handleCommandComplete.call(like, message, connection);
    // A transaction that has failed is ended by COMMIT too, and the server calls that ROLLBACK.
    if (course.answered === 3) course.committed = message.text === 'COMMIT';
  };
  like.handleError = (error, connection) => {
    if (!course.committed || course.ended) return handleError.call(like, error, connection);
    course.lost = error;
    like.handleReadyForQuery(connection);
  };
  like.handleReadyForQuery = (connection) => {
    course.ended = true;
    handleReadyForQuery.call(like, connection);
  };
  return query;
}

/** Text or bytes, or null. */
type Sendable = string | Buffer | null;

/** As the driver sends them; null where it has to look into one, which may throw in the midst of what is being sent. */
function sendable(values: readonly unknown[]): Sendable[] | null {
  const texts = values.map((value) =>
    typeof value === 'number' || typeof value === 'boolean' ? String(value) : value,
  );
  const isSendable = (value: unknown) =>
    value === null || typeof value === 'string' || Buffer.isBuffer(value);
  return texts.every(isSendable) ? (texts as Sendable[]) : null;
}

function execute(connection: Wire, { name }: Named): void {
  connection.bind({ statement: name, values: [] });
  connection.execute();
}
