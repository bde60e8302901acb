import { describe, expect, it } from 'vitest';
import { demandsOf, predictSpeedUp } from '../src/model.ts';

describe('demands', () => {
  it('are CPU per request: writes from the replicated primary, reads from the rest', () => {
    const demands = demandsOf(
      { cpus: 0.2, readsPerSecond: 30, writesPerSecond: 2 },
      { cpus: 0.004, writesPerSecond: 4 },
    )!;
    expect(demands.writeMs).toBeCloseTo(1, 6);
    expect(demands.readMs).toBeCloseTo((200 - 2) / 30, 6);
  });

  it('are unknown without work', () => {
    const work = { cpus: 0.2, readsPerSecond: 30, writesPerSecond: 2 };
    expect(demandsOf({ ...work, readsPerSecond: 0 }, work)).toBeNull();
    expect(demandsOf(work, { cpus: 0.1, writesPerSecond: 0 })).toBeNull();
  });
});

describe('the speed-up', () => {
  it('is the number of replicas when nobody writes', () => {
    expect(predictSpeedUp({ readMs: 5, writeMs: 1 }, 0, 2)).toEqual({ low: 2, high: 2 });
  });

  // Table of the single-master model: D_w = 3, D_a = 1.5, D_r = 1, 5 % writes, two replicas: 2.00; 50 %: 1.33.
  it.each([
    [0.05, 2.0],
    [0.5, 1.33],
  ])('agrees with the published model at a write share of %d', (share, expected) => {
    const { low, high } = predictSpeedUp({ readMs: 1, writeMs: 3 }, share, 2);
    expect(low).toBeLessThanOrEqual(expected);
    expect(high).toBeGreaterThanOrEqual(expected);
  });

  it('is a little above two when writes move away for nothing, and below when applying costs as much', () => {
    const { low, high } = predictSpeedUp({ readMs: 6, writeMs: 1 }, 0.05, 2);
    expect(high).toBeGreaterThan(2);
    expect(high).toBeLessThan(2.05);
    expect(low).toBeLessThan(2);
    expect(low).toBeGreaterThan(1.95);
  });
});
