import { randomOf } from '../../../../load-tests/scenarios/lib/random.ts';
import { MIN_BLOCKS_FOR_INTERVAL, shuffled } from '../../../../load-tests/src/statistics.ts';
import type { BenchOptions } from './options.ts';
import { WORKLOADS, type Workload } from './protocol.ts';
import { SUBJECTS, type SubjectInfo } from './subjects/index.ts';

/** One slice of every subject, in an order of its own. */
export interface Round {
  readonly block: number;
  readonly order: readonly string[];
  /** Chooses the rows: the same for all subjects of the round. */
  readonly seed: number;
}

/**
 * Blocks of several short rounds rather than one long turn a subject: a machine that is shared slows down and recovers
 * within seconds, and what is divided by one another has to lie close together.
 */
export function planRounds(
  workload: Workload,
  subjects: readonly string[],
  { blocks, slices, seed }: Pick<BenchOptions, 'blocks' | 'slices' | 'seed'>,
): Round[] {
  const random = randomOf(seed, WORKLOADS.indexOf(workload));
  return Array.from({ length: blocks * slices }, (_, i) => ({
    block: Math.floor(i / slices),
    order: shuffled(subjects, random),
    seed: seed + i,
  }));
}

/** Anomalies are counted, not timed: half of the blocks do, but never so few that there is no interval. */
export const blocksOf = (workload: Workload, blocks: number): number =>
  workload === 'mixed' ? Math.min(blocks, Math.max(MIN_BLOCKS_FOR_INTERVAL, Math.ceil(blocks / 2))) : blocks;

/** The subjects of a run, `raw` first. Diagnostic ones only when they are named. */
export function chooseSubjects(
  options: Pick<BenchOptions, 'subjects' | 'workloads'>,
  engine: SubjectInfo['engines'][number],
): SubjectInfo[] {
  return SUBJECTS.filter(
    ({ name, engines, workloads, diagnostic }) =>
      engines.includes(engine) &&
      workloads.some((workload) => options.workloads.includes(workload)) &&
      (name === 'raw' || (options.subjects ? options.subjects.includes(name) : !diagnostic)),
  );
}
