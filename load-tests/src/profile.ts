import { LEVELS, type Level } from '../scenarios/lib/sessions.ts';
import type { Arm } from './lab-under-test.ts';

export interface CompareOptions {
  readonly quick: boolean;
  /** Times every arm is measured; the profile's own when left out. */
  readonly blocks?: number;
  /** The cap of each database node, in CPUs. */
  readonly capCpus?: number;
  readonly seed?: number;
  /** Seeded users. */
  readonly users?: number;
  /** `results` of the checkout: a directory `compare/TIME` is made below. */
  readonly resultsDir: string;
}

/** One state of replication under which anomalies are counted. */
export interface LagFault {
  readonly name: string;
  readonly lagSeconds: number;
  /** Which replicas are late; null for all. */
  readonly nodes: readonly string[] | null;
  readonly durationSeconds: number;
}

/** How long everything takes and how hard it is driven. All figures of the measurement are on this page. */
export interface Profile {
  readonly blocks: number;
  readonly capCpus: number;
  readonly seed: number;
  readonly users: number;
  readonly warmUpSeconds: number;
  readonly rampSeconds: number;
  readonly holdSeconds: number;
  /** Requests under way at once beyond the knee: enough to keep every connection of every pool busy, not to queue. */
  readonly concurrency: number;
  /** Offered rates of the latency runs, as shares of the single arm's capacity. The last one makes the headline. */
  readonly latencyShares: readonly number[];
  readonly latencySeconds: number;
  readonly lagFaults: readonly LagFault[];
  readonly levels: readonly Level[];
  /** Sessions a second, for each level. */
  readonly sessionRate: number;
  /** The textbook's fixed wait (level `delayed`). */
  readonly delayedMs: number;
}

const common = {
  capCpus: 0.2,
  seed: 1,
  users: 100_000,
  concurrency: 16,
  levels: LEVELS,
  sessionRate: 10,
  delayedMs: 500,
} as const;

const lagFaults = (seconds: { none: number; all: number; one: number }): LagFault[] => [
  { name: 'none', lagSeconds: 0, nodes: null, durationSeconds: seconds.none },
  { name: 'both replicas 1 s late', lagSeconds: 1, nodes: null, durationSeconds: seconds.all },
  { name: 'db-3 alone 2 s late', lagSeconds: 2, nodes: ['db-3'], durationSeconds: seconds.one },
];

const QUICK = {
  ...common,
  blocks: 1,
  warmUpSeconds: 4,
  rampSeconds: 4,
  holdSeconds: 12,
  latencyShares: [0.8],
  latencySeconds: 12,
  lagFaults: lagFaults({ none: 5, all: 10, one: 8 }),
} as const satisfies Profile;

const FULL = {
  ...common,
  blocks: 5,
  warmUpSeconds: 10,
  rampSeconds: 15,
  holdSeconds: 30,
  latencyShares: [0.5, 0.8],
  latencySeconds: 30,
  lagFaults: lagFaults({ none: 15, all: 20, one: 20 }),
} as const satisfies Profile;

export function profileOf(options: Omit<CompareOptions, 'resultsDir'>): Profile {
  const base: Profile = options.quick ? QUICK : FULL;
  return {
    ...base,
    blocks: options.blocks ?? base.blocks,
    capCpus: options.capCpus ?? base.capCpus,
    seed: options.seed ?? base.seed,
    users: options.users ?? base.users,
  };
}

/** Half again of what two nodes could do if a read cost no more than this: far enough past any knee. */
const CHEAPEST_READ_MS = 4;
const HIGHEST_RATE = 400;

/** Where the ramp ends, in requests a second; the same for both arms. `cpus` is what one database node may use. */
export const topRateOf = (cpus: number): number =>
  Math.min(HIGHEST_RATE, Math.round((1.5 * 2 * cpus * 1000) / CHEAPEST_READ_MS));

export const ARMS: readonly Arm[] = ['single', 'replicated'];
