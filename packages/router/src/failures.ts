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
  switch (failure) {
    case 'unreachable':
      return new RouterError(
        'no-node',
        `No node could answer this read: ${messageOf(error)}. Try again.`,
        error,
      );
    case 'slow':
      return new RouterError('timeout', `The read did not finish in time: ${messageOf(error)}.`, error);
    case 'full':
      return new RouterError(
        'overloaded',
        `Too many reads wait already: ${messageOf(error)}. Try again later.`,
        error,
      );
    default:
      return error;
  }
}

/**
 * The error a caller sees when a write failed.
 *
 * `autocommit`: a single statement, which may have been executed whenever the answer is missing. Inside a
 * transaction only a COMMIT in flight leaves that doubt, and the engine reports it as `outcome-unknown`; all that
 * breaks before it is rolled back by the server.
 */
export function writeError(error: unknown, autocommit: boolean): unknown {
  if (!(error instanceof EngineError)) return error;
  const unknown = () =>
    new RouterError(
      'outcome-unknown',
      `The write may or may not have happened: ${error.message}. Read before repeating it.`,
      error,
    );
  const noPrimary = () =>
    new RouterError('no-primary', `No node takes writes now: ${error.message}. Nothing was written.`, error);
  switch (error.code) {
    case 'outcome-unknown':
      return unknown();
    case 'read-only':
    case 'connect-failed':
      return noPrimary();
    case 'overloaded':
      return new RouterError(
        'overloaded',
        `Too many writes wait already: ${error.message}. Nothing was written.`,
        error,
      );
    case 'connection-lost':
      return autocommit ? unknown() : noPrimary();
    case 'timeout':
      return autocommit
        ? unknown()
        : new RouterError(
            'timeout',
            `The transaction did not finish in time and was rolled back: ${error.message}.`,
            error,
          );
    case 'aborted':
      return autocommit ? unknown() : error;
    default:
      return error;
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
