import { describe, expect, it } from 'vitest';
import { randomOf } from '../scenarios/lib/random.ts';
import {
  estimate,
  isFirm,
  percent,
  percentilesOf,
  shuffled,
  upperBoundOfZero,
  wordCount,
} from '../src/statistics.ts';

describe('percentiles', () => {
  it('are taken over all samples, in any order', () => {
    const values = Array.from({ length: 1000 }, (_, i) => 1000 - i);
    const { p50, p95, p99, samples } = percentilesOf(values)!;
    expect(p50).toBeCloseTo(500.5, 1);
    expect(p95).toBeGreaterThanOrEqual(950);
    expect(p95).toBeLessThanOrEqual(951);
    expect(p99).toBeGreaterThanOrEqual(990);
    expect(samples).toBe(1000);
  });

  it('do not exist without samples, and are not firm with few beyond them', () => {
    expect(percentilesOf([])).toBeNull();
    expect(isFirm(499, 0.99)).toBe(false);
    expect(isFirm(500, 0.99)).toBe(true);
  });
});

describe('the estimate over blocks', () => {
  it('has no interval below five blocks', () => {
    expect(estimate([], 1)).toBeNull();
    expect(estimate([1.9], 1)).toEqual({ median: 1.9, low: null, high: null, blocks: 1 });
    expect(estimate([1.8, 2, 1.9, 1.95], 1)).toMatchObject({ low: null, high: null, blocks: 4 });
  });

  it('has one around the median from five, the same for the same seed', () => {
    const ratios = [1.9, 1.95, 1.88, 1.92, 1.97, 1.91];
    const first = estimate(ratios, 7)!;
    expect(first).toEqual(estimate(ratios, 7));
    expect(first.low!).toBeLessThanOrEqual(first.median);
    expect(first.high!).toBeGreaterThanOrEqual(first.median);
    expect(first.low!).toBeGreaterThanOrEqual(1.88);
    expect(first.high!).toBeLessThanOrEqual(1.97);
  });
});

describe('counts in words', () => {
  it.each([
    [{ violations: 0, eligible: 0 }, 'none eligible'],
    [{ violations: 0, eligible: 480 }, '0 of 480 (below 0.62 % at 95 %)'],
    [{ violations: 37, eligible: 480 }, '37 of 480 (7.7 %)'],
    [{ violations: 480, eligible: 480 }, '480 of 480 (100 %)'],
  ])('%o', (count, words) => {
    expect(wordCount(count)).toBe(words);
  });

  it('bounds a zero by about 3/n', () => {
    expect(upperBoundOfZero(2995)).toBeCloseTo(0.001, 5);
    expect(upperBoundOfZero(0)).toBe(1);
  });

  it('keeps two digits of a small share', () => {
    expect([percent(0.000123), percent(0.5), percent(0.9999)]).toEqual(['0.012 %', '50 %', '100 %']);
  });
});

describe('shuffling', () => {
  it('keeps the items and depends on the seed alone', () => {
    const items = [1, 2, 3, 4, 5, 6, 7, 8];
    const once = shuffled(items, randomOf(3, 0));
    expect(once).toEqual(shuffled(items, randomOf(3, 0)));
    expect([...once].sort()).toEqual(items);
    const orders = new Set(
      Array.from({ length: 20 }, (_, seed) => shuffled([1, 2], randomOf(seed, 0)).join()),
    );
    expect(orders.size).toBe(2);
  });
});
