import { describe, expect, it } from 'vitest';
import { inTurns, pairedRatio, wordRatio } from '../src/bench/blocks.ts';
import { busySeconds } from '../src/bench/others.ts';
import { capacityOf } from '../src/bench-monitoring/measure.ts';
import { renderMonitoringCost } from '../src/bench-monitoring/render.ts';
import type { Capacity, MonitoringCost } from '../src/bench-monitoring/types.ts';
import { planNative } from '../src/native/layout.ts';
import { haveAllAnswered, targetsOf } from '../src/native/monitoring.ts';

describe('arms in turns', () => {
  const arms = ['a', 'b'] as const;

  it('measures each arm once a block, one after the other, in an order that changes', async () => {
    const orders = new Set<string>();
    let order = '';
    const blocks = await inTurns(arms, { blocks: 10, seed: 1 }, async (arm, block) => {
      order += arm;
      if (order.length === 2) {
        orders.add(order);
        order = '';
      }
      return `${arm}${block}`;
    });
    expect(blocks).toHaveLength(10);
    expect(blocks[6]).toEqual({ a: 'a7', b: 'b7' });
    expect([...orders].sort()).toEqual(['ab', 'ba']);
  });

  it('measures a block again that does not count, and not for ever', async () => {
    let measured = 0;
    const every = async (counts: (n: number) => boolean) => {
      measured = 0;
      return inTurns(
        arms,
        { blocks: 2, seed: 1 },
        async () => ++measured,
        ({ a, b }) => counts(Math.max(a, b)),
      );
    };
    expect(await every((last) => last > 2)).toHaveLength(2);
    expect(measured).toBe(6);
    expect(await every(() => false)).toEqual([]);
    expect(measured).toBe(8);
  });

  it('divides within each block', () => {
    const blocks = [10, 100, 1000, 10_000, 100_000].map((below) => ({ above: below * 0.9, below }));
    const ratio = pairedRatio(
      blocks,
      ({ above }) => above,
      ({ below }) => below,
      1,
    );
    expect(ratio).toMatchObject({ median: expect.closeTo(0.9), low: expect.closeTo(0.9), blocks: 5 });
    expect(wordRatio(ratio)).toBe('0.90 (95 % interval 0.90 to 0.90)');
    expect(
      wordRatio(
        pairedRatio(
          blocks.slice(1, 4),
          ({ above }) => above,
          ({ below }) => below,
          1,
        ),
      ),
    ).toBe('0.90');
    expect(
      wordRatio(
        pairedRatio(
          [],
          () => 1,
          () => 1,
          1,
        ),
      ),
    ).toBe('unknown');
  });
});

it('counts as busy what is neither idle nor waiting for a disk', () => {
  expect(busySeconds('cpu  100 10 200 9999 8888 5 50 35 7 7\ncpu0 1 1 1\n')).toBe(4);
});

describe('what monitoring costs', () => {
  const plan = planNative('/state', {
    ...{ engine: 'mariadb', topology: 'replicated', durability: 'quorum', loopback: '127.7' },
    ...{ httpPort: 8080, statsPort: 8404, httpsPort: 8443, certificates: true, https: [] },
  } as const);
  const answer = (healths: readonly string[]) => ({
    data: { activeTargets: healths.map((health) => ({ health })) },
  });

  it('begins when Prometheus has had an answer of every part', () => {
    const { alertmanager: _, ...asked } = targetsOf(plan);
    const up = Object.values(asked)
      .flat()
      .map(() => 'up');
    expect(haveAllAnswered(answer(up), plan)).toBe(true);
    expect(haveAllAnswered(answer(up.slice(1)), plan)).toBe(false);
    expect(haveAllAnswered(answer([...up.slice(1), 'unknown']), plan)).toBe(false);
    expect(haveAllAnswered(answer([...up.slice(1), 'down']), plan)).toBe(false);
    expect(haveAllAnswered(null, plan)).toBe(false);
    expect(haveAllAnswered({}, plan)).toBe(false);
  });

  it('takes reads and writes of the plateau together, and knows no capacity without one', () => {
    const plateau = {
      fromMs: 0,
      toMs: 1,
      readsPerSecond: 190,
      writesPerSecond: 10,
      failedShare: 0,
      kneeAtSeconds: 1,
    };
    const node = { node: 'api-1', cpus: 0.5, throttledPerSecond: null };
    const others = { ...node, node: 'others', cpus: 0.4 };
    const use = { nodes: [node, others], generatorCpus: 0.2, hostIdleCpus: 0.1 };
    expect(capacityOf({ plateau, use }, 2)).toEqual({
      requestsPerSecond: 200,
      requestsPerCpuSecond: expect.closeTo(200 / 1.5),
      failedShare: 0,
      cpus: { 'api-1': 0.5, generator: 0.2, others: 0.4, idle: 0.1 },
    });
    expect(() => capacityOf({ plateau: null, use }, 2)).toThrow(/never brought the lab to its limit/);
  });

  it('shows every block, and what only monitoring uses', () => {
    const capacity = (requestsPerSecond: number, cpus: Capacity['cpus']): Capacity => ({
      ...{ requestsPerSecond, requestsPerCpuSecond: 100, failedShare: 0, cpus },
    });
    const cost: MonitoringCost = {
      ...{ engine: 'mariadb', runtime: 'native', seed: 1, users: 9, concurrency: 16, windowSeconds: 15 },
      blocks: [{ off: capacity(200, { idle: 0.1 }), on: capacity(196, { prometheus: 0.02, idle: 0 }) }],
      disturbed: [],
      ratio: { median: 0.98, low: null, high: null, blocks: 1 },
      perCpuSecond: { median: 0.975, low: 0.96, high: 0.99, blocks: 6 },
    };
    const text = renderMonitoringCost(cost);
    expect(text).toMatch(/^ {6}1 {4}200\.0 {4}196\.0 {4}0\.980 {4}0\.0 %$/m);
    expect(text).toContain('monitoring on / off: 0.98\n');
    expect(text).toContain('left to the lab: 0.97 (95 % interval 0.96 to 0.99) (1 blocks)');
    expect(text).toContain('cores used, on:  prometheus 0.020, idle 0.000');
  });
});
