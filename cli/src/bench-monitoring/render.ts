import { median } from '@replication-lab/load-tests';
import { wordRatio } from '../bench/blocks.ts';
import { ARMS, type Arm, type Block, type MonitoringCost } from './types.ts';

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** For a person. */
export function renderMonitoringCost({ blocks, ratio, ...cost }: MonitoringCost): string {
  const all = [...blocks, ...cost.disturbed];
  const lines = blocks.map(({ off, on }, i) =>
    [
      `  ${String(i + 1).padStart(5)}`,
      off.requestsPerSecond.toFixed(1).padStart(9),
      on.requestsPerSecond.toFixed(1).padStart(9),
      (on.requestsPerSecond / off.requestsPerSecond).toFixed(3).padStart(9),
      percent(Math.max(off.failedShare, on.failedShare)).padStart(9),
    ].join(''),
  );
  return [
    `${cost.engine}: requests a second at the limit of the machine, ${cost.concurrency} under way, ${cost.users} users, ${cost.windowSeconds} s each`,
    '  block      off       on   on/off   failed',
    ...lines,
    `  monitoring on / off: ${wordRatio(ratio)}`,
    `  on / off, for each second of CPU that was left to the lab: ${wordRatio(cost.perCpuSecond)} (${all.length} blocks)`,
    ...ARMS.map((arm) => `  cores used, ${`${arm}:`.padEnd(4)} ${wordCpus(all, arm)}`),
    ...(cost.disturbed.length === 0
      ? []
      : [`  left out of the first ratio, because others used the machine: ${cost.disturbed.length} blocks`]),
  ].join('\n');
}

/** The median over the blocks, of each part that was seen in all of them. */
function wordCpus(blocks: readonly Block[], arm: Arm): string {
  const names = Object.keys(blocks[0]?.[arm].cpus ?? {});
  return names
    .flatMap((name) => {
      const values = blocks.flatMap((block) => block[arm].cpus[name] ?? []);
      return values.length < blocks.length ? [] : [`${name} ${median(values).toFixed(3)}`];
    })
    .join(', ');
}
