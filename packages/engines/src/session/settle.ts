import { setTimeout as sleep } from 'node:timers/promises';
import { type CallOptions, type Connection, EngineError } from '../types.ts';
import { Deadline } from './deadline.ts';

const DEFAULT_TIMEOUT_MS = 5000;
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 10;
/**
 * A question that is under way when the time is up may still be answered for so long, unheard. Only a connection that stays
 * silent beyond is destroyed: a monitor's connection is not given up because its node was asked to wait for a commit.
 */
const GRACE_MS = 1000;

/** What differs between the engines. Of each answer null means "nothing". */
export interface SettleSteps<T> {
  /** What is logged on the primary, so that a replica can have shown it, and perhaps not shown there yet. */
  inFlight(primary: Connection, options: CallOptions): Promise<T | null>;
  /** What of it the replica can have shown. */
  shownBy(witness: Connection, inFlight: T, options: CallOptions): Promise<T | null>;
  /** What of it the primary still does not show. */
  remaining(primary: Connection, inFlight: T, options: CallOptions): Promise<T | null>;
}

/**
 * `EngineClient.settle`. The primary is asked first: it nearly always shows everything already, and then the witness need
 * not be asked. A witness that fails, or takes half of the time for its answer, counts as none.
 */
export async function settleBy<T>(
  steps: SettleSteps<T>,
  primary: Connection,
  witness: Connection | null,
  { timeoutMs = DEFAULT_TIMEOUT_MS, signal }: CallOptions,
): Promise<void> {
  const deadline = new Deadline({ timeoutMs, ...(signal && { signal }) });
  let isOver = false;
  const patience = (): CallOptions => ({ timeoutMs: deadline.remainingMs() + GRACE_MS });
  const work = async (): Promise<void> => {
    let waiting = await steps.inFlight(primary, patience());
    if (waiting !== null && witness) waiting = await shownBy(steps, witness, waiting, deadline);
    for (let pauseMs = FIRST_PAUSE_MS; waiting !== null && !isOver; ) {
      await sleep(pauseMs);
      pauseMs = Math.min(pauseMs * 1.2, LONGEST_PAUSE_MS);
      waiting = await steps.remaining(primary, waiting, patience());
    }
  };
  try {
    deadline.check();
    await deadline.race(work(), () => {
      isOver = true;
    });
  } catch (error) {
    throw explained(error, primary, timeoutMs);
  }
}

async function shownBy<T>(
  steps: SettleSteps<T>,
  witness: Connection,
  inFlight: T,
  deadline: Deadline,
): Promise<T | null> {
  const timeoutMs = deadline.remainingMs() / 2;
  const asking = steps.shownBy(witness, inFlight, { timeoutMs: timeoutMs + GRACE_MS });
  try {
    return await new Deadline({ timeoutMs }).race(asking, () => {});
  } catch {
    return inFlight;
  }
}

function explained(error: unknown, { endpoint }: Connection, timeoutMs: number): unknown {
  if (!(error instanceof EngineError) || error.endpoint !== null) return error;
  if (error.code !== 'timeout')
    return new EngineError(error.code, error.message, { endpoint, cause: error.cause });
  const message = `${endpoint.name}: after ${timeoutMs} ms it does not show all that its replicas can have shown`;
  return new EngineError('timeout', message, { endpoint, cause: error });
}
