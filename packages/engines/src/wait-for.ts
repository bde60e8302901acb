import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks every `everyMs` until `check` is neither null, undefined nor false, and returns what it returned. Null at the
 * deadline: the caller knows best what to say then. Throws only what `check` throws, or the signal's reason.
 */
export async function waitFor<T>(
  check: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  options: {
    readonly timeoutMs: number;
    readonly everyMs?: number;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<T | null> {
  const deadline = performance.now() + options.timeoutMs;
  for (;;) {
    options.signal?.throwIfAborted();
    const value = await check();
    if (value !== null && value !== undefined && value !== false) return value;
    if (performance.now() >= deadline) return null;
    await sleep(options.everyMs ?? 50, undefined, { signal: options.signal });
  }
}
