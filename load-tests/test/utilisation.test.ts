import { describe, expect, it } from 'vitest';
import { utilisationOver } from '../src/utilisation.ts';
import { START_MS, usageOf } from './builders.ts';

const window = (from: number, to: number) => ({ fromMs: START_MS + from * 1000, toMs: START_MS + to * 1000 });

describe('use over a window', () => {
  it('is the difference between its ends, interpolated between samples', () => {
    const use = utilisationOver(usageOf(10, { 'db-1': 0.2, 'api-1': 0.05 }, 1.4), window(2.5, 7.3))!;
    expect(use.nodes.map(({ node }) => node)).toEqual(['db-1', 'api-1']);
    expect(use.nodes[0]!.cpus).toBeCloseTo(0.2, 6);
    expect(use.nodes[0]!.throttledPerSecond).toBeCloseTo(0.5, 6);
    expect(use.generatorCpus).toBeCloseTo(0.1, 6);
    expect(use.hostIdleCpus).toBeCloseTo(1.4, 6);
  });

  it('is that of the window alone', () => {
    const samples = usageOf(10, { 'db-1': 0.2 }).map((sample, i) =>
      i < 5
        ? sample
        : { ...sample, nodes: { 'db-1': { cpuSeconds: 100 + 0.2 * 5 + (i - 5), throttledMs: null } } },
    );
    expect(utilisationOver(samples, window(1, 5))!.nodes[0]!.cpus).toBeCloseTo(0.2, 6);
    expect(utilisationOver(samples, window(6, 10))!.nodes[0]).toMatchObject({ throttledPerSecond: null });
    expect(utilisationOver(samples, window(6, 10))!.nodes[0]!.cpus).toBeCloseTo(1, 6);
  });

  it('leaves out a node that was restarted or came late', () => {
    const samples = usageOf(10, { 'db-1': 0.2, 'db-2': 0.1 }).map((sample, i) => ({
      ...sample,
      nodes:
        i < 4
          ? { 'db-1': sample.nodes['db-1']! }
          : { ...sample.nodes, 'db-1': { cpuSeconds: i, throttledMs: null } },
    }));
    expect(utilisationOver(samples, window(2, 8))!.nodes).toEqual([]);
    expect(utilisationOver(samples, window(5, 8))!.nodes.map(({ node }) => node)).toEqual(['db-1', 'db-2']);
  });

  it('is unknown where the samples do not reach', () => {
    expect(utilisationOver([], window(1, 2))).toBeNull();
    expect(utilisationOver(usageOf(10, { 'db-1': 0.2 }), window(8, 12))).toBeNull();
    expect(utilisationOver(usageOf(10, { 'db-1': 0.2 }), window(-1, 5))).toBeNull();
  });

  it('does without a generator it cannot see', () => {
    const samples = usageOf(5, { 'db-1': 0.2 }).map((sample) => ({ ...sample, generatorCpuSeconds: null }));
    expect(utilisationOver(samples, window(1, 4))!.generatorCpus).toBeNull();
  });
});
