import type { EngineName } from '@replication-lab/engines';
import type { Estimate } from '@replication-lab/load-tests';

export const PARTS = ['pitr', 'cost', 'proof', 'gigabyte'] as const;
export type Part = (typeof PARTS)[number];

/** One restore to a random moment. */
export interface PitrTrial {
  readonly kind: 'time' | 'position';
  readonly target: string;
  /** Rows of the ledger that must be there. */
  readonly expected: number;
  readonly missing: number;
  readonly extra: number;
  readonly different: number;
  readonly pieces: number;
  readonly tookMs: number;
}

export interface Pitr {
  readonly trials: readonly PitrTrial[];
  /** Acknowledged writes while the trials went on, and writes that failed. */
  readonly writes: number;
  readonly failed: number;
}

/** Whose cost is measured. */
export type CostOf = 'copy' | 'proof';

/** One copy or proof in a window. */
export interface Job {
  readonly tookMs: number;
  /** Of that: until a replica had caught up, or the primary was taken instead. */
  readonly waitedMs: number;
  /** The node that was copied. */
  readonly node: string;
}

/** Acknowledged writes a second in two windows of one block, in random order. */
export interface CostBlock {
  readonly without: number;
  readonly during: number;
  readonly jobs: readonly Job[];
  readonly failed: number;
  /** Used by processes that are no children of this command, in the window where they used more. */
  readonly othersCores: number;
}

export interface Cost {
  readonly of: CostOf;
  readonly blocks: readonly CostBlock[];
  /** At least: a window with copies lasts until the last of them has ended. */
  readonly windowMs: number;
  readonly dataMiB: number;
  /** Writes during over writes without, of each block; median and 95 % interval. */
  readonly ratio: Estimate | null;
}

export interface Gigabyte {
  readonly bytes: number;
  readonly backUpMs: number;
  /** Until the restored server has answered with every row of every table. */
  readonly restoreMs: number;
  readonly plainCopyMs: number;
}

export interface BenchBackup {
  readonly engine: EngineName;
  readonly seed: number;
  readonly pitr: Pitr | null;
  readonly cost: Cost | null;
  readonly proof: Cost | null;
  readonly gigabyte: Gigabyte | null;
}
