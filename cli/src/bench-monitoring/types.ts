import type { EngineName } from '@replication-lab/engines';
import type { Estimate } from '@replication-lab/load-tests';

export const ARMS = ['off', 'on'] as const;
export type Arm = (typeof ARMS)[number];

/** One run past the knee: what was completed while the lab could do no more. */
export interface Capacity {
  readonly requestsPerSecond: number;
  /** For each second of CPU that the lab and the load generator had. */
  readonly requestsPerCpuSecond: number;
  /** Share of all requests. */
  readonly failedShare: number;
  /** Cores used, by part; `generator` is k6, `others` no children of this command, `idle` what nobody used. */
  readonly cpus: Readonly<Record<string, number>>;
}

export type Block = Readonly<Record<Arm, Capacity>>;

export interface MonitoringCost {
  readonly engine: EngineName;
  readonly runtime: 'native';
  readonly seed: number;
  readonly users: number;
  readonly concurrency: number;
  readonly windowSeconds: number;
  readonly blocks: readonly Block[];
  /** Blocks in which others used too much of the machine: no part of `ratio`. */
  readonly disturbed: readonly Block[];
  /** Requests a second with monitoring over those without, of each block; median and 95 % interval. */
  readonly ratio: Estimate | null;
  /** The same of requests for each second of CPU, over all blocks: what others take is no part of it. */
  readonly perCpuSecond: Estimate | null;
}

export interface MonitoringCostOptions {
  readonly engine: EngineName;
  readonly blocks: number;
  readonly seed: number;
  /** How long the lab is held past the knee, in each arm of each block. */
  readonly windowSeconds: number;
}
