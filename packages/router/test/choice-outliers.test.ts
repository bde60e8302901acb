import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CHOICE_DEFAULTS } from '../src/choice/options.ts';
import {
  type Ejection,
  healthyFloor,
  isEjected,
  type Judged,
  NEVER_EJECTED,
  type NodeReads,
  stepOutliers,
} from '../src/choice/outliers.ts';

const options = { ...CHOICE_DEFAULTS, ejectJitter: 0 };
const QUIET: NodeReads = { failuresInRow: 0, failureShare: null, fastMs: null };
const fast = (fastMs: number): NodeReads => ({ failuresInRow: 0, failureShare: 0, fastMs });
const judged = (reads: Partial<NodeReads>, ejection: Partial<Ejection> = {}): Judged => ({
  reads: { ...QUIET, ...reads },
  ejection: { ...NEVER_EJECTED, ...ejection },
});
const step = (nodes: Judged[], { nowMs = 0, floor = healthyFloor(nodes.length, 0.5), random = 0 } = {}) =>
  stepOutliers(nodes, { nowMs, floor, random: () => random }, options);
const ejectedAt = (ejections: readonly Ejection[], nowMs: number) =>
  ejections.flatMap((ejection, index) => (isEjected(ejection, nowMs) ? [index] : []));

/** The same window again and again: who is ejected after each. */
function windows(reads: readonly NodeReads[], count: number): number[][] {
  let ejections: Ejection[] = reads.map(() => NEVER_EJECTED);
  return Array.from({ length: count }, (_, index) => {
    ejections = step(
      reads.map((read, node) => ({ reads: read, ejection: ejections[node]! })),
      { nowMs: index },
    );
    return ejectedAt(ejections, index);
  });
}

describe('the floor', () => {
  test.each([
    [1, 1],
    [2, 1],
    [3, 2],
    [4, 2],
    [5, 3],
  ])('of %i replicas at least %i stay', (replicas, stay) => {
    expect(healthyFloor(replicas, 0.5)).toBe(stay);
    const nodes = Array.from({ length: replicas }, () => judged({ failuresInRow: 9 }));
    expect(ejectedAt(step(nodes), 0)).toHaveLength(replicas - stay);
  });

  test('replicas that are down count: with one of two away the other stays', () => {
    expect(ejectedAt(step([judged({ failuresInRow: 9 })], { floor: healthyFloor(2, 0.5) }), 0)).toEqual([]);
  });

  test('who is ejected already counts', () => {
    const nodes = [judged({ failuresInRow: 9 }), judged({}, { untilMs: 50, times: 1 }), judged({})];
    expect(ejectedAt(step(nodes), 0)).toEqual([1]);
  });

  test('failing goes before slow, slower before slow', () => {
    const slow = { slowWindows: 2 };
    const nodes = [judged(fast(300), slow), judged({ failuresInRow: 9 }), judged(fast(1)), judged(fast(2))];
    expect(ejectedAt(step(nodes, { floor: 3 }), 0)).toEqual([1]);
    const two = [
      judged(fast(90), slow),
      judged(fast(300), slow),
      judged(fast(1)),
      judged(fast(1)),
      judged(fast(1)),
    ];
    expect(ejectedAt(step(two, { floor: 4 }), 0)).toEqual([1]);
  });
});

describe('failures', () => {
  test.each([
    ['four in a row', { failuresInRow: 4 }, []],
    ['five in a row', { failuresInRow: 5 }, [0]],
    ['a third of a window', { failureShare: 0.33 }, []],
    ['half of a window', { failureShare: 0.5 }, [0]],
  ])('%s', (_name, reads, expected) => {
    expect(ejectedAt(step([judged(reads), judged({})]), 0)).toEqual(expected);
  });
});

describe('slowness', () => {
  test.each([
    ['far slower, for three windows', [fast(60), fast(2)], [[], [], [0]]],
    ['far slower by factor, not by ms', [fast(5), fast(0.2)], [[], [], []]],
    ['slower by ms, not by factor', [fast(60), fast(30)], [[], [], []]],
    ['all slow alike', [fast(900), fast(1_000), fast(1_100)], [[], [], []]],
    ['nobody to be compared with', [fast(900), QUIET], [[], [], []]],
    ['slower than the median of the others', [fast(60), fast(2), fast(2)], [[], [], [0]]],
    ['two of three: the slower one', [fast(60), fast(2), fast(70)], [[], [], [2]]],
  ])('%s', (_name, reads, expected) => {
    expect(windows(reads, 3)).toEqual(expected);
  });

  test('one good window ends the row, one without enough reads does not', () => {
    const bad = [judged(fast(60), { slowWindows: 2 }), judged(fast(2))];
    expect(step([judged(fast(2), { slowWindows: 2 }), bad[1]!])[0]!.slowWindows).toBe(0);
    expect(step([judged(QUIET, { slowWindows: 2 }), bad[1]!])[0]!.slowWindows).toBe(2);
    expect(ejectedAt(step(bad), 0)).toEqual([0]);
  });

  test('an ejected node is no measure for the others', () => {
    const nodes = [judged(fast(60), { slowWindows: 2 }), judged(fast(1), { untilMs: 50, times: 1 })];
    expect(ejectedAt(step(nodes), 0)).toEqual([1]);
  });
});

describe('how long', () => {
  const lengthAfter = (times: number, calmMs: number, random = 0) => {
    const nowMs = 100_000;
    const ejection = { untilMs: nowMs - calmMs, times, slowWindows: 0 };
    const nodes = [judged({ failuresInRow: 5 }, ejection), judged({})];
    const settings = { ...options, ejectJitter: 0.25 };
    const [next] = stepOutliers(nodes, { nowMs, floor: 1, random: () => random }, settings);
    return next!.untilMs - nowMs;
  };

  test('doubles with each repetition, up to a bound', () => {
    expect([0, 1, 2, 3, 4, 5, 60].map((times) => lengthAfter(times, 0))).toEqual([
      2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000,
    ]);
  });

  test('a calm time takes doublings back', () => {
    expect([0, 29_999, 30_000, 60_000, 90_000].map((calmMs) => lengthAfter(3, calmMs))).toEqual([
      16_000, 16_000, 8_000, 4_000, 2_000,
    ]);
  });

  test('differs from router to router', () => {
    expect(lengthAfter(0, 0, 0.5)).toBe(1_750);
    expect(lengthAfter(0, 0, 1)).toBe(1_500);
  });
});

test('whatever was read, the floor holds and nobody is ejected for less than was promised', () => {
  const reads = fc.record({
    failuresInRow: fc.nat(10),
    failureShare: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    fastMs: fc.option(fc.double({ min: 0.01, max: 10_000, noNaN: true })),
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }).chain((count) =>
        fc.record({
          rounds: fc.array(fc.array(reads, { minLength: count, maxLength: count }), { maxLength: 30 }),
          random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
          stepMs: fc.integer({ min: 1, max: 3_000 }),
          count: fc.constant(count),
        }),
      ),
      ({ rounds, random, stepMs, count }) => {
        const floor = healthyFloor(count, 0.5);
        let ejections: Ejection[] = Array.from({ length: count }, () => NEVER_EJECTED);
        rounds.forEach((round, index) => {
          const nowMs = index * stepMs;
          const before = ejections;
          const nodes = round.map((read, node) => ({ reads: read, ejection: before[node]! }));
          ejections = stepOutliers(nodes, { nowMs, floor, random: () => random }, CHOICE_DEFAULTS);
          expect(count - ejectedAt(ejections, nowMs).length).toBeGreaterThanOrEqual(floor);
          for (const node of ejectedAt(before, nowMs)) expect(ejections[node]).toEqual(before[node]);
          for (const { untilMs } of ejections) {
            expect(untilMs).toBeLessThanOrEqual(nowMs + CHOICE_DEFAULTS.maxEjectMs);
          }
        });
      },
    ),
  );
});
