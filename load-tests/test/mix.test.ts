import { seedUser } from '@replication-lab/engines/bootstrap';
import { describe, expect, it } from 'vitest';
import { DEFAULT_MIX, operationOf, PAGE_SIZE, pathOf } from '../scenarios/lib/mix.ts';
import { logUniformMs, randomOf } from '../scenarios/lib/random.ts';
import { SEARCHES } from '../scenarios/lib/searches.ts';

const USERS = 100_000;
const operations = Array.from({ length: 20_000 }, (_, i) =>
  operationOf(i, randomOf(1, i), { ...DEFAULT_MIX, users: USERS }, SEARCHES),
);

describe('the default load', () => {
  it('is the same for the same seed, and another for another', () => {
    const of = (seed: number) =>
      Array.from({ length: 50 }, (_, i) =>
        operationOf(i, randomOf(seed, i), { ...DEFAULT_MIX, users: USERS }, SEARCHES),
      );
    expect(of(4)).toEqual(of(4));
    expect(of(4)).not.toEqual(of(5));
  });

  it.each([
    [0, 20_000],
    [137, 400],
    [5000, 100],
  ])(
    'has 5 % writes, and nine searches to a page among the reads, in any stretch (from %d, %d long)',
    (from, length) => {
      const stretch = operations.slice(from, from + length);
      const count = (kind: string) => stretch.filter((o) => o.kind === kind).length;
      expect(Math.abs(count('write') - 0.05 * length)).toBeLessThanOrEqual(1);
      expect(Math.abs(count('page') - 0.095 * length)).toBeLessThanOrEqual(1);
      expect(count('search')).toBe(length - count('write') - count('page'));
    },
  );

  it('looks for every name equally often', () => {
    const found = operations.flatMap((o) => (o.kind === 'search' ? [o.q] : []));
    const counts = SEARCHES.map((q) => found.filter((other) => other === q).length);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  });

  it('stays within the seeded users', () => {
    for (const operation of operations) {
      const id = operation.kind === 'write' ? operation.id - 1 : operation.after;
      expect(id).toBeGreaterThanOrEqual(0);
      expect(id).toBeLessThan(USERS);
    }
  });

  it('asks in the API’s words', () => {
    expect(pathOf({ kind: 'search', q: 'Ada M', after: 7 })).toBe('/users?q=Ada%20M&after=7&limit=20');
    expect(pathOf({ kind: 'page', after: 7 })).toBe('/users?after=7&limit=20');
    expect(pathOf({ kind: 'write', id: 7 })).toBe('/users/7');
  });
});

describe('a search', () => {
  // The demand of a read hangs on this: too few matches and it scans the table, too many and it costs nothing.
  it('reads 12,000 to 24,000 of the seeded users on average, whatever it looks for', () => {
    const names = Array.from({ length: USERS }, (_, i) => seedUser(i + 1).name.toLowerCase());
    for (const q of SEARCHES) {
      const matches = names.flatMap((name, i) => (name.includes(q.toLowerCase()) ? [i] : []));
      const starts = Array.from({ length: 60 }, (_, i) => i * 1000);
      const read = starts.map((start) => {
        const first = matches.findIndex((i) => i >= start);
        return (matches[first + PAGE_SIZE] ?? USERS) - start;
      });
      const mean = read.reduce((sum, rows) => sum + rows, 0) / read.length;
      expect.soft(mean, q).toBeGreaterThan(12_000);
      expect.soft(mean, q).toBeLessThan(24_000);
    }
  });
});

describe('the wait of a session', () => {
  it('is between 0 and its limit, and as often below 20 ms as above', () => {
    const waits = Array.from({ length: 5000 }, (_, i) => logUniformMs(randomOf(1, i), 500));
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...waits)).toBeLessThanOrEqual(500);
    expect(waits.filter((ms) => ms < Math.sqrt(501) - 1).length / waits.length).toBeCloseTo(0.5, 1);
  });
});
