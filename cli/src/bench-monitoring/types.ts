import type { EngineName } from '@replication-lab/engines';
import type { Estimate } from '@replication-lab/load-tests';

export const ARMS = ['off', 'on'] as const;
export type Arm = (typeof ARMS)[number];

/** One run past the knee: what was completed while the lab could do no more. */
export interface Capacity {
  readonly requestsPerSecond: number;
  /** Share of all requests. */
  readonly failedShare: number;
  /** Cores used, by part; `generator` is k6, `others` no children of this command, `idle` what nobody used. */
  readonly cpus: Readonly<Record<string, number>>;
}

export interface MonitoringCost {
  readonly engine: EngineName;
  readonly runtime: 'native';
  readonly seed: number;
  readonly users: number;
  readonly concurrency: number;
  readonly windowSeconds: number;
  readonly blocks: readonly Readonly<Record<Arm, Capacity>>[];
  /** Requests a second with monitoring over those without, of each block; median and 95 % interval. */
  readonly ratio: Estimate | null;
}

export interface MonitoringCostOptions {
  readonly engine: EngineName;
  readonly blocks: number;
  readonly seed: number;
  /** How long the lab is held past the knee, in each arm of each block. */
  readonly windowSeconds: number;
}
