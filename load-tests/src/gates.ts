import type { Arm } from './lab-under-test.ts';
import type { Plateau } from './plateau.ts';
import type { WindowUtilisation } from './utilisation.ts';

/**
 * When may a run be believed? Each rule returns its reasons against it, in words; none means that it counts. A capacity
 * is the databases' own only when they are at their limit and everything else is not.
 */
export const LIMITS = {
  /** The nodes that serve the reads use at least this share of their cap. */
  saturatedShare: 0.9,
  /** Everything else uses less than this share of what it could use. */
  otherShare: 0.7,
  /** The load generator, of the whole machine. */
  generatorShare: 0.8,
  /** Idle share of the whole machine, at least. */
  hostIdleShare: 0.1,
  /** Failed requests, of all. */
  failedShare: 0.01,
  /** Achieved share of an offered rate. */
  achievedShare: 0.99,
} as const;

/** Node is single-threaded, and HAProxy is held to the same: what one of them could use at most, in CPUs. */
const PROCESS_CPUS = 1;

export interface Surroundings {
  readonly arm: Arm;
  /** Null when no cap is applied: nothing can then be said about who is the bottleneck. */
  readonly capCpus: number | null;
  readonly hostCpus: number;
}

const isDatabase = (node: string): boolean => node.startsWith('db-');

/** The nodes that serve reads at level `eventual`. */
export const servesReads = (arm: Arm, node: string): boolean =>
  isDatabase(node) && (arm === 'single' ? node === 'db-1' : node !== 'db-1');

/** What a node could use at most, in CPUs; null when that is not known (an uncapped database). */
export function limitOf(node: string, capCpus: number | null): number | null {
  return isDatabase(node) ? capCpus : PROCESS_CPUS;
}

const inPercent = (share: number): string => `${Math.round(share * 100)} %`;

export function judgeThroughput(
  plateau: Plateau | null,
  use: WindowUtilisation | null,
  around: Surroundings,
): string[] {
  if (plateau === null) return ['the load never passed the knee, so this is not the capacity'];
  if (use === null) return ['the CPU accounting does not cover the plateau'];
  const against = [...judgeGenerator(use, around), ...judgeFailures(plateau.failedShare)];
  if (around.capCpus === null) return against;
  const serving = use.nodes.filter(({ node }) => servesReads(around.arm, node));
  const wanted = around.arm === 'single' ? 1 : 2;
  if (serving.length < wanted) against.push('the CPU time of the nodes that serve the reads is not known');
  for (const { node, cpus } of use.nodes) {
    const limit = limitOf(node, around.capCpus);
    if (limit === null) continue;
    const share = cpus / limit;
    if (servesReads(around.arm, node)) {
      if (share < LIMITS.saturatedShare) {
        against.push(
          `${node} serves reads and used only ${inPercent(share)} of its cap: something else was the limit`,
        );
      }
    } else if (share >= LIMITS.otherShare) {
      against.push(`${node} used ${inPercent(share)} of what it could: it may have been the limit`);
    }
  }
  return against;
}

export interface LatencyFacts {
  readonly offeredPerSecond: number;
  readonly achievedPerSecond: number;
  readonly dropped: number;
  readonly failedShare: number;
}

export function judgeLatency(
  facts: LatencyFacts,
  use: WindowUtilisation | null,
  around: Surroundings,
): string[] {
  const against = use === null ? ['the CPU accounting does not cover the run'] : judgeGenerator(use, around);
  if (facts.dropped > 0) {
    against.push(`${facts.dropped} iterations were dropped: the load was not offered as promised`);
  }
  if (facts.achievedPerSecond < LIMITS.achievedShare * facts.offeredPerSecond) {
    const [achieved, offered] = [facts.achievedPerSecond.toFixed(1), facts.offeredPerSecond.toFixed(1)];
    against.push(`${achieved} requests/s of the offered ${offered} were achieved`);
  }
  return [...against, ...judgeFailures(facts.failedShare)];
}

/** An anomaly count is of single sessions, so lost load only makes it smaller; but failures could hide anomalies. */
export function judgeAnomalies(facts: { sessions: number; failedShare: number }): string[] {
  if (facts.sessions === 0) return ['no session was completed'];
  return judgeFailures(facts.failedShare);
}

const judgeFailures = (failedShare: number): string[] =>
  failedShare > LIMITS.failedShare ? [`${inPercent(failedShare)} of the requests failed`] : [];

function judgeGenerator(use: WindowUtilisation, { hostCpus }: Surroundings): string[] {
  const against: string[] = [];
  const idle = use.hostIdleCpus / hostCpus;
  if (idle < LIMITS.hostIdleShare) against.push(`the machine was only ${inPercent(idle)} idle`);
  const generator = (use.generatorCpus ?? 0) / hostCpus;
  if (generator >= LIMITS.generatorShare) {
    against.push(`k6 used ${inPercent(generator)} of the machine: it may have been the limit`);
  }
  return against;
}
