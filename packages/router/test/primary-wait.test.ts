import { expect, test } from 'vitest';
import { PrimaryWait } from '../src/primary-wait.ts';

const LONG_MS = 60_000;

test('everybody who waits is woken at once', async () => {
  const wait = new PrimaryWait({ waitMs: 1_000, maxWaiting: 10 });
  const all = [wait.wait(LONG_MS, undefined), wait.wait(LONG_MS, undefined)];
  expect(wait.waiting).toBe(2);
  wait.wake();
  expect(await Promise.all(all)).toEqual([true, true]);
  expect(wait.waiting).toBe(0);
});

test('the time and the number of those who wait are bounded', async () => {
  const wait = new PrimaryWait({ waitMs: 1_000, maxWaiting: 1 });
  const first = wait.wait(1, undefined);
  expect(await wait.wait(LONG_MS, undefined)).toBe(false);
  expect(await first).toBe(true);
  expect(await wait.wait(0, undefined)).toBe(false);
});

test('a caller who leaves is not waited for', async () => {
  const wait = new PrimaryWait({ waitMs: 1_000, maxWaiting: 10 });
  const caller = new AbortController();
  const waiting = wait.wait(LONG_MS, caller.signal);
  caller.abort();
  expect(await waiting).toBe(false);
  expect(await wait.wait(LONG_MS, AbortSignal.abort())).toBe(false);
});
