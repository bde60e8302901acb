import { expect, test } from 'vitest';
import { firstDue, nextDue, runSchedule } from '../src/backup-schedule.ts';

test('times keep to their row, however long a backup takes; those that passed meanwhile are left out', () => {
  expect(nextDue(1000, 100, 1000)).toEqual({ atMs: 1100, missed: 0 });
  expect(nextDue(1000, 100, 1099)).toEqual({ atMs: 1100, missed: 0 });
  expect(nextDue(1000, 100, 1100)).toEqual({ atMs: 1200, missed: 1 });
  expect(nextDue(1000, 100, 1350)).toEqual({ atMs: 1400, missed: 3 });
  // A clock that was turned back.
  expect(nextDue(1000, 100, 500)).toEqual({ atMs: 1100, missed: 0 });
});

test('the first comes at once, unless the last attempt is younger than the interval', () => {
  expect(firstDue(null, 100, 1000)).toBe(1000);
  expect(firstDue(950, 100, 1000)).toBe(1050);
  expect(firstDue(500, 100, 1000)).toBe(1000);
  expect(firstDue(5000, 100, 1000)).toBe(1000);
});

test('a failed backup is said and does not end the schedule; the signal does, and no two overlap', async () => {
  const ending = new AbortController();
  const said: string[] = [];
  let [under, made] = [0, 0];
  await runSchedule({
    ...{ everyMs: 1, firstDueMs: Date.now(), say: (message) => said.push(message), signal: ending.signal },
    attempt: async () => {
      expect(++under).toBe(1);
      await new Promise((done) => setImmediate(done));
      under--;
      made++;
      if (made === 2) throw new Error('no space');
      if (made === 3) ending.abort();
    },
  });
  expect(made).toBe(3);
  expect(said).toContain('FAILED: no space');
});
