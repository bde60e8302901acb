import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome, ReadRequest, Router, Row, SqlResult } from '@replication-lab/router';
import type { RequestedLevel } from './consistency.ts';
import type { Statement } from './sql.ts';

/** What every call of the router needs to know of the request it serves. */
export interface CallContext {
  /** The newest token the client holds. */
  readonly token: string | undefined;
  /** Aborts when the client has gone. For reads only: a write that was sent is never called back. */
  readonly disconnected: AbortSignal;
  /** Milliseconds left for this request, at least 1. */
  remainingMs(): number;
}

export type ReadResult = SqlResult & Outcome;

/** One read at the level asked for; `version` needs the row and has its own recipe below. */
export async function readAtLevel(
  router: Router,
  statement: Statement,
  level: Exclude<RequestedLevel, { kind: 'version' }>,
  call: CallContext,
): Promise<ReadResult> {
  switch (level.kind) {
    case 'delayed':
      // The textbook's fixed wait. It promises nothing: the replica may be further behind than the wait is long.
      await sleep(level.delayMs, undefined, { signal: call.disconnected });
      return read(router, statement, call, { level: 'eventual' });
    case 'bounded':
      return read(router, statement, call, { level: 'bounded', maxStalenessMs: level.maxStalenessMs });
    default:
      return read(router, statement, call, { level: level.kind });
  }
}

/**
 * The textbook's version check: reads any replica, and reads again at the primary when the row is missing
 * there or older than `min`. The result of the primary is final, whatever version it has.
 */
export async function readAtVersion(
  router: Router,
  statement: Statement,
  min: number,
  call: CallContext,
): Promise<ReadResult> {
  const first = await read(router, statement, call, { level: 'eventual' });
  if (versionOf(first.rows[0]) >= min || first.decision.role === 'primary') return first;
  return read(router, statement, { ...call, token: first.token }, { level: 'primary' });
}

const versionOf = (row: Row | undefined): number => (row === undefined ? 0 : Number(row.version));

function read(
  router: Router,
  { text, params }: Statement,
  { token, disconnected, remainingMs }: CallContext,
  level: Pick<ReadRequest, 'level' | 'maxStalenessMs'>,
): Promise<ReadResult> {
  return router.read(text, params, { ...level, token, signal: disconnected, timeoutMs: remainingMs() });
}
