import type { EngineName } from '@replication-lab/engines';
import type { Estimate } from '@replication-lab/load-tests';

export const PARTS = ['pitr', 'cost', 'gigabyte'] as const;
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

/** Acknowledged writes a second in two windows of one block, in random order. */
export interface CostBlock {
  readonly without: number;
  readonly during: number;
  /** How long each copy took that began in the window. The last one goes on after it. */
  readonly copyMs: readonly number[];
  readonly failed: number;
}

export interface Cost {
  readonly blocks: readonly CostBlock[];
  readonly windowMs: number;
  readonly dataMiB: number;
  /** Writes during a copy over writes without one, of each block; median and 95 % interval. */
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
  readonly gigabyte: Gigabyte | null;
}
