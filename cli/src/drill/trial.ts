import type { EngineName } from '@replication-lab/engines';
import { randomOf } from '@replication-lab/load-tests';
import { messageOf } from '../errors.ts';
import type { LabRuntime } from '../runtime.ts';
import { waitUntilCaughtUp } from '../under-test/caught-up.ts';
import { throwIfAborted } from '../wait.ts';
import { BrokenParts } from './broken.ts';
import { cast } from './cast.ts';
import {
  answersOf,
  audit,
  doubleAcknowledgements,
  judgeReads,
  longestGapMs,
  type NodeTables,
} from './judge.ts';
import { DrillLoad, type LoadRates } from './load.ts';
import { type Moments, momentsSince, untilCalm } from './moments.ts';
import { perform, type Stage } from './perform.ts';
import { readTables } from './tables.ts';
import type { Scenario, Trial } from './types.ts';
import { untilWhole } from './whole.ts';

export interface TrialContext {
  readonly lab: LabRuntime;
  readonly stateDir: string;
  readonly engine: EngineName;
  readonly baseUrl: string;
  readonly rates: LoadRates;
  readonly commit: string;
  readonly signal: AbortSignal;
}

/** Under load before the fault: enough for every connection to be open and every session to have written. */
const WARM_UP_MS = 1_000;
const WHOLE_WITHIN_MS = 90_000;
const CAUGHT_UP_WITHIN_MS = 60_000;

/**
 * Breaks a lab that is whole under load, mends it, and judges what the clients were told by the tables of every node. The
 * lab is mended also when it throws. Throws LabError when the lab is not fit for a trial; what goes wrong after the fault
 * is a problem of the trial.
 */
export async function runTrial(scenario: Scenario, seed: number, context: TrialContext): Promise<Trial> {
  const { lab, stateDir, signal } = context;
  if (scenario.calmMs !== undefined) await untilCalm(lab, scenario.calmMs, signal);
  if (scenario.needs === 'clocks') await lab.giveClocks(signal);
  const at = new Date();
  const before = await untilWhole(lab, WHOLE_WITHIN_MS, signal);
  const random = randomOf(seed, 0);
  const broken = new BrokenParts(lab, stateDir);
  const prefix = `${scenario.name}-${seed}-${at.getTime().toString(36)}`;
  const load = new DrillLoad(context.baseUrl, prefix, context.rates);
  const stage: Stage = { lab, load, broken, random, signal, cast: cast(before, random), release: [] };
  const problems: string[] = [];
  try {
    await load.start();
    await perform({ do: 'wait', ms: WARM_UP_MS }, stage);
    const faultMs = performance.now();
    await play(scenario, stage, problems);
    const { rejoinMs, endedMs } = await mend(stage, problems);
    await load.stop();
    if (rejoinMs !== null) await waitUntilCaughtUp(lab, CAUGHT_UP_WITHIN_MS, signal);
    const { tables, unread } = await readTables(lab, prefix, rejoinMs !== null);
    problems.push(...unread);
    const moments = await momentsSince(lab, performance.timeOrigin + faultMs);
    return judged({
      scenario,
      seed,
      at,
      context,
      before,
      load,
      faultMs,
      endedMs,
      rejoinMs,
      tables,
      moments,
      problems,
    });
  } finally {
    await load.stop().catch(() => {});
    for (const release of stage.release) await release().catch(() => {});
    // Whatever happened, and also after Ctrl-C: the lab is left as it was found.
    await broken.healAll(AbortSignal.timeout(WHOLE_WITHIN_MS)).catch(() => {});
  }
}

/** A step that fails ends the fault, not the trial: the lab is mended and audited as after any other. */
async function play(scenario: Scenario, stage: Stage, problems: string[]): Promise<void> {
  try {
    for (const step of scenario.steps) await perform(step, stage);
  } catch (error) {
    throwIfAborted(stage.signal);
    problems.push(messageOf(error));
  }
}

async function mend(stage: Stage, problems: string[]) {
  const { lab, broken, signal } = stage;
  const startedMs = stage.mendedAtMs ?? performance.now();
  try {
    await broken.healAll(signal);
    await untilWhole(lab, WHOLE_WITHIN_MS, signal);
    const endedMs = performance.now();
    return { rejoinMs: endedMs - startedMs, endedMs };
  } catch (error) {
    throwIfAborted(signal);
    problems.push(`not whole again: ${messageOf(error)}`);
    return { rejoinMs: null, endedMs: performance.now() };
  }
}

interface Evidence {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly at: Date;
  readonly context: TrialContext;
  readonly before: { readonly primary: string | null; readonly epoch: number };
  readonly load: DrillLoad;
  readonly faultMs: number;
  readonly endedMs: number;
  readonly rejoinMs: number | null;
  readonly tables: readonly NodeTables[];
  readonly moments: Moments;
  readonly problems: readonly string[];
}

/** Pure: from what was seen to what it means. */
export function judged(seen: Evidence): Trial {
  const { scenario, context, before, load, faultMs, endedMs, tables, moments } = seen;
  const reigns = tables.map((table) => table.reigns).sort((a, b) => b.length - a.length)[0] ?? [];
  const newest = reigns.at(-1);
  const failover = newest !== undefined && newest.epoch > before.epoch;
  const { count: doubleAcks, epochOf } = doubleAcknowledgements(load.writes, reigns);
  const audited = audit(load.writes, tables, seen.rejoinMs !== null);
  const reads = judgeReads(load.reads);
  const during = { ...audited, ...reads, doubleAcks, failover };
  const inNewReign = load.writes.filter((write) => (epochOf.get(write) ?? 0) > before.epoch);
  const openedMs = moments.openedAtMs ? moments.openedAtMs - performance.timeOrigin : null;
  const firstAckMs = inNewReign.length > 0 ? Math.min(...inNewReign.map((write) => write.endedMs)) : null;
  return {
    version: 1,
    fault: scenario.name,
    engine: context.engine,
    runtime: context.lab.name,
    seed: seen.seed,
    at: seen.at.toISOString(),
    commit: context.commit,
    failover,
    promoted: failover ? newest.node : null,
    detectMs: moments.confirmedAtMs ? round(moments.confirmedAtMs - performance.timeOrigin - faultMs) : null,
    evidence: moments.evidence,
    promoteMs:
      moments.openedAtMs && moments.confirmedAtMs ? round(moments.openedAtMs - moments.confirmedAtMs) : null,
    rerouteMs: openedMs !== null && firstAckMs !== null ? round(Math.max(0, firstAckMs - openedMs)) : null,
    writeOutageMs: round(longestGapMs(load.writes, faultMs, endedMs)),
    readOutageMs: round(longestGapMs(load.reads, faultMs, endedMs)),
    ...audited,
    doubleAcks,
    reads: load.reads.length,
    ...reads,
    rejoinMs: seen.rejoinMs === null ? null : round(seen.rejoinMs),
    answers: answersOf(load.writes, load.reads),
    problems: [...seen.problems, ...whatBroke(scenario, during, load.unsent)],
  };
}

const round = (ms: number): number => Math.round(ms * 10) / 10;

type During = ReturnType<typeof audit> &
  ReturnType<typeof judgeReads> & { readonly doubleAcks: number; readonly failover: boolean };

/** What must not be, in words; how long things took is no matter of right or wrong. */
function whatBroke(scenario: Scenario, during: During, unsent: number): string[] {
  const broke: string[] = [];
  const never = (count: number, what: string) => {
    if (count > 0) broke.push(`${count} ${what}`);
  };
  never(during.lostWrites, 'acknowledged writes lost');
  never(during.doubleAcks, 'writes acknowledged by a reign that was over');
  never(during.duplicates, 'writes executed twice');
  never(during.refusedButDone, 'writes refused and done');
  never(during.sessionViolations, 'session reads that missed their own write');
  if (scenario.readsGoOn) never(during.readErrors, 'reads failed');
  if (scenario.writesGoOn) never(during.failedWrites + during.unknownWrites, 'writes failed or are unknown');
  never(unsent, 'requests not sent: too many were under way');
  if (scenario.failover === true && !during.failover) broke.push('no failover');
  if (scenario.failover === false && during.failover) broke.push('a failover that was not called for');
  return broke;
}
