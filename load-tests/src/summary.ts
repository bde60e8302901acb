import type { Count, Level } from '../scenarios/lib/sessions.ts';
import type { Environment } from './host.ts';
import type { Arm } from './lab-under-test.ts';
import type { Demands, Prediction } from './model.ts';
import type { Profile } from './profile.ts';
import type { Estimate, Percentiles } from './statistics.ts';
import type { Claim } from './textbook.ts';

/** What `compare` found: printed with --json, saved as summary.json. Fields may be added, never renamed. */
export interface CompareSummary {
  readonly engine: string;
  readonly engineVersion: string;
  readonly runtime: string;
  /** The cap of each database node, in CPUs; null when none was applied (`capReason` says why). */
  readonly capCpus: number | null;
  readonly capReason: string | null;
  readonly blocks: number;
  readonly quick: boolean;
  readonly seed: number;
  readonly startedAt: string;
  readonly seconds: number;
  readonly environment: Environment;
  readonly profile: Profile;
  /** Null where nothing valid was measured. Latencies are those at the highest common rate. */
  readonly arms: Readonly<Record<Arm, ArmFigures>>;
  /** Replicated divided by single, paired within a block: above 1 is faster for rates, slower for times. */
  readonly ratios: Readonly<Record<RatioName, Estimate | null>>;
  readonly anomalies: readonly AnomalyFigures[];
  readonly utilisation: readonly UtilisationFigures[];
  readonly rejected: readonly { readonly run: string; readonly reason: string }[];
  readonly latency: readonly LatencyFigures[];
  /** Completed reads/s, second by second, of the first valid throughput run of each arm. */
  readonly ramps: readonly RampFigures[];
  readonly demands: Demands | null;
  readonly prediction: Prediction | null;
  readonly conclusion: Conclusion;
  readonly claims: readonly Claim[];
  readonly runs: readonly RunFigures[];
}

export interface ArmFigures {
  readonly readRps: number | null;
  readonly requestRps: number | null;
  readonly readP50Ms: number | null;
  readonly readP95Ms: number | null;
  readonly readP99Ms: number | null;
  readonly writeP50Ms: number | null;
  readonly writeP95Ms: number | null;
}

export const RATIO_NAMES = [
  'readRps',
  'requestRps',
  'readP50Ms',
  'readP95Ms',
  'readP99Ms',
  'writeP50Ms',
  'writeP95Ms',
] as const satisfies readonly (keyof ArmFigures)[];
export type RatioName = (typeof RATIO_NAMES)[number];

export interface LatencyFigures {
  readonly arm: Arm;
  /** Of the single node's capacity. */
  readonly share: number;
  readonly offeredPerSecond: number;
  readonly reads: Percentiles | null;
  readonly writes: Percentiles | null;
}

export interface AnomalyFigures {
  readonly level: Level;
  readonly fault: string;
  readonly readYourWrites: Count;
  readonly monotonicReads: Count;
  readonly sessions: number;
  readonly failedRequests: number;
  /** The price of the level: reads that the primary had to serve, and how long a read took. */
  readonly primaryReadShare: number | null;
  readonly readP50Ms: number | null;
  readonly readP95Ms: number | null;
}

export interface UtilisationFigures {
  readonly arm: Arm;
  readonly node: string;
  /** Of the cap (databases), of one CPU (API replicas, HAProxy: one thread), of the machine (k6, machine). */
  readonly cpuShareOfCap: number | null;
  readonly cpus: number;
  readonly limitCpus: number | null;
  /** Share of the time, averaged over the CPUs, for which the cap held it back. */
  readonly throttledShare: number | null;
  readonly servesReads: boolean;
}

export interface RampFigures {
  readonly arm: Arm;
  readonly readsPerSecond: readonly number[];
  readonly plateau: {
    readonly fromSecond: number;
    readonly toSecond: number;
    readonly readsPerSecond: number;
  };
}

export interface Conclusion {
  /** Replicated reads/s divided by single reads/s; null when the evidence does not carry it. */
  readonly speedUp: number | null;
  readonly bottleneckProved: boolean;
  readonly text: string;
}

/** One run with its gates, and where its raw output is. */
export interface RunFigures {
  readonly run: string;
  readonly kind: 'throughput' | 'latency' | 'anomalies';
  readonly directory: string;
  readonly valid: boolean;
  readonly readRps: number | null;
  readonly writeRps: number | null;
  readonly hostIdleCpus: number | null;
  readonly generatorCpus: number | null;
}
