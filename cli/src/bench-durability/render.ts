import { wordRatio } from '../bench/blocks.ts';
import type { DurabilityCost, SupervisorUse } from './measure.ts';

/** For a person. */
export function renderDurabilityCost({
  engine,
  blocks,
  commitsPerBlock,
  ratio,
  supervisors,
}: DurabilityCost): string {
  const ms = (value: number) => `${value.toFixed(2)} ms`.padStart(10);
  const lines = blocks.map(
    ({ async, quorum }, i) =>
      `  ${String(i + 1).padStart(5)}${ms(async.p50)}${ms(quorum.p50)}${ms(async.p95)}${ms(quorum.p95)}`,
  );
  const use = ({ name, cpuShareOfCore, memoryMiB }: SupervisorUse) =>
    `${name} ${(cpuShareOfCore * 100).toFixed(1)} % of a core, ${memoryMiB.toFixed(0)} MiB`;
  return [
    `${engine}: commits of one row, one after the other, ${commitsPerBlock} a block and durability`,
    '  block async p50 quorum p50 async p95 quorum p95',
    ...lines,
    `  quorum / async, median commit: ${wordRatio(ratio)}`,
    `  supervisors, idle:       ${supervisors.idle.map(use).join('; ')}`,
    `  supervisors, under load: ${supervisors.loaded.map(use).join('; ')}`,
  ].join('\n');
}
