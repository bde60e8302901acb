import type { Topology } from '@replication-lab/router';
import { expect, test } from 'vitest';
import { PrimaryWait } from '../src/primary-wait.ts';

/** What of a router this looks at: who is the primary now. */
function changing(primary: string | null) {
  const now = { primary };
  return { now, topology: () => ({ engine: 'mysql', epoch: 1, nodes: [], ...now }) satisfies Topology };
}

test('a write goes on as soon as there is a primary', async () => {
  const router = changing(null);
  const wait = new PrimaryWait(router, { waitMs: 5000, maxWaiting: 8 });
  const startedAt = performance.now();
  const waiting = wait.again(wait.deadline(5000));
  router.now.primary = 'db-2';
  expect(await waiting).toBe(true);
  expect(performance.now() - startedAt).toBeLessThan(2500);
});

test('it gives up at its own limit, or at the end of the request', async () => {
  const wait = new PrimaryWait(changing(null), { waitMs: 40, maxWaiting: 8 });
  expect(await wait.again(wait.deadline(5000))).toBe(false);
  expect(await wait.again(wait.deadline(0))).toBe(false);
  const never = new PrimaryWait(changing('db-1'), { waitMs: 0, maxWaiting: 8 });
  expect(await never.again(never.deadline(5000))).toBe(false);
});

test('only so many wait at once', async () => {
  const router = changing(null);
  const wait = new PrimaryWait(router, { waitMs: 5000, maxWaiting: 2 });
  const deadline = wait.deadline(5000);
  const two = [wait.again(deadline), wait.again(deadline)];
  expect(await wait.again(deadline)).toBe(false);
  router.now.primary = 'db-1';
  expect(await Promise.all(two)).toEqual([true, true]);
  expect(await wait.again(deadline)).toBe(true);
});
