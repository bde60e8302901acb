import type { Arm } from '../src/lab-under-test.ts';
import { findPlateau, perSecond } from '../src/plateau.ts';
import { type Profile, profileOf } from '../src/profile.ts';
import type {
  AnomalyRecord,
  IdleRecord,
  LatencyRecord,
  RunOrIdle,
  ThroughputRecord,
} from '../src/records.ts';
import { runOf, useOf } from './builders.ts';

export const profile = (blocks: number): Profile => ({ ...profileOf({ quick: false, blocks }) });

const common = (block: number, arm: Arm, kind: string) => ({
  name: `block ${block}, ${arm}: ${kind}`,
  block,
  arm,
  directory: `runs/${block}-${arm}-${kind}`,
  rejected: [],
});

const CPU: Record<Arm, Record<string, number>> = {
  single: { 'db-1': 0.198, 'api-1': 0.05, haproxy: 0.01 },
  replicated: { 'db-1': 0.006, 'db-2': 0.196, 'db-3': 0.194, 'api-1': 0.09, haproxy: 0.02 },
};

export function throughput(
  block: number,
  arm: Arm,
  reads: number,
  rejected: string[] = [],
): ThroughputRecord {
  const ramp = [5, 15].map((offered) => ({ reads: Math.min(offered, reads) }));
  const load = Array.from({ length: 12 }, () => ({ reads, writes: Math.round(reads / 19), dropped: 50 }));
  const samples = runOf([...ramp, ...load]);
  return {
    ...common(block, arm, 'throughput'),
    kind: 'throughput',
    plateau: findPlateau(samples),
    seconds: perSecond(samples),
    use: useOf(CPU[arm]),
    rejected,
  };
}

/** Read times spread evenly from half of to one and a half times the median. */
export function latency(block: number, arm: Arm, share: number, medianMs: number): LatencyRecord {
  const spread = (count: number) =>
    Array.from({ length: count }, (_, i) => medianMs * (0.5 + (i + 0.5) / count));
  return {
    ...common(block, arm, `latency ${share}`),
    kind: 'latency',
    share,
    offeredPerSecond: 32 * share,
    dropped: 0,
    readsMs: spread(600),
    writesMs: spread(30),
    use: useOf(CPU[arm]),
  };
}

export function anomalies(block: number, stale: number): AnomalyRecord {
  const level = (name: 'eventual' | 'session', violations: number, primaryReads: number) => ({
    level: name,
    sessions: 100,
    failedRequests: 0,
    readYourWrites: { violations, eligible: 200 },
    monotonicReads: { violations: Math.floor(violations / 10), eligible: 100 },
    primaryReads,
    readsMs: Array.from({ length: 200 }, (_, i) => 5 + i / 100),
  });
  return {
    ...common(block, 'replicated', 'anomalies'),
    kind: 'anomalies',
    arm: 'replicated',
    fault: { name: 'both replicas 1 s late', lagSeconds: 1, nodes: null, durationSeconds: 20 },
    levels: [level('eventual', stale, 0), level('session', 0, 150)],
    use: useOf(CPU.replicated),
  };
}

export const idle = (block: number, arm: Arm): IdleRecord => ({
  kind: 'idle',
  block,
  arm,
  use: useOf({ 'db-1': 0.003 }),
});

/** A whole comparison: `reads` of the replicated arm in each block, 30 in the single one. */
export const comparison = (replicatedReads: readonly number[]): RunOrIdle[] =>
  replicatedReads.flatMap((reads, i) => [
    idle(i + 1, 'single'),
    throughput(i + 1, 'single', 30),
    latency(i + 1, 'single', 0.5, 60),
    latency(i + 1, 'single', 0.8, 120),
    idle(i + 1, 'replicated'),
    throughput(i + 1, 'replicated', reads),
    latency(i + 1, 'replicated', 0.5, 50),
    latency(i + 1, 'replicated', 0.8, 60),
    anomalies(i + 1, 40),
  ]);
