import type { EngineName } from '@replication-lab/engines';
import type { Rivalry, Row, Verdict } from './figures.ts';
import type { Workload } from './protocol.ts';

export const SUMMARY_FORMAT = 1;

export interface WorkloadSummary {
  readonly workload: Workload;
  readonly blocks: number;
  readonly rows: readonly Row[];
  readonly verdicts: readonly Verdict[];
  readonly rivalries: readonly Rivalry[];
}

/** One run on one engine: results/bench-router/ENGINE.json. */
export interface BenchSummary {
  readonly format: typeof SUMMARY_FORMAT;
  readonly engine: EngineName;
  readonly engineVersion: string;
  readonly startedAt: string;
  readonly seconds: number;
  readonly quick: boolean;
  readonly seed: number;
  readonly concurrency: number;
  readonly slices: number;
  readonly measureMs: number;
  readonly users: number;
  /** The commit of the router, with `+` when files had changed since. */
  readonly commit: string;
  readonly environment: {
    readonly cpuModel: string;
    readonly cpus: number;
    readonly kernel: string;
    readonly node: string;
    /** What else the machine was doing: the load of the minute before. */
    readonly loadAverage: number;
  };
  /** Versions of what was measured. */
  readonly versions: Readonly<Record<string, string>>;
  readonly workloads: readonly WorkloadSummary[];
  /** Which calls of each subject were measured. */
  readonly how: Readonly<Record<string, string>>;
  readonly notRun: readonly { readonly subject: string; readonly reason: string }[];
}
