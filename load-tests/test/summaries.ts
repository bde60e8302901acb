import { conclude } from '../src/conclusion.ts';
import type { RunOrIdle } from '../src/records.ts';
import { summarise } from '../src/summarise.ts';
import type { CompareSummary } from '../src/summary.ts';
import { claimsWith } from '../src/textbook.ts';
import { profile } from './records.ts';

/** The summary that these records give, with a version that must be escaped. */
export function summaryOf(
  records: readonly RunOrIdle[],
  blocks: number,
  capCpus: number | null = 0.2,
): CompareSummary {
  const around = { profile: profile(blocks), capCpus, hostCpus: 2 };
  const figures = summarise(records, around);
  const { single, replicated } = figures.arms;
  return {
    engine: 'mariadb',
    engineVersion: '10.11.19-MariaDB <b>&"',
    runtime: 'native',
    capCpus,
    capReason: capCpus === null ? 'cgroups cannot be written here' : null,
    blocks,
    quick: blocks === 1,
    seed: 1,
    startedAt: '2026-11-23T10:00:00.000Z',
    seconds: 120,
    environment: {
      cpuModel: 'AMD EPYC',
      cpus: 2,
      memoryGiB: 23.4,
      kernel: 'Linux 6.18',
      node: 'v24.21.0',
      k6: 'v2.2.0',
      loadAverage: 0.5,
    },
    profile: around.profile,
    ...figures,
    conclusion: conclude(figures, capCpus, capCpus === null ? 'cgroups cannot be written here' : null),
    claims: claimsWith({
      requestRps:
        single.requestRps && replicated.requestRps
          ? { before: single.requestRps, after: replicated.requestRps, ratio: figures.ratios.requestRps }
          : null,
      readP50Ms: null,
      writeP50Ms: null,
      readP95Ratio: null,
    }),
  };
}
