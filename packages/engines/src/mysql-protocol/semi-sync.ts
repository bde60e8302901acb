import type { QuorumState } from '../failover.ts';
import type { Row } from '../types.ts';

/** Semi-synchronous replication on a source, as its variables and counters tell. */
export interface SemiSync {
  /** Asked for. */
  readonly enabled: boolean;
  /** Working: the server has not given it up. */
  readonly isOn: boolean;
  readonly timeoutMs: number;
  readonly waitPoint: string;
  /** A commit waits also while there is no replica at all. */
  readonly waitsAlone: boolean;
  /** Replicas that speak it. One that has gone may still be counted for a while. */
  readonly clients: number;
  /** Commits that wait for a confirmation now. */
  readonly waiting: number;
  /** Commits that were confirmed, and that were not, since the server started. */
  readonly confirmed: number;
  readonly unconfirmed: number;
}

/** The values of rows `name`, `value`, by their names without `prefix`: servers differ in how they spell them. */
export const valuesOf = (rows: readonly Row[], prefix: string): ReadonlyMap<string, string> =>
  new Map(rows.map(({ name, value }) => [String(name).toLowerCase().slice(prefix.length), String(value)]));

/** The part of `SemiSync` that both engines keep as status, under the same names. */
export function countersOf(
  values: ReadonlyMap<string, string>,
): Pick<SemiSync, 'isOn' | 'clients' | 'waiting' | 'confirmed' | 'unconfirmed'> {
  const count = (name: string) => Number(values.get(name) ?? 0);
  return {
    isOn: values.get('status') === 'ON',
    clients: count('clients'),
    waiting: count('wait_sessions'),
    confirmed: count('yes_tx'),
    unconfirmed: count('no_tx'),
  };
}

/** 2^32 - 1 ms are 49 days: MySQL's documented maximum, and nobody waits for so long. */
const ENDLESS_MS = 2 ** 32 - 1;

/** Do commits wait for a replica, with no way out? */
export const armedBy = (semiSync: SemiSync): boolean => troubleOf(semiSync) === null;

/** Why not; null when they do. */
export function troubleOf({ enabled, isOn, timeoutMs, waitPoint, waitsAlone }: SemiSync): string | null {
  if (!enabled) return 'semi-synchronous replication is not enabled';
  if (!isOn) return 'the server has given up waiting for replicas';
  if (timeoutMs < ENDLESS_MS) return `a commit waits for ${timeoutMs} ms only`;
  if (waitPoint !== 'AFTER_SYNC')
    return `commits wait ${waitPoint}: they can be read before they are confirmed`;
  return waitsAlone ? null : 'commits do not wait while there is no replica';
}

/** `replicas`: the accounts of those that are attached and speak semi-sync, as far as the server tells. */
export const quorumOf = (semiSync: SemiSync, replicas: readonly string[]): QuorumState => ({
  armed: armedBy(semiSync),
  trouble: troubleOf(semiSync),
  voters: null,
  confirming: semiSync.clients > 0 ? [...new Set(replicas)].sort() : [],
});
