import { describe, expect, it } from 'vitest';
import { findPlateau, perSecond } from '../src/plateau.ts';
import { noSamples } from '../src/samples.ts';
import { runOf, START_MS } from './builders.ts';

const rising = [5, 10, 15, 20, 25, 30].map((reads) => ({ reads, writes: 1 }));
const saturated = (seconds: number, reads = 30) =>
  Array.from({ length: seconds }, () => ({ reads, writes: 2, dropped: 40 }));
const end = [{ reads: 12 }];

describe('the plateau', () => {
  it('begins two seconds after the knee and ends with the last full second of load', () => {
    const plateau = findPlateau(runOf([...rising, ...saturated(12), ...end]))!;
    expect(plateau.kneeAtSeconds).toBe(6);
    expect(plateau.fromMs).toBe(START_MS + 8000);
    expect(plateau.toMs).toBe(START_MS + 17_000);
    expect(plateau.readsPerSecond).toBe(30);
    expect(plateau.writesPerSecond).toBe(2);
    expect(plateau.failedShare).toBe(0);
  });

  it('counts what was completed, not what was offered', () => {
    const seconds = saturated(12).map((second, i) => ({ ...second, reads: 28 + (i % 2) * 4, dropped: 500 }));
    expect(findPlateau(runOf([...rising, ...seconds]))!.readsPerSecond).toBeCloseTo(30, 0);
  });

  it('is not begun by a hiccup below the knee', () => {
    const hiccup = [{ reads: 5, dropped: 1 }, ...rising, ...rising];
    expect(findPlateau(runOf([...hiccup, ...saturated(12)]))!.kneeAtSeconds).toBe(13);
  });

  it('bears a second in which nothing had to be dropped', () => {
    const seconds = saturated(14);
    seconds[7] = { reads: 30, writes: 2, dropped: 0 };
    expect(findPlateau(runOf([...rising, ...seconds]))!.kneeAtSeconds).toBe(6);
  });

  it('tells the share of failures in it', () => {
    const failing = saturated(12).map((second) => ({ ...second, failed: 8 }));
    expect(findPlateau(runOf([...rising, ...failing]))!.failedShare).toBeCloseTo(0.2, 5);
  });

  it.each([
    ['nothing was dropped', [...rising, ...rising]],
    ['it lasted too short', [...rising, ...saturated(6)]],
    ['there was no run', []],
  ])('is not found when %s', (_, seconds) => {
    expect(findPlateau(runOf(seconds))).toBeNull();
  });
});

describe('second by second', () => {
  it('fills the gaps', () => {
    expect(perSecond(runOf([{ reads: 2 }, { reads: 0 }, { reads: 1, dropped: 3 }]))).toEqual([
      { second: 0, reads: 2, dropped: 0 },
      { second: 1, reads: 0, dropped: 0 },
      { second: 2, reads: 1, dropped: 3 },
    ]);
    expect(perSecond(noSamples())).toEqual([]);
  });
});
