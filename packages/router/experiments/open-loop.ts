import type { Random } from './random.ts';
import { pause } from './setup.ts';
import { count, Histogram } from './statistics.ts';

export interface OpenLoopPlan {
  readonly perSecond: number;
  readonly durationMs: number;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** One request; `index` counts from 0. */
  readonly send: (index: number) => Promise<unknown>;
  /** Told of every answer: milliseconds since the intended start. */
  readonly onAnswer?: (ms: number, answer: unknown) => void;
}

export interface OpenLoopResult {
  readonly latency: Histogram;
  readonly sent: number;
  readonly errors: Readonly<Record<string, number>>;
  /** Not sent, because too many were unanswered: a run with any says nothing of latency. */
  readonly dropped: number;
}

/** Requests under way at most: nothing here grows without bound. */
const MOST_IN_FLIGHT = 5_000;

/**
 * Requests that arrive by themselves, independently of each other (Poisson), whether the ones before are answered or not.
 * Their time counts from the moment they should have been sent, so that a stall is charged to all who waited for it.
 */
export async function openLoop(plan: OpenLoopPlan): Promise<OpenLoopResult> {
  const { perSecond, durationMs, random, signal, send, onAnswer = () => {} } = plan;
  const latency = new Histogram();
  const errors: Record<string, number> = {};
  const underWay = new Set<Promise<void>>();
  let sent = 0;
  let dropped = 0;
  const request = async (dueMs: number, index: number): Promise<void> => {
    try {
      const answer = await send(index);
      const ms = performance.now() - dueMs;
      latency.add(ms);
      onAnswer(ms, answer);
    } catch (error) {
      latency.add(performance.now() - dueMs);
      count(errors, String((error as { code?: unknown }).code ?? error));
    }
  };
  const startedMs = performance.now();
  let dueMs = startedMs + random.exponentialMs(perSecond);
  while (dueMs < startedMs + durationMs && !signal.aborted) {
    await pause(dueMs - performance.now(), signal);
    for (; dueMs <= performance.now(); dueMs += random.exponentialMs(perSecond)) {
      if (underWay.size >= MOST_IN_FLIGHT) {
        dropped += 1;
        continue;
      }
      const running = request(dueMs, sent++).finally(() => underWay.delete(running));
      underWay.add(running);
    }
  }
  await Promise.all(underWay);
  return { latency, sent, errors, dropped };
}
