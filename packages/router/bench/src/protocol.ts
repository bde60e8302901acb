import type { Credentials, Endpoint, EngineName } from '@replication-lab/engines';
import type { Count } from '../../../../load-tests/scenarios/lib/sessions.ts';

export const WORKLOADS = ['reads', 'writes', 'mixed'] as const;
export type Workload = (typeof WORKLOADS)[number];

/** What a subject's process is told of the databases. */
export interface Setup {
  readonly engine: EngineName;
  readonly nodes: readonly Endpoint[];
  /** Name of the node that takes writes, for subjects that have to be told. */
  readonly primary: string;
  readonly accounts: {
    readonly app: Credentials;
    readonly appReadOnly: Credentials;
    readonly monitor: Credentials;
  };
  readonly database: string;
  readonly concurrency: number;
  /** Connections at most, per pool and node. */
  readonly poolSize: number;
  /** Users 1 to `users` are there. Writes touch the first half, the mixed workload the second. */
  readonly users: number;
  /** The rows that nobody but this subject writes in the mixed workload. */
  readonly own: { readonly from: number; readonly count: number };
}

export type Order =
  | { readonly kind: 'open'; readonly setup: Setup }
  /** Whatever has to be there before the first slice of a workload: sessions, compiled code, open connections. */
  | { readonly kind: 'prepare'; readonly workload: Workload; readonly ms: number }
  | {
      readonly kind: 'run';
      readonly workload: Workload;
      readonly warmUpMs: number;
      readonly measureMs: number;
      /** The same for every subject of a slice: all ask for the same rows. */
      readonly seed: number;
    }
  /** Percentiles over all slices of a workload so far. */
  | { readonly kind: 'latency'; readonly workload: Workload }
  | { readonly kind: 'start-profile' }
  | { readonly kind: 'stop-profile'; readonly file: string }
  | { readonly kind: 'close' };

export type Reply =
  | { readonly kind: 'done' }
  | { readonly kind: 'opened'; readonly how: string }
  | { readonly kind: 'slice'; readonly slice: Slice }
  | { readonly kind: 'latency'; readonly latency: Latency }
  /** This subject cannot run here at all. */
  | { readonly kind: 'not-run'; readonly reason: string }
  | { readonly kind: 'failed'; readonly error: string };

/** One short stretch of load on one subject. */
export interface Slice {
  readonly operations: number;
  readonly wallMs: number;
  /** User and system time of the subject's whole process meanwhile, its own background work included. */
  readonly cpuMs: number;
  readonly reads: number;
  readonly readsOnPrimary: number;
  readonly readYourWrites: Count;
  readonly monotonicReads: Count;
  readonly errors: number;
  readonly firstError: string | null;
}

export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly samples: number;
}
