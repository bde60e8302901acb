import { describe, expect, test } from 'vitest';
import { criterion, evidence, verdictOf } from '../experiment.ts';
import { judge as judgeRows } from '../failover-writers.ts';
import { parseLag } from '../hold-back.ts';
import { KINDS, mutate } from '../mutations.ts';
import { Random } from '../random.ts';
import { judge as judgeRead, newClient, OWN_KEYS } from '../sessions-client.ts';
import { fitLine, Histogram, upperBoundOfZero } from '../statistics.ts';

describe('a read of a session', () => {
  const client = newClient(7, 1);
  client.written[0] = 3;
  client.sent[0] = 4;
  client.seen[OWN_KEYS] = 9;

  test.each([
    [2, { ownWriteMissing: true, wentBack: false, impossible: false }],
    [3, { ownWriteMissing: false, wentBack: false, impossible: false }],
    [4, { ownWriteMissing: false, wentBack: false, impossible: false }], // sent, and perhaps written
    [5, { ownWriteMissing: false, wentBack: false, impossible: true }],
  ])('of an own register that shows version %i', (version, judged) => {
    expect(judgeRead(client, 0, version)).toEqual({
      eligibleForOwnWrites: true,
      eligibleForMonotonic: false,
      ...judged,
    });
  });

  test('of a shared register must not go back, and is not eligible before the first look', () => {
    expect(judgeRead(client, OWN_KEYS, 8)).toMatchObject({ eligibleForMonotonic: true, wentBack: true });
    expect(judgeRead(client, OWN_KEYS, 9)).toMatchObject({ eligibleForMonotonic: true, wentBack: false });
    expect(judgeRead(client, OWN_KEYS + 1, 0)).toMatchObject({
      eligibleForOwnWrites: false,
      eligibleForMonotonic: false,
      wentBack: false,
    });
  });
});

test('rows are compared with what their writers were told', () => {
  const rows = new Map([
    ['exp_once 0 0', 1],
    ['exp_once 0 1', 1],
    ['exp_once 0 2', 1],
    ['exp_many 1 0', 2],
    ['exp_once 0 9', 1],
  ]);
  const told = [['ok', 'refused', 'unknown', 'ok', 'unknown'] as const, ['ok'] as const];
  expect(judgeRows(told, rows)).toEqual({
    acknowledged: 3,
    refused: 1,
    unknown: 2,
    unknownWritten: 1,
    acknowledgedMissing: 1,
    refusedPresent: 1,
    duplicates: 1,
    strangers: 1,
    examples: [
      'refusedPresent: exp_once 0 1',
      'acknowledgedMissing: exp_once 0 3',
      'duplicates: exp_many 1 0 (2 copies, ok)',
      'strangers: exp_once 0 9',
    ],
  });
});

test('one broken promise outweighs everything else, and no evidence is no success', () => {
  const held = criterion('', '', '', true);
  const violated = criterion('', '', '', false);
  const short = evidence('', '', '', false);
  expect(verdictOf([held])).toBe('held');
  expect(verdictOf([held, short])).toBe('not-enough');
  expect(verdictOf([held, short, violated])).toBe('violated');
  expect(verdictOf([])).toBe('not-enough');
});

test('a histogram keeps percentiles within two per cent, and can be merged', () => {
  const [odd, even] = [new Histogram(), new Histogram()];
  for (let ms = 1; ms <= 1_000; ms++) (ms % 2 ? odd : even).add(ms);
  odd.merge(JSON.parse(JSON.stringify(even.data())));
  expect(odd.total).toBe(1_000);
  expect(odd.maxMs).toBe(1_000);
  for (const p of [0.5, 0.95, 0.99]) {
    expect(odd.percentileMs(p)! / (p * 1_000)).toBeGreaterThanOrEqual(1);
    expect(odd.percentileMs(p)! / (p * 1_000)).toBeLessThan(1.02);
  }
});

test('a line through points on a line is that line; none in 748,932 is below 4 in a million', () => {
  expect(fitLine([10, 12, 14, 16])).toEqual({ start: 10, end: 16 });
  expect(upperBoundOfZero(748_932)).toBeLessThan(4e-6);
});

test('random numbers repeat with their seed, also when the generator moves to another process', () => {
  const here = Random.of(5, 1);
  here.next();
  const there = new Random(here.state);
  expect(Array.from({ length: 5 }, () => there.next())).toEqual(Array.from({ length: 5 }, () => here.next()));
  expect(Random.of(5, 2).next()).not.toBe(Random.of(5, 1).next());
});

test('every kind of mutation makes a text, and the seed repeats it', () => {
  const token = (fill: number) => Buffer.alloc(90, fill).toString('base64url');
  const material = { good: [token(1), token(2)], otherKey: [token(3)], otherEngine: [token(4)] };
  const texts = () => {
    const random = Random.of(1, 1);
    return Array.from({ length: KINDS.length * 20 }, (_, i) => mutate(material, i, random).text);
  };
  expect(texts()).toEqual(texts());
  expect(new Set(texts()).size).toBeGreaterThan(KINDS.length * 10);
});

test('a plan to hold a replica back is a delay or a pause', () => {
  expect(parseLag('delay:2')).toEqual({ kind: 'delay', seconds: 2 });
  expect(parseLag('pause:600')).toEqual({ kind: 'pause', ms: 600 });
  for (const text of ['delay:0', 'pause', 'freeze:1', '']) expect(() => parseLag(text)).toThrow(RangeError);
});
