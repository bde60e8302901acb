import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { conclude, rejections } from './conclusion.ts';
import { MeasureError } from './errors.ts';
import { readEnvironment } from './host.ts';
import { k6VersionOf } from './k6-run.ts';
import type { CapResult, LabUnderTest } from './lab-under-test.ts';
import {
  measureAnomalies,
  measureIdle,
  measureLatency,
  measureThroughput,
  type RunName,
  type Session,
  warmUp,
} from './measure.ts';
import { nameOfStep, planSteps, type Step, secondsOfStep } from './plan.ts';
import { type CompareOptions, profileOf } from './profile.ts';
import { counts, type LatencyRecord, type RunOrIdle, type ThroughputRecord } from './records.ts';
import { renderReport } from './report/html.ts';
import { summarise } from './summarise.ts';
import type { CompareSummary } from './summary.ts';
import { claimsWith } from './textbook.ts';

/** Where the work is: `doing` changes with every step, the times many times in between. */
export interface Progress {
  readonly doing: string;
  readonly step: number;
  readonly steps: number;
  readonly leftSeconds: number;
}

export interface CompareResult {
  readonly summary: CompareSummary;
  /** Holds summary.json, report.html and runs/, with k6's raw output of each run. */
  readonly directory: string;
  readonly reportFile: string;
}

const IDLE_SECONDS = 2;
const TELL_EVERY_MS = 1000;

/**
 * Measures the same load against one node and against the replicated lab, and writes the results below
 * `options.resultsDir`. Lifts the cap at the end, whatever happens; the arm is left as it was last.
 * @throws MeasureError; AbortError when the signal says so
 */
export async function runCompare(
  lab: LabUnderTest,
  options: CompareOptions,
  progress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<CompareResult> {
  const profile = profileOf(options);
  const started = new Date();
  const directory = await newDirectory(options.resultsDir, started);
  const environment = readEnvironment(await k6VersionOf(lab, directory));
  const steps = planSteps(profile);
  const course: Course = { records: [], cap: null, baseRate: null };
  const teller = createTeller(
    steps.map((step) => secondsOfStep(step, profile)),
    progress,
  );
  try {
    teller.begin(0, `${profile.users} users, seeded where they are missing`);
    await lab.seed(profile.users, signal);
    const session = { lab, profile, directory, signal, hostCpus: availableParallelism() };
    for (const [i, step] of steps.entries()) {
      teller.begin(i, nameOfStep(step, profile));
      const capCpus = course.cap?.applied === false ? null : profile.capCpus;
      await runStep({ ...session, capCpus }, step, i, course);
    }
    const around = {
      profile,
      hostCpus: session.hostCpus,
      capCpus: course.cap?.applied ? profile.capCpus : null,
    };
    const figures = summarise(course.records, around);
    const conclusion = conclude(figures, around.capCpus, course.cap?.reason ?? null);
    const summary: CompareSummary = {
      engine: lab.engine,
      engineVersion: lab.engineVersion,
      runtime: lab.runtime,
      capCpus: around.capCpus,
      capReason: course.cap?.reason ?? null,
      blocks: profile.blocks,
      quick: options.quick,
      seed: profile.seed,
      startedAt: started.toISOString(),
      seconds: Math.round((Date.now() - started.getTime()) / 1000),
      environment,
      profile,
      ...figures,
      rejected: rejections(figures, conclusion),
      conclusion,
      claims: claimsOf(figures),
    };
    return { summary, directory, reportFile: await writeResults(directory, summary) };
  } finally {
    teller.end();
    await lab.capDatabases(null);
  }
}

/** What the steps so far have brought. */
interface Course {
  readonly records: RunOrIdle[];
  cap: CapResult | null;
  /** Requests a second of the single node: the base of every offered rate, fixed once for all blocks. */
  baseRate: number | null;
}

async function runStep(session: Session, step: Step, index: number, course: Course): Promise<void> {
  const { records } = course;
  const { lab, profile, signal } = session;
  const run = (suffix = ''): RunName => ({
    block: step.block,
    arm: step.arm,
    name: nameOfStep(step, profile) + suffix,
    slug: `${String(index + 1).padStart(2, '0')}-block-${step.block}-${step.arm}-${step.kind}${suffix.replaceAll(' ', '-').replaceAll(',', '')}`,
    // Steps of one kind in one block make the same requests in both arms.
    seed: profile.seed * 1000 + step.block * 10,
  });
  switch (step.kind) {
    case 'arm':
      await lab.capDatabases(null);
      await lab.useArm(step.arm, signal);
      await warmUp(session, run());
      course.cap = await lab.capDatabases(profile.capCpus);
      records.push(await measureIdle(session, run(), IDLE_SECONDS));
      return;
    case 'throughput':
      return repeatOnce(records, (suffix) => measureThroughput(session, run(suffix)));
    case 'latency': {
      course.baseRate ??= capacityOf(records);
      const rate = step.share * course.baseRate;
      return repeatOnce(records, (suffix) => measureLatency(session, run(suffix), step.share, rate));
    }
    case 'anomalies':
      // Counted, not timed, and at a rate of writes that a capped primary could not follow. The next arm is capped anew.
      await lab.capDatabases(null);
      records.push(await measureAnomalies(session, { ...run(), seed: run().seed + index * 997 }, step.fault));
  }
}

/** A run that fails a gate is listed as rejected and made once more; a second failure stands. */
async function repeatOnce(
  records: RunOrIdle[],
  measure: (suffix: string) => Promise<ThroughputRecord | LatencyRecord>,
): Promise<void> {
  const first = await measure('');
  records.push(first);
  if (first.rejected.length > 0) records.push(await measure(', again'));
}

/** All requests a second of the single node: of a run that counts, or else of one that was rejected. */
function capacityOf(records: readonly RunOrIdle[]): number {
  const plateaus = (counted: boolean) =>
    records.flatMap((record) =>
      record.kind === 'throughput' && record.arm === 'single' && record.plateau && counts(record) === counted
        ? [record.plateau.readsPerSecond + record.plateau.writesPerSecond]
        : [],
    );
  const [rate] = [...plateaus(true), ...plateaus(false)];
  if (rate !== undefined) return rate;
  throw new MeasureError(
    'no-capacity',
    "the single node's capacity could not be measured: the load never passed its knee",
    'run it again on a quieter machine, or with a smaller --cap',
  );
}

function claimsOf({ arms, ratios }: ReturnType<typeof summarise>): CompareSummary['claims'] {
  const row = (name: 'requestRps' | 'readP50Ms' | 'writeP50Ms') => {
    const [before, after] = [arms.single[name], arms.replicated[name]];
    return before === null || after === null ? null : { before, after, ratio: ratios[name] };
  };
  return claimsWith({
    requestRps: row('requestRps'),
    readP50Ms: row('readP50Ms'),
    writeP50Ms: row('writeP50Ms'),
    readP95Ratio: ratios.readP95Ms,
  });
}

async function newDirectory(resultsDir: string, started: Date): Promise<string> {
  const time = started.toISOString().slice(0, 19).replaceAll(':', '-');
  const directory = join(resultsDir, 'compare', time);
  await mkdir(join(directory, 'runs'), { recursive: true });
  return directory;
}

async function writeResults(directory: string, summary: CompareSummary): Promise<string> {
  const reportFile = join(directory, 'report.html');
  await writeFile(join(directory, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
  await writeFile(reportFile, renderReport(summary));
  const latest = join(directory, '../latest');
  await rm(latest, { force: true });
  await symlink(basename(directory), latest).catch(() => {}); // a convenience only
  return reportFile;
}

/** Tells once a second what runs and how long is left: what the steps are expected to take, less what has passed. */
function createTeller(secondsOfSteps: readonly number[], progress: (progress: Progress) => void) {
  let current = { step: 0, doing: '', sinceMs: performance.now() };
  const tell = () => {
    const passed = (performance.now() - current.sinceMs) / 1000;
    const [now = 0, ...later] = secondsOfSteps.slice(current.step);
    const leftSeconds = Math.max(0, now - passed) + later.reduce((sum, seconds) => sum + seconds, 0);
    progress({ doing: current.doing, step: current.step + 1, steps: secondsOfSteps.length, leftSeconds });
  };
  const timer = setInterval(tell, TELL_EVERY_MS);
  return {
    begin(step: number, doing: string) {
      current = { step, doing, sinceMs: performance.now() };
      tell();
    },
    end: () => clearInterval(timer),
  };
}
