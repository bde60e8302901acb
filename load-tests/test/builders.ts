import { noSamples, type Sample, type Samples } from '../src/samples.ts';
import type { NodeUtilisation, UsageSample, WindowUtilisation } from '../src/utilisation.ts';

export const START_MS = Date.parse('2026-11-23T10:00:00Z');

/** Samples of one run, second by second: how many reads, writes and failures were completed, how many dropped. */
export function runOf(
  seconds: readonly { reads: number; writes?: number; failed?: number; dropped?: number }[],
): Samples {
  const samples = noSamples();
  const spread = (list: Sample[], second: number, count: number) => {
    for (let i = 0; i < count; i++) {
      list.push({ atMs: START_MS + second * 1000 + (i * 1000) / count, value: 1, tags: {} });
    }
  };
  seconds.forEach(({ reads, writes = 0, failed = 0, dropped = 0 }, second) => {
    spread(samples.read_ms, second, reads);
    spread(samples.write_ms, second, writes);
    spread(samples.failed_requests, second, failed);
    spread(samples.dropped_iterations, second, dropped);
  });
  return samples;
}

/** CPU time that grows steadily, one sample a second. */
export function usageOf(
  seconds: number,
  cpus: Readonly<Record<string, number>>,
  idleCpus = 1,
): UsageSample[] {
  return Array.from({ length: seconds + 1 }, (_, i) => ({
    atMs: START_MS + i * 1000,
    nodes: Object.fromEntries(
      Object.entries(cpus).map(([node, used]) => [
        node,
        { cpuSeconds: 100 + used * i, throttledMs: 500 * i },
      ]),
    ),
    generatorCpuSeconds: 0.1 * i,
    hostIdleSeconds: 1000 + idleCpus * i,
  }));
}

export const useOf = (cpus: Readonly<Record<string, number>>, idleCpus = 1, k6 = 0.1): WindowUtilisation => ({
  nodes: Object.entries(cpus).map(
    ([node, used]): NodeUtilisation => ({ node, cpus: used, throttledPerSecond: null }),
  ),
  generatorCpus: k6,
  hostIdleCpus: idleCpus,
});
