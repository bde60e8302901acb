import type { Count, Level } from '../scenarios/lib/sessions.ts';
import type { Arm } from './lab-under-test.ts';
import type { Plateau, SecondOfRun } from './plateau.ts';
import type { LagFault } from './profile.ts';
import type { WindowUtilisation } from './utilisation.ts';

interface RunRecord {
  /** As it reads in the report: `block 1, single: throughput`. */
  readonly name: string;
  readonly block: number;
  readonly arm: Arm;
  /** Where its raw output is, below the results' directory. */
  readonly directory: string;
  readonly use: WindowUtilisation | null;
  /** Why it does not count, one reason each; empty when it does. */
  readonly rejected: readonly string[];
}

export interface ThroughputRecord extends RunRecord {
  readonly kind: 'throughput';
  readonly plateau: Plateau | null;
  readonly seconds: readonly SecondOfRun[];
}

export interface LatencyRecord extends RunRecord {
  readonly kind: 'latency';
  /** Share of the single node's capacity that was offered. */
  readonly share: number;
  readonly offeredPerSecond: number;
  readonly dropped: number;
  readonly readsMs: readonly number[];
  readonly writesMs: readonly number[];
}

export interface LevelRecord {
  readonly level: Level;
  readonly sessions: number;
  readonly failedRequests: number;
  readonly readYourWrites: Count;
  readonly monotonicReads: Count;
  readonly primaryReads: number;
  readonly readsMs: readonly number[];
}

export interface AnomalyRecord extends RunRecord {
  readonly kind: 'anomalies';
  readonly fault: LagFault;
  readonly levels: readonly LevelRecord[];
}

/** What the lab used with no load at all: health checks and the router's questions. */
export interface IdleRecord {
  readonly kind: 'idle';
  readonly block: number;
  readonly arm: Arm;
  readonly use: WindowUtilisation | null;
}

export type RunOrIdle = ThroughputRecord | LatencyRecord | AnomalyRecord | IdleRecord;

export const counts = (record: RunRecord): boolean => record.rejected.length === 0;
