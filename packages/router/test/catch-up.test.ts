import { describe, expect, test } from 'vitest';
import { CatchUp } from '../src/catch-up.ts';
import { setPositions, upTo } from './pictures.ts';

const LONG_MS = 60_000;
const waitFor = (catchUp: CatchUp, n: number, timeoutMs = LONG_MS, signal?: AbortSignal) =>
  catchUp.wait(upTo(n), { nowMs: 0, timeoutMs, signal });

describe('how long until a replica holds a position', () => {
  test('is not known before it was asked, and nothing for what it holds', () => {
    const catchUp = new CatchUp(setPositions, 10);
    expect(catchUp.etaMs(upTo(1), 0)).toBe(Number.POSITIVE_INFINITY);
    catchUp.moved(upTo(5), 0);
    expect(catchUp.etaMs(upTo(5), 0)).toBe(0);
  });

  test('is what it lacks over how fast it moves, less the time since it was asked', () => {
    const catchUp = new CatchUp(setPositions, 10);
    catchUp.moved(upTo(10), 0);
    catchUp.moved(upTo(30), 100); // 0.2 a millisecond
    expect(catchUp.etaMs(upTo(40), 100)).toBeCloseTo(50);
    expect(catchUp.etaMs(upTo(40), 130)).toBeCloseTo(20);
    expect(catchUp.etaMs(upTo(40), 500)).toBe(0);
  });

  test('is for ever while it lacks what was waited for in vain, and then as long as that took', async () => {
    const catchUp = new CatchUp(setPositions, 10);
    catchUp.moved(upTo(5), 0);
    expect(await catchUp.wait(upTo(6), { nowMs: 0, timeoutMs: 1, signal: undefined })).toBe(false);
    catchUp.moved(upTo(5), 200);
    expect(catchUp.etaMs(upTo(7), 200)).toBe(Number.POSITIVE_INFINITY);
    catchUp.moved(upTo(6), 1_000);
    expect(catchUp.etaMs(upTo(7), 1_000)).toBeGreaterThanOrEqual(1_000);
    expect(catchUp.etaMs(upTo(7), 60_000)).toBe(0); // that is long ago
  });

  test('is never less than nothing, also when the answer is older than the question', async () => {
    const catchUp = new CatchUp(setPositions, 10);
    catchUp.moved(upTo(5), 0);
    const waiting = catchUp.wait(upTo(6), { nowMs: 50, timeoutMs: LONG_MS, signal: undefined });
    catchUp.moved(upTo(6), 40); // asked before the wait began
    expect(await waiting).toBe(true);
    expect(catchUp.etaMs(upTo(7), 60)).toBeGreaterThanOrEqual(0);
  });

  test('is not known of a node whose connection broke', () => {
    const catchUp = new CatchUp(setPositions, 10);
    catchUp.moved(upTo(5), 0);
    catchUp.lost();
    expect(catchUp.etaMs(upTo(5), 1)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('waiting', () => {
  test('ends for those whose position is reached, and for no others', async () => {
    const catchUp = new CatchUp(setPositions, 10);
    const near = waitFor(catchUp, 3);
    const far = waitFor(catchUp, 9);
    catchUp.moved(upTo(4), 5);
    expect(await near).toBe(true);
    expect(catchUp.waiting).toBe(1);
    catchUp.lost();
    expect(await far).toBe(false);
    expect(catchUp.waiting).toBe(0);
  });

  test('is bounded in number, and ends with its caller', async () => {
    const catchUp = new CatchUp(setPositions, 1);
    const caller = new AbortController();
    const first = waitFor(catchUp, 3, LONG_MS, caller.signal);
    expect(await waitFor(catchUp, 3)).toBe(false);
    caller.abort();
    expect(await first).toBe(false);
    expect(await waitFor(catchUp, 3, LONG_MS, AbortSignal.abort())).toBe(false);
    expect(catchUp.waiting).toBe(0);
  });
});
