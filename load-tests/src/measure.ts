import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Level } from '../scenarios/lib/sessions.ts';
import { judgeAnomalies, judgeLatency, judgeThroughput, type Surroundings } from './gates.ts';
import { runK6 } from './k6-run.ts';
import type { Arm, LabUnderTest } from './lab-under-test.ts';
import { findPlateau, perSecond } from './plateau.ts';
import { type LagFault, type Profile, topRateOf } from './profile.ts';
import type { AnomalyRecord, IdleRecord, LatencyRecord, LevelRecord, ThroughputRecord } from './records.ts';
import { type Samples, total, type Window, within } from './samples.ts';
import { recordUsage } from './usage-recorder.ts';
import { utilisationOver } from './utilisation.ts';

/** What every run of one comparison shares. */
export interface Session {
  readonly lab: LabUnderTest;
  readonly profile: Profile;
  /** The comparison's own directory; every run makes one of its own below. */
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly hostCpus: number;
  /** Null when no cap is applied. */
  readonly capCpus: number | null;
  /** Where the ramp ends, in requests a second; from the cores when it is left out. */
  readonly topRate?: number;
}

/** Which run this is: its place in the plan, its name for people and for files. */
export interface RunName {
  readonly block: number;
  readonly arm: Arm;
  readonly name: string;
  readonly slug: string;
  /** The same requests in both arms of a block; other ones in another block. */
  readonly seed: number;
}

const around = (session: Session, { arm }: RunName): Surroundings => ({
  arm,
  capCpus: session.capCpus,
  hostCpus: session.hostCpus,
});

const base = (session: Session, { name, block, arm, slug }: RunName) => {
  const directory = join(session.directory, 'runs', slug);
  return { name, block, arm, directory: relative(session.directory, directory) };
};

/** Fills caches and lets Node compile what it will run, with no cap: nothing of it is kept. */
export async function warmUp(session: Session, run: RunName): Promise<void> {
  const { profile, lab } = session;
  const seconds = profile.warmUpSeconds;
  const env = {
    SEED: run.seed + 1,
    USERS: profile.users,
    CONCURRENCY: 16,
    START_RATE: 100,
    TOP_RATE: 300,
    RAMP_S: 1,
    HOLD_S: seconds - 1,
  };
  const directory = join(session.directory, 'runs', run.slug);
  await runK6(lab, { scenario: 'throughput', directory, env, seconds }, session.signal);
}

export async function measureIdle(session: Session, run: RunName, seconds: number): Promise<IdleRecord> {
  const fromMs = Date.now();
  const recording = recordUsage(session.lab);
  await sleep(seconds * 1000, undefined, { signal: session.signal });
  await recording[Symbol.asyncDispose]();
  const { samples } = recording;
  const window = { fromMs: samples[0]?.atMs ?? fromMs, toMs: samples.at(-1)?.atMs ?? Date.now() };
  return { kind: 'idle', block: run.block, arm: run.arm, use: utilisationOver(samples, window) };
}

export async function measureThroughput(session: Session, run: RunName): Promise<ThroughputRecord> {
  const { profile } = session;
  const facts = base(session, run);
  const { samples, usage } = await runK6(
    session.lab,
    {
      scenario: 'throughput',
      directory: join(session.directory, facts.directory),
      env: {
        SEED: run.seed,
        USERS: profile.users,
        CONCURRENCY: profile.concurrency,
        TOP_RATE: session.topRate ?? topRateOf(session.capCpus ?? session.hostCpus),
        RAMP_S: profile.rampSeconds,
        HOLD_S: profile.holdSeconds,
      },
      seconds: profile.rampSeconds + profile.holdSeconds,
    },
    session.signal,
  );
  const plateau = findPlateau(samples);
  const use = plateau === null ? null : utilisationOver(usage, plateau);
  const rejected = judgeThroughput(plateau, use, around(session, run));
  return { ...facts, kind: 'throughput', plateau, seconds: perSecond(samples), use, rejected };
}

/** Connections are new and queues still empty in the first second of a run: it is left out. */
const SKIP_MS = 1000;

export async function measureLatency(
  session: Session,
  run: RunName,
  share: number,
  offeredPerSecond: number,
): Promise<LatencyRecord> {
  const { profile } = session;
  const facts = base(session, run);
  const seconds = profile.latencySeconds;
  // The scenario's own granularity: tenths of a request a second.
  const rate = Math.round(offeredPerSecond * 10) / 10;
  const { samples, usage } = await runK6(
    session.lab,
    {
      scenario: 'latency',
      directory: join(session.directory, facts.directory),
      env: { SEED: run.seed, USERS: profile.users, RATE: rate, DURATION_S: seconds },
      seconds,
    },
    session.signal,
  );
  const window = loadWindow(samples, seconds);
  const use = utilisationOver(usage, window);
  const dropped = total(samples.dropped_iterations);
  const failed = total(samples.failed_requests);
  const done = samples.read_ms.length + samples.write_ms.length + failed;
  const judged = {
    offeredPerSecond: rate,
    achievedPerSecond: done / seconds,
    dropped,
    failedShare: failed / Math.max(1, done),
  };
  const kept = { fromMs: window.fromMs + SKIP_MS, toMs: Infinity };
  return {
    ...facts,
    kind: 'latency',
    share,
    offeredPerSecond: rate,
    dropped,
    readsMs: within(samples.read_ms, kept).map(({ value }) => value),
    writesMs: within(samples.write_ms, kept).map(({ value }) => value),
    use,
    rejected: judgeLatency(judged, use, around(session, run)),
  };
}

/** When load was offered: from the first answer, for as long as was asked for (less a second for the edges). */
function loadWindow(samples: Samples, seconds: number): Window {
  const firsts = [samples.read_ms[0], samples.write_ms[0], samples.failed_requests[0]];
  const fromMs = Math.min(...firsts.flatMap((sample) => (sample ? [sample.atMs] : [])));
  return { fromMs, toMs: fromMs + (seconds - 1) * 1000 };
}

/** Counts anomalies at every level, with replicas held back as the fault says. */
export async function measureAnomalies(
  session: Session,
  run: RunName,
  fault: LagFault,
): Promise<AnomalyRecord> {
  const { lab, profile, signal } = session;
  const facts = base(session, run);
  const forced =
    fault.lagSeconds > 0 ? await lab.forceLag(fault.lagSeconds, signal, fault.nodes ?? undefined) : null;
  try {
    const env = {
      SEED: run.seed,
      USERS: profile.users,
      LEVELS: profile.levels.join(','),
      RATE: profile.sessionRate,
      DURATION_S: fault.durationSeconds,
      DELAYED_MS: profile.delayedMs,
      ROW_OFFSET: run.seed % profile.users,
    };
    const directory = join(session.directory, facts.directory);
    const seconds = fault.durationSeconds;
    const { samples, usage } = await runK6(lab, { scenario: 'anomalies', directory, env, seconds }, signal);
    const levels = profile.levels.map((level) => countLevel(samples, level));
    const sessions = levels.reduce((sum, level) => sum + level.sessions, 0);
    const failedShare = total(samples.failed_requests) / Math.max(1, sessions * 3);
    const use = utilisationOver(usage, usageWindow(samples));
    const rejected = judgeAnomalies({ sessions, failedShare });
    return { ...facts, kind: 'anomalies', fault, levels, use, rejected };
  } finally {
    await forced?.[Symbol.asyncDispose]();
  }
}

function usageWindow(samples: Samples): Window {
  return { fromMs: samples.sessions[0]?.atMs ?? 0, toMs: samples.sessions.at(-1)?.atMs ?? 0 };
}

/** What the sessions of one level counted. */
export function countLevel(samples: Samples, level: Level): LevelRecord {
  const of = (list: Samples[keyof Samples]) => list.filter(({ tags }) => tags.level === level);
  const reads = of(samples.session_read_ms);
  return {
    level,
    sessions: total(of(samples.sessions)),
    failedRequests: total(of(samples.failed_requests)),
    readYourWrites: {
      violations: total(of(samples.ryw_violations)),
      eligible: total(of(samples.ryw_eligible)),
    },
    monotonicReads: {
      violations: total(of(samples.mr_violations)),
      eligible: total(of(samples.mr_eligible)),
    },
    primaryReads: reads.filter(({ tags }) => tags.role === 'primary').length,
    readsMs: reads.map(({ value }) => value),
  };
}
