import { checkOptions } from './options.ts';
import type { RouterOptions } from './types.ts';

/** All defaults and limits of the router, in one place. */
export const DEFAULTS = {
  writePoolSize: 5,
  readPoolSize: 10,
  /** Callers waiting for a connection, per pool. One more is told "overloaded" at once. */
  queueLimit: 100,
  acquireTimeoutMs: 2_000,
  connectTimeoutMs: 3_000,
  pollMs: 200,
  /** Polling while a replica is back and not yet proved. */
  fastPollMs: 40,
  /** A probe asked for out of turn comes no sooner after the last one. */
  minPollGapMs: 50,
  monitorConnectTimeoutMs: 1_000,
  /** A probe without an answer is given up and its connection with it. `silenceMs` notices a dead node before that. */
  probeTimeoutMs: 2_000,
  /** Reads wait at a node, and nothing has come from it for so long: sessions are not sent after them. */
  stallMs: 60,
  /** A node that answered neither probe nor statement for so long is down; reads waiting on it go elsewhere. */
  silenceMs: 1_000,
  /** The same for the primary. Longer, because nobody can stand in for it: a successor is known by its higher epoch. */
  primarySilenceMs: 2_000,
  /** A node that lives, but neither answered a probe promptly nor acknowledged a write for so long, is no primary. */
  primaryUnconfirmedMs: 5_000,
  notReplicatingGraceMs: 2_000,
  banMs: 1_000,
  maxLagMs: 10_000,
  readTimeoutMs: 5_000,
  writeTimeoutMs: 5_000,
  /** How long a write waits for a primary while there is none. */
  primaryWaitMs: 1_000,
  primaryWaiters: 100,
  /** Polling while there is no primary: each millisecond of it is an outage of writes. */
  hurriedPollMs: 25,
  /** How often it is seen to that every node that is up has connections for writes, should it become the primary. */
  warmEveryMs: 1_000,
  /** How long a session read waits for a replica to catch up before it burdens the primary. */
  sessionWaitMs: 100,
  /** Session reads that wait for one replica at once; one more goes on to the primary. */
  waitersPerNode: 1_000,
  /** How often a replica is asked for its position while somebody waits for it. */
  waitPollMs: 2,
  /** Reads of the primary that sessions may force, of all sessions together and of each. */
  primaryReadsPerSecond: 2_000,
  primaryReadsPerSessionPerSecond: 100,
  /** Sessions whose forced reads are counted at once; the one longest idle is forgotten. */
  countedSessions: 10_000,
  /** How long a read may wait until the primary shows all that the session's replica has shown. */
  settleTimeoutMs: 1_000,
  /** How long a read may wait for news when its token comes from a reign that this router has not heard of. */
  refreshTimeoutMs: 250,
  readyTimeoutMs: 10_000,
} as const;

export const MAX_POLL_MS = 250;

export interface Settings {
  readonly writePoolSize: number;
  readonly readPoolSize: number;
  readonly queueLimit: number;
  readonly pollMs: number;
  readonly maxLagMs: number;
  readonly readTimeoutMs: number;
  readonly writeTimeoutMs: number;
  readonly primaryWaitMs: number;
  readonly primaryWaiters: number;
  readonly sessionWaitMs: number;
  readonly primaryReadsPerSecond: number;
  readonly primaryReadsPerSessionPerSecond: number;
}

/** Options with defaults, checked. Throws RangeError naming the option: a wrong setting stops the start. */
export function resolveSettings(options: RouterOptions): Settings {
  checkOptions(options);
  return {
    writePoolSize: whole('pool.write', options.pool?.write ?? DEFAULTS.writePoolSize, 1, 1_000),
    readPoolSize: whole('pool.read', options.pool?.read ?? DEFAULTS.readPoolSize, 1, 1_000),
    queueLimit: whole('pool.queueLimit', options.pool?.queueLimit ?? DEFAULTS.queueLimit, 0, 100_000),
    pollMs: whole('pollMs', options.pollMs ?? DEFAULTS.pollMs, 10, MAX_POLL_MS),
    maxLagMs: whole('maxLagMs', options.maxLagMs ?? DEFAULTS.maxLagMs, 100, 86_400_000),
    readTimeoutMs: whole('readTimeoutMs', options.readTimeoutMs ?? DEFAULTS.readTimeoutMs, 1, 3_600_000),
    writeTimeoutMs: whole('writeTimeoutMs', options.writeTimeoutMs ?? DEFAULTS.writeTimeoutMs, 1, 3_600_000),
    primaryWaitMs: whole('primaryWaitMs', options.primaryWaitMs ?? DEFAULTS.primaryWaitMs, 0, 3_600_000),
    primaryWaiters: whole('primaryWaiters', options.primaryWaiters ?? DEFAULTS.primaryWaiters, 0, 100_000),
    sessionWaitMs: whole('sessionWaitMs', options.sessionWaitMs ?? DEFAULTS.sessionWaitMs, 0, 60_000),
    ...primaryReads(options.primaryReads),
  };
}

function primaryReads({ perSecond, perSessionPerSecond }: NonNullable<RouterOptions['primaryReads']> = {}) {
  const most = 1_000_000;
  return {
    primaryReadsPerSecond: whole(
      'primaryReads.perSecond',
      perSecond ?? DEFAULTS.primaryReadsPerSecond,
      0,
      most,
    ),
    primaryReadsPerSessionPerSecond: whole(
      'primaryReads.perSessionPerSecond',
      perSessionPerSecond ?? DEFAULTS.primaryReadsPerSessionPerSecond,
      0,
      most,
    ),
  };
}

function whole(name: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`${name}: ${value} is not a whole number from ${min} to ${max}`);
  }
  return value;
}
