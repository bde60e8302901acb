import { setTimeout as sleep } from 'node:timers/promises';
import { Interrupted, LabError } from './errors.ts';

export interface WaitOptions {
  /** What is waited for, as it reads after "waited 30 s for". */
  readonly what: string;
  readonly timeoutMs: number;
  readonly everyMs?: number;
  readonly signal?: AbortSignal;
  /** What the person can do when it does not come; may look (logs, exit codes) before it answers. */
  readonly mend?: () => string | Promise<string>;
  readonly code?: string;
}

/**
 * Asks until the answer is neither null nor false, and returns it. Throws LabError `not-in-time` (or `code`) at the
 * deadline, Interrupted on abort, and whatever `ask` throws: an `ask` that must go on throws nothing.
 */
export async function waitFor<T>(
  ask: () => Promise<T | null | false> | T | null | false,
  options: WaitOptions,
): Promise<T> {
  const deadlineMs = performance.now() + options.timeoutMs;
  for (;;) {
    throwIfAborted(options.signal);
    const answer = await ask();
    if (answer !== null && answer !== false) return answer;
    if (performance.now() >= deadlineMs) break;
    await pause(options.everyMs ?? 50, options.signal);
  }
  const seconds = (options.timeoutMs / 1000).toFixed(options.timeoutMs < 10_000 ? 1 : 0);
  throw new LabError(
    options.code ?? 'not-in-time',
    `waited ${seconds} s for ${options.what}, in vain`,
    (await options.mend?.()) ?? './lab logs shows what the processes say; ./lab doctor what is missing',
  );
}

/** Waits that long or until the signal, which throws Interrupted. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    throw new Interrupted('interrupted');
  }
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new Interrupted('interrupted');
}

/** The promise, or null when it takes longer. For probes of things that may be frozen; the work is not cancelled. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T | null> {
  const timer = new AbortController();
  try {
    return await Promise.race([work, sleep(ms, null, { signal: timer.signal, ref: true })]);
  } finally {
    timer.abort();
  }
}
