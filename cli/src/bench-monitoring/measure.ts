import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type LabUnderTest,
  measureThroughput,
  profileOf,
  type RunName,
  type Session,
  type ThroughputRecord,
  warmUp,
} from '@replication-lab/load-tests';
import { MONITORING } from '@replication-lab/monitoring';
import { inTurns, pairedRatio } from '../bench/blocks.ts';
import { OTHERS_CORES_MAX, othersClock } from '../bench/others.ts';
import { bringUp } from '../bring-up.ts';
import { LabError } from '../errors.ts';
import type { LabContext } from '../runtime.ts';
import { openSwitch } from './switch.ts';
import {
  ARMS,
  type Arm,
  type Block,
  type Capacity,
  type MonitoringCost,
  type MonitoringCostOptions,
} from './types.ts';

/** Nearly at once: how the lab gets to its limit is measured by `./lab compare`. */
const RAMP_SECONDS = 2;
/** For each core; an uncapped lab takes about 200. */
const OFFERED_PER_SECOND = 400;

/**
 * What the lab can serve with and without what `--with monitoring` adds: the load of `./lab compare` held past the knee, no node
 * capped, so that all processes share the machine's cores and every one of them takes from the others. Blocks in which both take
 * turns in random order, on the same lab. Leaves the lab up, with monitoring as it was last.
 */
export async function measureMonitoringCost(
  options: MonitoringCostOptions,
  context: LabContext,
): Promise<MonitoringCost> {
  const { engine, seed, windowSeconds } = options;
  const { signal, progress } = context;
  const request = { engine, runtime: 'native', topology: 'replicated', with: [MONITORING] } as const;
  const lab = await (await bringUp(request, context)).underTest();
  const monitoring = await openSwitch();
  const profile = {
    ...profileOf({ quick: false, seed, blocks: options.blocks }),
    ...{ rampSeconds: RAMP_SECONDS, holdSeconds: windowSeconds },
  };
  progress(`${profile.users} users, seeded where they are missing`);
  await lab.seed(profile.users, signal);
  const directory = await mkdtemp(join(tmpdir(), 'bench-monitoring-'));
  try {
    const session: Session = {
      ...{ lab: alsoWatching(lab, monitoring), profile, directory, signal },
      ...{ hostCpus: availableParallelism(), capCpus: null },
      topRate: OFFERED_PER_SECOND * availableParallelism(),
    };
    progress('warming up');
    await warmUp(session, nameOf('off', 0, seed));
    const measure = async (arm: Arm, block: number): Promise<Capacity> => {
      progress(`[${block}/${options.blocks}] monitoring ${arm}`);
      await (arm === 'on' ? monitoring.on(signal) : monitoring.off());
      return capacityOf(await measureThroughput(session, nameOf(arm, block, seed)), session.hostCpus);
    };
    const disturbed: Block[] = [];
    const counts = (block: Block): boolean => {
      const most = Math.max(...ARMS.map((arm) => block[arm].cpus.others ?? 0));
      if (most <= OTHERS_CORES_MAX) return true;
      progress(`once more: others used ${most.toFixed(2)} cores of this machine meanwhile`);
      disturbed.push(block);
      return false;
    };
    const blocks = await inTurns(ARMS, options, measure, counts);
    const { users, concurrency } = profile;
    return {
      ...{ engine, runtime: 'native', seed, users, concurrency, windowSeconds, blocks, disturbed },
      ratio: ratioOf(blocks, 'requestsPerSecond', seed),
      perCpuSecond: ratioOf([...blocks, ...disturbed], 'requestsPerCpuSecond', seed),
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const ratioOf = (
  blocks: readonly Block[],
  figure: 'requestsPerSecond' | 'requestsPerCpuSecond',
  seed: number,
) =>
  pairedRatio(
    blocks,
    ({ on }) => on[figure],
    ({ off }) => off[figure],
    seed,
  );

function alsoWatching(lab: LabUnderTest, monitoring: Pick<LabUnderTest, 'usage'>): LabUnderTest {
  const others = othersClock();
  return {
    ...lab,
    usage: async () => ({
      ...(await lab.usage()),
      ...(await monitoring.usage()),
      others: { cpuSeconds: others(), throttledMs: null },
    }),
  };
}

/** Both arms of a block get the same requests. */
const nameOf = (arm: Arm, block: number, seed: number): RunName => ({
  ...{ block, arm: 'replicated', name: `monitoring ${arm}`, slug: `${block}-${arm}` },
  seed: seed * 1_000_000 + block,
});

/**
 * Pure. LabError `not-saturated` when there was no limit to see. The gates of `./lab compare` do not apply: there the databases
 * alone are to be the limit, here the machine is.
 */
export function capacityOf(
  { plateau, use }: Pick<ThroughputRecord, 'plateau' | 'use'>,
  hostCpus: number,
): Capacity {
  if (!plateau || !use)
    throw new LabError(
      'not-saturated',
      'the load never brought the lab to its limit, so there is nothing to compare',
      'measure on fewer cores (taskset -c 0,1 ./lab bench monitoring)',
    );
  const parts: Record<string, number> = Object.fromEntries(use.nodes.map(({ node, cpus }) => [node, cpus]));
  const requestsPerSecond = plateau.readsPerSecond + plateau.writesPerSecond;
  return {
    requestsPerSecond,
    requestsPerCpuSecond: requestsPerSecond / (hostCpus - use.hostIdleCpus - (parts.others ?? 0)),
    failedShare: plateau.failedShare,
    cpus: { ...parts, generator: use.generatorCpus ?? 0, idle: use.hostIdleCpus },
  };
}
