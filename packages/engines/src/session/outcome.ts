import { EngineError, type EngineErrorCode } from '../types.ts';
import type { Phase } from './session.ts';

/** Failures after which nobody knows what the server did with the statement that was under way. */
const SILENT: ReadonlySet<EngineErrorCode> = new Set(['connection-lost', 'timeout', 'aborted']);

/**
 * What a failure means for the caller. A write (or COMMIT) that was sent and never answered may have been executed:
 * that is `outcome-unknown`, whether the connection broke or the caller stopped waiting. The same failure of a
 * read, or inside a transaction that was not being committed, changed nothing and keeps its code.
 */
export function judge(error: EngineError, phase: Phase): EngineError {
  if (phase === 'transaction' || phase === 'read-only') return insideTransaction(error, phase);
  const committing = phase === 'write' || phase === 'commit';
  if (!committing || !SILENT.has(error.code)) return error;
  return new EngineError(
    'outcome-unknown',
    `${phase === 'commit' ? 'the COMMIT' : 'the write'} was sent and not answered (${error.message}): it may or may not have happened`,
    { ...(error.endpoint && { endpoint: error.endpoint }), cause: error },
  );
}

/**
 * `overloaded` tells a caller that nothing of his work has begun, so it must not come from its midst. And where nothing can
 * have been written no outcome is unknown, whatever the server says of its COMMIT.
 */
function insideTransaction(error: EngineError, phase: Phase): EngineError {
  const misleads = error.code === 'overloaded' || (phase === 'read-only' && error.code === 'outcome-unknown');
  if (!misleads) return error;
  const { endpoint, message } = error;
  return new EngineError('other', message, { ...(endpoint && { endpoint }), cause: error });
}
