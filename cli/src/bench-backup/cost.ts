import { backUp, isProof, prove } from '@replication-lab/backup';
import type { Ledger } from '@replication-lab/backup/testing';
import type { EngineName } from '@replication-lab/engines';
import { inTurns, pairedRatio, type Turns } from '../bench/blocks.ts';
import { othersClock } from '../bench/others.ts';
import { LabError } from '../errors.ts';
import type { LabContext } from '../runtime.ts';
import { pause } from '../wait.ts';
import { addBallast, makePlace, type Place, startLedger } from './place.ts';
import type { Cost, CostBlock, CostOf, Job } from './types.ts';

const ARMS = ['without', 'during'] as const;
type Arm = (typeof ARMS)[number];
const WRITERS = 8;
const WINDOW_MS = 15_000;
const DATA_MIB = 128;
const WARM_UP_MS = 3_000;

/** Does what is not to be measured, and returns what is: it can be done again and again. */
type Prepare = (place: Place, signal: AbortSignal) => Promise<() => Promise<Job>>;

const copying: Prepare =
  async ({ site, repository }, signal) =>
  async () => {
    const startedMs = performance.now();
    let beganMs = startedMs;
    const progress = (message: string) => {
      if (message.startsWith('copying')) beganMs = performance.now();
    };
    const { node } = await backUp(site, repository, progress, signal);
    return { tookMs: performance.now() - startedMs, waitedMs: beganMs - startedMs, node };
  };

const proving: Prepare = async ({ site, repository }, signal) => {
  const base = await backUp(site, repository, () => {}, signal);
  return async () => {
    const startedMs = performance.now();
    const restored = await prove(site, repository, base, () => {}, signal);
    if (!isProof(restored))
      throw new LabError(
        'not-proved',
        `the copy was not proved: ${restored.notCompared ?? 'it differs'}`,
        null,
      );
    return { tookMs: performance.now() - startedMs, waitedMs: 0, node: base.node };
  };
};

const JOBS: Readonly<Record<CostOf, Prepare>> = { copy: copying, proof: proving };

interface Window {
  readonly writes: number;
  readonly jobs: readonly Job[];
  readonly failed: number;
  readonly othersCores: number;
}

/**
 * Acknowledged writes with and without copies (or proofs) under way, under as many writes as eight connections can make: windows of
 * one block take turns in random order, on the same servers. A window with them lasts until the last of them has ended, so that each
 * is in it as a whole.
 */
export async function measureCost(
  engine: EngineName,
  of: CostOf,
  turns: Turns,
  context: LabContext,
): Promise<Cost> {
  await using place = await makePlace(engine, 3);
  await addBallast(place, DATA_MIB);
  const ledger = startLedger(place, WRITERS, 0);
  const others = othersClock();
  const measure = async (arm: Arm): Promise<Window> => {
    const job = arm === 'during' ? await JOBS[of](place, context.signal) : null;
    return measureWindow(ledger, others, job, context.signal);
  };
  const tell = (block: Record<Arm, Window>): boolean => {
    context.progress(wordBlock(block, of));
    return true;
  };
  try {
    await pause(WARM_UP_MS, context.signal);
    const blocks = (await inTurns(ARMS, turns, measure, tell)).map(blockOf);
    const ratio = pairedRatio(
      blocks,
      ({ during }) => during,
      ({ without }) => without,
      turns.seed,
    );
    return { of, blocks, windowMs: WINDOW_MS, dataMiB: DATA_MIB, ratio };
  } finally {
    await ledger.stop();
  }
}

async function measureWindow(
  ledger: Ledger,
  others: () => number,
  job: (() => Promise<Job>) | null,
  signal: AbortSignal,
): Promise<Window> {
  const before = { ms: performance.now(), writes: ledger.writes.length, failed: ledger.failures.length };
  const othersBefore = others();
  const jobs: Job[] = [];
  if (job) {
    do jobs.push(await job());
    while (performance.now() - before.ms < WINDOW_MS);
  } else {
    await pause(WINDOW_MS, signal);
  }
  const seconds = (performance.now() - before.ms) / 1000;
  return {
    jobs,
    writes: (ledger.writes.length - before.writes) / seconds,
    failed: ledger.failures.length - before.failed,
    othersCores: (others() - othersBefore) / seconds,
  };
}

const wordBlock = ({ without, during }: Record<Arm, Window>, of: CostOf): string =>
  `${without.writes.toFixed(0)} writes/s, ${during.writes.toFixed(0)} with a ${of} under way`;

const blockOf = ({ without, during }: Record<Arm, Window>): CostBlock => ({
  without: without.writes,
  during: during.writes,
  jobs: during.jobs,
  failed: without.failed + during.failed,
  othersCores: Math.max(without.othersCores, during.othersCores),
});
