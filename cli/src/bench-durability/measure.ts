import { readFileSync } from 'node:fs';
import { type Estimate, percentilesOf } from '@replication-lab/load-tests';
import { inTurns, pairedRatio } from '../bench/blocks.ts';
import { bringUp } from '../bring-up.ts';
import { DrillLoad } from '../drill/load.ts';
import { untilWhole } from '../drill/whole.ts';
import { openNativeLab } from '../native/lab.ts';
import { openRuntime } from '../open-runtime.ts';
import { stateDirectory } from '../paths.ts';
import type { LabContext } from '../runtime.ts';
import { type LabState, requireState } from '../state.ts';
import { pause } from '../wait.ts';

const DURABILITIES = ['async', 'quorum'] as const;
export type Durability = (typeof DURABILITIES)[number];

/** Latency of single-row commits, one after the other on one connection, in ms. */
export interface Latency {
  readonly p50: number;
  readonly p95: number;
}

/** What one supervisor uses. */
export interface SupervisorUse {
  readonly name: string;
  /** Of one core, 0.03 is 3 %. */
  readonly cpuShareOfCore: number;
  readonly memoryMiB: number;
}

export interface DurabilityCost {
  readonly engine: LabState['engine'];
  readonly runtime: 'native';
  readonly seed: number;
  readonly commitsPerBlock: number;
  /** One entry a block. */
  readonly blocks: readonly Readonly<Record<Durability, Latency>>[];
  /** Median commit with quorum over median commit without, of each block; its median and 95 % interval. */
  readonly ratio: Estimate | null;
  readonly supervisors: {
    readonly idle: readonly SupervisorUse[];
    readonly loaded: readonly SupervisorUse[];
  };
}

export interface CostOptions {
  readonly engine: LabState['engine'];
  readonly blocks: number;
  readonly seed: number;
  readonly commits: number;
  /** How long the supervisors are watched, once idle and once under load. */
  readonly watchMs: number;
}

const WARM_UP_COMMITS = 50;
const WHOLE_WITHIN_MS = 60_000;
const RATES = { writesPerSecond: 50, readsPerSecond: 500 } as const;

/**
 * What quorum commit costs while nothing fails: commit latency beside asynchronous replication, in blocks in which both take
 * turns in random order on the same servers, and what the supervisors use. Leaves the lab with quorum commit.
 */
export async function measureDurabilityCost(
  options: CostOptions,
  context: LabContext,
): Promise<DurabilityCost> {
  const { engine, seed, commits } = options;
  const blocks = await inTurns(DURABILITIES, options, async (durability, block) => {
    context.progress(`[${block}/${options.blocks}] ${commits} commits with ${durability}`);
    await useDurability(engine, durability, context);
    return commitLatency(commits);
  });
  await useDurability(engine, 'quorum', context);
  context.progress('watching the supervisors, under load and idle');
  // In this order: a process that has just been started costs more while its code is compiled, and that is no steady state.
  const loaded = await underLoad(() => watchSupervisors(options.watchMs, context.signal));
  const idle = await watchSupervisors(options.watchMs, context.signal);
  return {
    ...{ engine, runtime: 'native', seed, commitsPerBlock: commits, blocks },
    ratio: pairedRatio(
      blocks,
      ({ quorum }) => quorum.p50,
      ({ async }) => async.p50,
      seed,
    ),
    supervisors: { idle, loaded },
  };
}

async function useDurability(
  engine: LabState['engine'],
  durability: Durability,
  context: LabContext,
): Promise<void> {
  await bringUp({ engine, runtime: 'native', topology: 'replicated', durability }, context);
  if (durability === 'quorum') await untilWhole(await currentLab(), WHOLE_WITHIN_MS, context.signal);
}

const currentLab = async () => openRuntime(stateDirectory(), await requireState(stateDirectory()));

async function commitLatency(commits: number): Promise<Latency> {
  const stateDir = stateDirectory();
  const { plan, databases } = await openNativeLab(stateDir, await requireState(stateDir));
  const { nodes } = await (await currentLab()).observe();
  const primary = nodes.find(({ answer }) => answer?.role === 'primary')?.name;
  const endpoint = plan.endpoints.find(({ name }) => name === primary);
  if (!endpoint) throw new Error('no primary is open');
  const { client } = databases.engine;
  await using connection = await client.connect(endpoint, plan.accounts.app, { database: plan.database });
  const sql = `INSERT INTO users (name, email) VALUES ('Commit', ${client.placeholder(1)})`;
  const run = Date.now().toString(36);
  const times: number[] = [];
  for (let i = 0; i < WARM_UP_COMMITS + commits; i++) {
    const startedMs = performance.now();
    await connection.query(sql, [`commit-${run}-${i}@bench.test`], { timeoutMs: 10_000 });
    if (i >= WARM_UP_COMMITS) times.push(performance.now() - startedMs);
  }
  const { p50, p95 } = percentilesOf(times)!;
  return { p50, p95 };
}

async function watchSupervisors(ms: number, signal: AbortSignal): Promise<SupervisorUse[]> {
  const stateDir = stateDirectory();
  const { services, cgroups } = await openNativeLab(stateDir, await requireState(stateDir));
  const names = (await currentLab()).parts.filter((part) => part.startsWith('supervisor-'));
  const pids = await Promise.all(
    names.map(async (name) => ({ name, pid: (await services.process(name))!.pid })),
  );
  const startedMs = performance.now();
  const usages = () => Promise.all(pids.map(({ name, pid }) => cgroups.usage(name, pid)));
  const before = await usages();
  await pause(ms, signal);
  const after = await usages();
  const seconds = (performance.now() - startedMs) / 1000;
  return pids.map(({ name, pid }, i) => ({
    name,
    cpuShareOfCore: (after[i]!.cpuSeconds - before[i]!.cpuSeconds) / seconds,
    memoryMiB: memoryMiBOf(pid),
  }));
}

/** Resident now: VmRSS of proc(5), which counts in KiB. */
const memoryMiBOf = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;

async function underLoad<T>(work: () => Promise<T>): Promise<T> {
  const { urls } = await (await currentLab()).observe();
  const load = new DrillLoad(urls.api, `cost-${Date.now().toString(36)}`, RATES);
  try {
    await load.start();
    return await work();
  } finally {
    await load.stop();
  }
}
