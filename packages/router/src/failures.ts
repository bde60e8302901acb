import { EngineError } from '@replication-lab/engines';
import { RouterError } from './types.ts';

/** What a failed read tells of the node, and whether another node may answer it. */
export type ReadFailure =
  | 'unreachable' // connection refused or broken: ban the node, ask another
  | 'slow' // no answer in time: ask another
  | 'full' // pool or server full: ask another replica, not the primary
  | 'conflict' // the standby cancelled it in favour of replication: ask another
  | 'final'; // the statement's own fault, or the caller's wish: the same anywhere

/** Reads are safe to repeat, so every failure that is the node's may be answered elsewhere. */
export function classifyReadFailure(error: unknown, nodeWasSilent: boolean): ReadFailure {
  if (!(error instanceof EngineError)) return 'final';
  switch (error.code) {
    case 'connect-failed':
    case 'connection-lost':
      return 'unreachable';
    case 'timeout':
      return 'slow';
    case 'overloaded':
      return 'full';
    case 'deadlock':
      return 'conflict';
    case 'aborted':
      return nodeWasSilent ? 'unreachable' : 'final';
    default:
      return 'final';
  }
}

/** The error a caller sees when no node is left to ask. Errors of the statement itself pass unchanged. */
export function readError(error: unknown, failure: ReadFailure): unknown {
  const message = error instanceof Error ? error.message : String(error);
  switch (failure) {
    case 'unreachable':
      return new RouterError('no-node', `No node could answer this read (${message}). Try again.`, error);
    case 'slow':
      return new RouterError('timeout', `The read did not finish in time (${message}).`, error);
    case 'full':
      return new RouterError('overloaded', `Too many reads wait (${message}). Try again later.`, error);
    default:
      return error;
  }
}

/**
 * The error a caller sees when a write or transaction failed. Pools say `outcome-unknown` whenever the statement or
 * the COMMIT was sent and not answered; with every other code nothing was committed. What callers can mend themselves
 * (unique violation, deadlock, their own abort) and what their transaction threw passes unchanged.
 */
export function writeError(error: unknown): unknown {
  if (!(error instanceof EngineError)) return error;
  const { code, message } = error;
  switch (code) {
    case 'outcome-unknown':
      return new RouterError('outcome-unknown', `${message}. Read before repeating it.`, error);
    case 'read-only':
    case 'connect-failed':
    case 'connection-lost':
      return new RouterError(
        'no-primary',
        `No node takes writes now (${message}). Nothing was written.`,
        error,
      );
    case 'overloaded':
      return new RouterError('overloaded', `Too many writes wait (${message}). Nothing was written.`, error);
    case 'timeout':
      return new RouterError(
        'timeout',
        `The write was not finished in time (${message}). Nothing was written.`,
        error,
      );
    default:
      return error;
  }
}
