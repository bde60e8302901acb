import { backUp } from '@replication-lab/backup';
import type { Ledger } from '@replication-lab/backup/testing';
import type { EngineName } from '@replication-lab/engines';
import { inTurns, pairedRatio, type Turns } from '../bench/blocks.ts';
import type { LabContext } from '../runtime.ts';
import { pause } from '../wait.ts';
import { addBallast, makePlace, type Place, startLedger } from './place.ts';
import type { Cost, CostBlock } from './types.ts';

const ARMS = ['without', 'during'] as const;
const WRITERS = 8;
const WINDOW_MS = 10_000;
const DATA_MIB = 128;
const WARM_UP_MS = 3_000;

interface Window {
  readonly writes: number;
  readonly copyMs: readonly number[];
  readonly failed: number;
}

/**
 * Acknowledged writes with and without a copy under way, under as many writes as eight connections can make: windows of one block take
 * turns in random order, on the same servers.
 */
export async function measureCost(engine: EngineName, turns: Turns, context: LabContext): Promise<Cost> {
  await using place = await makePlace(engine, 3);
  await addBallast(place, DATA_MIB);
  const ledger = startLedger(place, WRITERS, 0);
  const measure = async (arm: (typeof ARMS)[number]): Promise<Window> => {
    const failedBefore = ledger.failures.length;
    const copying = arm === 'during' ? copyOver(place, context.signal) : null;
    const writes = await writesPerSecond(ledger, context.signal);
    const copyMs = (await copying?.end()) ?? [];
    return { writes, copyMs, failed: ledger.failures.length - failedBefore };
  };
  let told = 0;
  const tell = ({ without, during }: Record<(typeof ARMS)[number], Window>) => {
    context.progress(
      `[${++told}/${turns.blocks}] ${without.writes.toFixed(0)} writes/s, ${during.writes.toFixed(0)} during copies`,
    );
    return true;
  };
  try {
    await pause(WARM_UP_MS, context.signal);
    const windows = await inTurns(ARMS, turns, measure, tell);
    const blocks = windows.map(blockOf);
    const ratio = pairedRatio(
      blocks,
      ({ during }) => during,
      ({ without }) => without,
      turns.seed,
    );
    return { blocks, windowMs: WINDOW_MS, dataMiB: DATA_MIB, ratio };
  } finally {
    await ledger.stop();
  }
}

const blockOf = ({ without, during }: Record<(typeof ARMS)[number], Window>): CostBlock => ({
  without: without.writes,
  during: during.writes,
  copyMs: during.copyMs,
  failed: without.failed + during.failed,
});

async function writesPerSecond(ledger: Ledger, signal: AbortSignal): Promise<number> {
  const startedMs = performance.now();
  const before = ledger.writes.length;
  await pause(WINDOW_MS, signal);
  return (ledger.writes.length - before) / ((performance.now() - startedMs) / 1000);
}

/** One copy after the other. `end` waits for the one that is under way, and says how long each took. */
function copyOver({ site, repository }: Place, signal: AbortSignal) {
  let ending = false;
  const copyMs: number[] = [];
  const work = async () => {
    while (!ending) {
      const startedMs = performance.now();
      await backUp(site, repository, () => {}, signal);
      copyMs.push(performance.now() - startedMs);
    }
  };
  const working = work();
  working.catch(() => {}); // told by `end`
  return {
    async end(): Promise<readonly number[]> {
      ending = true;
      await working;
      return copyMs;
    },
  };
}
