import { describe, expect, test } from 'vitest';
import {
  exponential,
  type Measured,
  quantileMs,
  type Scenario,
  type SimulatedNode,
  shareOf,
  simulate,
} from './choice-world.ts';

/**
 * The choice against round robin, in virtual time: nothing here depends on the machine. Reads arrive whether or not
 * earlier ones are done, as clients do, so a slow node shows in the tail.
 */
const node = (name: string, meanMs: number, more: Partial<SimulatedNode> = {}): SimulatedNode => ({
  name,
  workMs: ({ random }) => meanMs * exponential(random),
  ...more,
});

const base = { perSecond: 500, forMs: 30_000, policy: 'load-book' } as const;

const play = (scenario: Partial<Scenario> & Pick<Scenario, 'nodes'>): Measured =>
  simulate({ ...base, ...scenario });
const both = (scenario: Partial<Scenario> & Pick<Scenario, 'nodes'>) => ({
  ours: play(scenario),
  roundRobin: play({ ...scenario, policy: 'round-robin' }),
});

const expectBetween = (value: number, low: number, high: number) => {
  expect(value).toBeGreaterThanOrEqual(low);
  expect(value).toBeLessThanOrEqual(high);
};

const NO_EJECTION = { failuresInRow: Number.POSITIVE_INFINITY, failureShare: 2, slowWindows: 1e9 };

describe('a replica that stalls 200 ms of every second', () => {
  const nodes = [node('a', 1), node('b', 1, { stall: { everyMs: 1_000, forMs: 200 } })];

  test.each([1, 2, 3, 4].flatMap((seed) => [1, 4].map((routers) => ({ seed, routers }))))(
    'p99 is at most half of round robin: %o',
    (settings) => {
      const { ours, roundRobin } = both({ nodes, ...settings });
      expect(quantileMs(ours.done, 0.99)).toBeLessThan(quantileMs(roundRobin.done, 0.99) / 2);
      // Between its stalls it is as good as the other.
      expectBetween(shareOf(ours, 'b'), 0.1, 0.45);
      expect(ours.ejections).toEqual([]);
    },
  );
});

describe('a replica three times as slow', () => {
  const nodes = [node('a', 1), node('b', 3)];

  test.each([20, 200, 500, 1_000])('gets less, and not nothing, at %i reads/s', (perSecond) => {
    const { ours, roundRobin } = both({ nodes, perSecond, forMs: 30_000_000 / perSecond / 2 });
    expectBetween(shareOf(ours, 'b'), 0.05, 0.35);
    expect(quantileMs(ours.done, 0.99)).toBeLessThan(quantileMs(roundRobin.done, 0.99));
    expect(ours.ejections).toEqual([]);
  });
});

describe('replicas that are nearly equal', () => {
  test.each([50, 500, 900])('1.0 against 1.05 ms at %i reads/s', (perSecond) => {
    const nodes = [node('a', 1, { workMs: () => 1 }), node('b', 1, { workMs: () => 1.05 })];
    expectBetween(shareOf(play({ nodes, perSecond }), 'b'), 0.4, 0.6);
  });

  test.each([1, 6])('under high load, with %i routers: no herd', (routers) => {
    const nodes = [node('a', 1), node('b', 1), node('c', 1)];
    const { ours, roundRobin } = both({ nodes, perSecond: 2_400, forMs: 20_000, routers });
    for (const { name } of nodes) expectBetween(shareOf(ours, name), 0.28, 0.39);
    // Routers that followed each other would fill one node while another stands idle.
    expect(quantileMs(ours.done, 0.99)).toBeLessThan(quantileMs(roundRobin.done, 0.99));
    for (let fromMs = 0; fromMs < 20_000; fromMs += 500) {
      for (const { name } of nodes) expect(shareOf(ours, name, fromMs, fromMs + 500)).toBeGreaterThan(0.2);
    }
  });
});

describe('a replica that fails at once', () => {
  const nodes = [node('a', 1), node('b', 1, { fails: () => true })];

  test('does not attract reads, even where nobody may be ejected', () => {
    const ours = play({ nodes, options: NO_EJECTION });
    expect(shareOf(ours, 'b')).toBeLessThan(0.01);
    expect(ours.lost).toBe(0);
  });

  test('is ejected for longer and longer', () => {
    const { ejections, lost } = play({ nodes, forMs: 60_000, options: { ejectJitter: 0 } });
    expect(ejections.map(({ node: name, fromMs, untilMs }) => [name, Math.round(untilMs - fromMs)])).toEqual(
      [2_000, 4_000, 8_000, 16_000, 32_000].slice(0, ejections.length).map((ms) => ['b', ms]),
    );
    expect(ejections.length).toBeGreaterThanOrEqual(3);
    expect(lost).toBe(0);
  });

  test('comes back slowly when it is well again, and fully', () => {
    const sick = [node('a', 1), node('b', 1, { fails: (nowMs) => nowMs > 5_000 && nowMs < 12_000 })];
    const ours = play({ nodes: sick, forMs: 60_000 });
    expect(shareOf(ours, 'b', 0, 5_000)).toBeGreaterThan(0.45);
    expect(shareOf(ours, 'b', 5_100, 12_000)).toBeLessThan(0.02);
    const backMs = Math.max(12_000, ...ours.ejections.map(({ untilMs }) => untilMs));
    expectBetween(shareOf(ours, 'b', backMs, backMs + 1_000), 0.01, 0.3);
    expect(shareOf(ours, 'b', backMs + 6_000)).toBeGreaterThan(0.45);
  });

  test('now and then only is left in, with fewer reads', () => {
    const flaky = [node('a', 1), node('b', 1, { fails: (_nowMs, random) => random() < 0.1 })];
    const ours = play({ nodes: flaky });
    expect(ours.ejections).toEqual([]);
    expectBetween(shareOf(ours, 'b'), 0.001, 0.2);
  });
});

describe('a replica that is far slower for long', () => {
  const slowUntil = (untilMs: number): SimulatedNode =>
    node('b', 1, {
      workers: 8,
      workMs: ({ nowMs, random }) => (nowMs > 5_000 && nowMs < untilMs ? 60 : 1) * exponential(random),
    });
  const well = (name: string) => node(name, 1, { workers: 8 });

  test('is ejected, and comes back', () => {
    const nodes = [well('a'), slowUntil(40_000)];
    const ours = play({ nodes, perSecond: 1_500, forMs: 100_000 });
    expect(new Set(ours.ejections.map((ejection) => ejection.node))).toEqual(new Set(['b']));
    expect(Math.min(...ours.ejections.map(({ fromMs }) => fromMs))).toBeGreaterThan(7_000);
    const backMs = Math.max(...ours.ejections.map(({ untilMs }) => untilMs));
    expect(backMs).toBeLessThan(80_000);
    expect(shareOf(ours, 'b', backMs + 6_000)).toBeGreaterThan(0.45);
  });

  test('two of three: one at a time is ejected, and the well one gets nearly all', () => {
    const slow = slowUntil(Number.POSITIVE_INFINITY);
    const ours = play({
      nodes: [well('a'), slow, { ...slow, name: 'c' }],
      perSecond: 1_500,
      forMs: 60_000,
    });
    for (const { fromMs, node: name } of ours.ejections) {
      expect(name).not.toBe('a');
      const others = ours.ejections.filter((e) => e.fromMs <= fromMs && e.untilMs > fromMs);
      expect(others).toHaveLength(1);
    }
    expect(shareOf(ours, 'a', 10_000)).toBeGreaterThan(0.9);
  });

  test('a cluster that slows down as a whole ejects nobody', () => {
    const nodes = [{ ...slowUntil(20_000), name: 'a' }, slowUntil(20_000)];
    const ours = play({ nodes, perSecond: 200 });
    expect(ours.ejections).toEqual([]);
    expectBetween(shareOf(ours, 'b'), 0.4, 0.6);
  });
});

describe('reads of very different cost', () => {
  test.each([
    { share: 0.002, perSecond: 1_000 },
    { share: 0.02, perSecond: 500 },
    { share: 0.2, perSecond: 60 },
    { share: 0.5, perSecond: 20 },
  ])('2 s reports beside 1 ms point reads eject nobody and starve nobody: %o', ({ share, perSecond }) => {
    const mixed = (name: string) =>
      node(name, 1, { workers: 60, workMs: ({ kind }) => (kind === 'report' ? 2_000 : 1) });
    const ours = play({
      nodes: [mixed('a'), mixed('b')],
      perSecond,
      forMs: 30_000,
      routers: 2,
      kindOf: (random) => (random() < share ? 'report' : 'point'),
    });
    expect(ours.ejections).toEqual([]);
    expectBetween(shareOf(ours, 'b'), 0.4, 0.6);
    expect(quantileMs(ours.done, 0.99, 'point')).toBeLessThan(5);
  });
});
