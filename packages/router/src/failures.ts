import { EngineError } from '@replication-lab/engines';
import { RouterError } from './types.ts';

/**
 * What a failure means for the one question that matters: may the statement be sent again?
 *
 * | kind              | was it executed?                   | what follows                                        |
 * | ----------------- | ---------------------------------- | --------------------------------------------------- |
 * | `not-sent`        | no, it never left this process     | ask elsewhere; a write: the next primary            |
 * | `read-failed`     | perhaps, and it changed nothing    | ask another node                                    |
 * | `full`            | no: pool or server are full        | a read: another replica, never the primary          |
 * | `demoted`         | no, refused as read-only           | find the primary, then send it there                |
 * | `outcome-unknown` | nobody knows                       | never sent again                                    |
 * | `final`           | the statement's or caller's doing  | the same anywhere                                   |
 */
export type FailureKind = 'not-sent' | 'read-failed' | 'full' | 'demoted' | 'outcome-unknown' | 'final';

/** A failure of a transaction of reads after its work had begun: for the caller, who alone knows what the work has done. */
export class WorkFailed extends Error {
  readonly failure: unknown;
  constructor(failure: unknown) {
    super('the work had begun');
    this.failure = failure;
  }
}

/** A read is safe to repeat, so every failure that is the node's may be answered elsewhere. */
export function classifyReadFailure(error: unknown, nodeWasSilent: boolean): FailureKind {
  if (!(error instanceof EngineError)) return 'final';
  switch (error.code) {
    case 'connect-failed':
      return 'not-sent';
    case 'connection-lost':
    case 'timeout':
    case 'deadlock': // the standby cancelled it in favour of replication
      return 'read-failed';
    case 'overloaded':
      return 'full';
    case 'aborted':
      return nodeWasSilent ? 'read-failed' : 'final';
    default:
      return 'final';
  }
}

/** Pools say `outcome-unknown` whenever a write or a COMMIT was sent and not answered; else nothing was committed. */
export function classifyWriteFailure(error: unknown): FailureKind {
  if (!(error instanceof EngineError)) return 'final';
  switch (error.code) {
    case 'connect-failed':
    case 'connection-lost': // inside a transaction, before its COMMIT
      return 'not-sent';
    case 'read-only':
      return 'demoted';
    case 'overloaded':
      return 'full';
    case 'outcome-unknown':
      return 'outcome-unknown';
    default:
      return 'final';
  }
}

/** Does it say something against the node itself? Then it is left alone for a moment. */
export const isUnreachable = (error: unknown, nodeWasSilent: boolean): boolean =>
  error instanceof EngineError &&
  (error.code === 'connect-failed' ||
    error.code === 'connection-lost' ||
    (error.code === 'aborted' && nodeWasSilent));

/** The error a caller sees when no node is left to ask. Errors of the statement itself pass unchanged. */
export function readError(error: unknown): unknown {
  if (!(error instanceof EngineError)) return error;
  const { code, message } = error;
  switch (code) {
    case 'connect-failed':
    case 'connection-lost':
    case 'aborted':
      return new RouterError('no-node', `No node could answer this read (${message}). Try again.`, error);
    case 'timeout':
      return new RouterError('timeout', `The read did not finish in time (${message}).`, error);
    case 'overloaded':
      return new RouterError('overloaded', `Too many reads wait (${message}). Try again later.`, error);
    default:
      return error;
  }
}

/**
 * The error a caller sees when a write or transaction failed. What callers can mend themselves (unique violation,
 * deadlock, their own abort) and what their transaction threw passes unchanged. `token`: with which to read next.
 */
export function writeError(error: unknown, token: string | null = null): unknown {
  if (!(error instanceof EngineError)) return error;
  const { code, message } = error;
  switch (code) {
    case 'outcome-unknown':
      return new RouterError('outcome-unknown', `${message}. Read before repeating it.`, error, token);
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
