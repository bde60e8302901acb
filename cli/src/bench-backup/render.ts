import { percentilesOf } from '@replication-lab/load-tests';
import { wordRatio } from '../bench/blocks.ts';
import type { BenchBackup, Cost, Gigabyte, Job, Pitr } from './types.ts';

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** For a person. */
export function renderBenchBackup({ engine, pitr, cost, proof, gigabyte }: BenchBackup): string {
  return [
    ...(pitr ? pitrLines(engine, pitr) : []),
    ...(cost ? costLines(engine, cost) : []),
    ...(proof ? costLines(engine, proof) : []),
    ...(gigabyte ? gigabyteLines(engine, gigabyte) : []),
  ].join('\n');
}

function pitrLines(engine: string, { trials, writes, failed }: Pitr): string[] {
  const of = (kind: string) => trials.filter((trial) => trial.kind === kind).length;
  const total = (key: 'expected' | 'missing' | 'extra' | 'different') =>
    sum(trials.map((trial) => trial[key]));
  const took = percentilesOf(trials.map(({ tookMs }) => tookMs));
  return [
    `${engine}: ${trials.length} restores to random moments under write load (${of('position')} positions, ${of('time')} times)`,
    `  rows compared ${total('expected')}: missing ${total('missing')}, extra ${total('extra')}, different ${total('different')}`,
    `  ${writes} acknowledged writes meanwhile, ${failed} failed`,
    took
      ? `  a restore took ${seconds(took.p50)} (median), ${seconds(Math.max(...trials.map((t) => t.tookMs)))} at most`
      : '',
  ];
}

function costLines(engine: string, { of, blocks, windowMs, dataMiB, ratio }: Cost): string[] {
  const job = ({ tookMs, waitedMs, node }: Job) =>
    `${seconds(tookMs)} (${node}${waitedMs < 1000 ? '' : `, of it ${seconds(waitedMs)} until it had caught up`})`;
  return [
    `${engine}: acknowledged writes a second of 8 connections, ${dataMiB} MiB of data, windows of ${windowMs / 1000} s and more; others: cores`,
    `  block  without   during   failed  others   a ${of} took`,
    ...blocks.map(
      ({ without, during, jobs, failed, othersCores }, i) =>
        `  ${String(i + 1).padStart(5)}${without.toFixed(0).padStart(9)}${during.toFixed(0).padStart(9)}${String(failed).padStart(9)}${othersCores.toFixed(2).padStart(8)}   ${jobs.map(job).join(', ')}`,
    ),
    `  during / without: ${wordRatio(ratio)}`,
  ];
}

const gigabyteLines = (engine: string, { bytes, backUpMs, restoreMs, plainCopyMs }: Gigabyte): string[] => [
  `${engine}: ${Math.round(bytes / 2 ** 20)} MiB backed up in ${seconds(backUpMs)}, restored and every row read in ${seconds(restoreMs)}`,
  `  a plain copy of the restored files: ${seconds(plainCopyMs)}`,
];
