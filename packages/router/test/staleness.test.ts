import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_SAMPLES, nextLagging, PositionHistory } from '../src/staleness.ts';
import { setPositions, upTo } from './pictures.ts';

// Long histories: sets of thousands of numbers would be slow, so here a position is one number.
const numbers = { covers: (have: string, need: string) => Number(have) >= Number(need) };
const at = (n: number) => String(n) as ReturnType<typeof upTo>;

describe('PositionHistory', () => {
  test('answers the newest moment that is covered', () => {
    const history = new PositionHistory(setPositions);
    history.add(1_000, upTo(1));
    history.add(1_200, upTo(3));
    history.add(1_400, upTo(7));
    expect(history.newestCoveredMs(upTo(7))).toBe(1_400);
    expect(history.newestCoveredMs(upTo(6))).toBe(1_200);
    expect(history.newestCoveredMs(upTo(2))).toBe(1_000);
    expect(history.newestCoveredMs(setPositions.empty)).toBe(null);
  });

  test('an idle primary keeps its replicas fresh', () => {
    const history = new PositionHistory(setPositions);
    for (let ms = 0; ms <= 60_000; ms += 200) history.add(ms, upTo(4));
    expect(history.newestCoveredMs(upTo(4))).toBe(60_000);
    expect(history.size).toBe(1);
  });

  test('a primary at the empty position is covered by everybody', () => {
    const history = new PositionHistory(setPositions);
    history.add(50, setPositions.empty);
    expect(history.newestCoveredMs(setPositions.empty)).toBe(50);
  });

  test('an hour fits, and the last 10 s keep every sample', () => {
    const history = new PositionHistory(numbers);
    const lastMs = 3_600_000;
    for (let ms = 0; ms <= lastMs; ms += 200) history.add(ms, at(ms));
    expect(history.size).toBeLessThanOrEqual(MAX_SAMPLES);
    expect(history.newestCoveredMs(at(lastMs - 9_100))).toBe(lastMs - 9_200);
    for (const agoMs of [20_000, 60_000, 600_000, 1_800_000, 3_500_000]) {
      const found = history.newestCoveredMs(at(lastMs - agoMs));
      expect(found).toBeLessThanOrEqual(lastMs - agoMs);
      expect(found).toBeGreaterThan(lastMs - agoMs * 1.05 - 400);
    }
  });

  test('weeks do not outgrow it', () => {
    const history = new PositionHistory(numbers);
    let largest = 0;
    for (let ms = 0; ms <= 14 * 86_400_000; ms += 5_000) {
      history.add(ms, at(ms));
      largest = Math.max(largest, history.size);
    }
    expect(largest).toBeLessThanOrEqual(MAX_SAMPLES);
  });

  test('quick samples share a place', () => {
    const history = new PositionHistory(numbers);
    for (let ms = 0; ms < 1_000; ms += 10) history.add(ms, at(ms));
    expect(history.size).toBeLessThanOrEqual(1_000 / 50 + 2);
    expect(history.newestCoveredMs(at(990))).toBe(990);
  });

  test('what it says is true: all that the primary had then is held', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 500 }), fc.nat(3)), {
      minLength: 1,
      maxLength: 700,
    });
    fc.assert(
      fc.property(steps, fc.nat(1_000), (moves, held) => {
        const history = new PositionHistory(numbers);
        let nowMs = 0;
        let committed = 0;
        const committedAt = new Map<number, number>();
        for (const [waitMs, commits] of moves) {
          nowMs += waitMs;
          committed += commits;
          committedAt.set(nowMs, committed);
          history.add(nowMs, at(committed));
        }
        const provenMs = history.newestCoveredMs(at(held));
        if (provenMs !== null) expect(committedAt.get(provenMs)).toBeLessThanOrEqual(held);
        if (held >= committed) expect(provenMs).toBe(nowMs);
      }),
    );
  });
});

test.each([
  [false, 9_999, false],
  [false, 10_001, true],
  [true, 9_000, true],
  [true, 5_001, true],
  [true, 5_000, false],
  [false, null, true],
])('lagging was %s, staleness %s ms: %s', (was, stalenessMs, is) => {
  expect(nextLagging(was, stalenessMs, 10_000)).toBe(is);
});
