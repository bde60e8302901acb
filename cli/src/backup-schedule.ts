import { formatDurationMs } from './duration.ts';
import { messageOf } from './errors.ts';
import { pause } from './wait.ts';

export interface Due {
  readonly atMs: number;
  /** Times that came while the last backup was still under way. They are not made up for. */
  readonly missed: number;
}

/** The next of a row of times that are `everyMs` apart, after one that was due at `dueMs` and has ended by now. */
export function nextDue(dueMs: number, everyMs: number, nowMs: number): Due {
  const steps = Math.max(1, Math.floor((nowMs - dueMs) / everyMs) + 1);
  return { atMs: dueMs + steps * everyMs, missed: steps - 1 };
}

/** The first: at once, unless the last attempt is younger than the interval. One that lies in the future says nothing. */
export function firstDue(lastAttemptMs: number | null, everyMs: number, nowMs: number): number {
  if (lastAttemptMs === null || lastAttemptMs > nowMs) return nowMs;
  return Math.max(nowMs, lastAttemptMs + everyMs);
}

interface Schedule {
  readonly everyMs: number;
  readonly firstDueMs: number;
  /** Makes one backup. What it throws is said, and the next one is made when it is due. */
  readonly attempt: () => Promise<void>;
  readonly say: (message: string) => void;
  /** Ends it: the wait at once, an attempt as soon as that obeys. */
  readonly signal: AbortSignal;
}

/** One attempt after the other, never two at once, until the signal. */
export async function runSchedule({ everyMs, firstDueMs, attempt, say, signal }: Schedule): Promise<void> {
  let due: Due = { atMs: firstDueMs, missed: 0 };
  while (!signal.aborted) {
    const waitMs = due.atMs - Date.now();
    if (waitMs > 0) {
      say(`the next backup is due at ${new Date(due.atMs).toISOString()}`);
      if (!(await waited(waitMs, signal))) return;
    }
    try {
      await attempt();
    } catch (error) {
      if (signal.aborted) return;
      say(`FAILED: ${messageOf(error)}`);
    }
    due = nextDue(due.atMs, everyMs, Date.now());
    if (due.missed > 0)
      say(`the backup took longer than ${formatDurationMs(everyMs)}: ${due.missed} left out`);
  }
}

const waited = (ms: number, signal: AbortSignal): Promise<boolean> =>
  pause(ms, signal).then(
    () => true,
    () => false,
  );
