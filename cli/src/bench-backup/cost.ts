import { backUp } from '@replication-lab/backup';
import type { Ledger } from '@replication-lab/backup/testing';
import type { EngineName } from '@replication-lab/engines';
import { estimate, randomOf, shuffled } from '@replication-lab/load-tests';
import type { LabContext } from '../runtime.ts';
import { pause } from '../wait.ts';
import { addBallast, makePlace, type Place, startLedger } from './place.ts';
import type { Cost, CostBlock } from './types.ts';

const WRITERS = 8;
const WINDOW_MS = 10_000;
const DATA_MIB = 128;
const WARM_UP_MS = 3_000;

/**
 * Acknowledged writes with and without a copy under way, under as many writes as eight connections can make: windows of one block take
 * turns in random order, on the same servers.
 */
export async function measureCost(
  engine: EngineName,
  options: { readonly blocks: number; readonly seed: number },
  context: LabContext,
): Promise<Cost> {
  const random = randomOf(options.seed, 1);
  await using place = await makePlace(engine, 3);
  await addBallast(place, DATA_MIB);
  const ledger = startLedger(place, WRITERS, 0);
  const blocks: CostBlock[] = [];
  try {
    await pause(WARM_UP_MS, context.signal);
    for (let block = 1; block <= options.blocks; block++) {
      const seen = { without: 0, during: 0, copyMs: [] as readonly number[] };
      const failedBefore = ledger.failures.length;
      for (const arm of shuffled(['without', 'during'] as const, random)) {
        const copying = arm === 'during' ? copyOver(place, context.signal) : null;
        seen[arm] = await writesPerSecond(ledger, context.signal);
        if (copying) seen.copyMs = await copying.end();
      }
      blocks.push({ ...seen, failed: ledger.failures.length - failedBefore });
      context.progress(
        `[${block}/${options.blocks}] ${seen.without.toFixed(0)} writes/s, ${seen.during.toFixed(0)} during copies`,
      );
    }
  } finally {
    await ledger.stop();
  }
  const ratio = estimate(
    blocks.map(({ without, during }) => during / without),
    options.seed,
  );
  return { blocks, windowMs: WINDOW_MS, dataMiB: DATA_MIB, ratio };
}

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
