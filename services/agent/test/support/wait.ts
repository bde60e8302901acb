import { setTimeout as sleep } from 'node:timers/promises';

/** Asks until `check` returns something, and returns that and how long it took. Throws at the deadline. */
export async function until<T>(
  what: string,
  timeoutMs: number,
  check: () => Promise<T | null | undefined | false>,
): Promise<{ value: T; tookMs: number }> {
  const start = performance.now();
  let last = '';
  for (;;) {
    try {
      const value = await check();
      if (value !== null && value !== undefined && value !== false) {
        return { value, tookMs: Math.round(performance.now() - start) };
      }
    } catch (error) {
      last = ` (${error instanceof Error ? error.message : String(error)})`;
    }
    if (performance.now() - start > timeoutMs) throw new Error(`not within ${timeoutMs} ms: ${what}${last}`);
    await sleep(50);
  }
}
