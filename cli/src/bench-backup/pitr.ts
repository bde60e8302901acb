import {
  type BaseRecord,
  backUp,
  backupEngineOf,
  restore,
  type Target,
  timeText,
} from '@replication-lab/backup';
import {
  commitsOf,
  exactness,
  expectedRows,
  type Ledger,
  ledgerRows,
  targetAt,
} from '@replication-lab/backup/testing';
import type { EngineName } from '@replication-lab/engines';
import { LocalNode } from '@replication-lab/engines/local';
import { type Random, randomOf, wholeBetween } from '@replication-lab/load-tests';
import { LabError } from '../errors.ts';
import type { LabContext } from '../runtime.ts';
import { pause, waitFor } from '../wait.ts';
import { makePlace, type Place, startLedger } from './place.ts';
import type { Pitr, PitrTrial } from './types.ts';

const WRITERS = 4;
const PAUSE_MS = 20;
/** So that there are several to choose from, and none that all the log has to be replayed after. */
const COPY_EVERY = 5;
const FIRST_WRITES = 200;

interface Run {
  readonly target: Target;
  readonly found: ReadonlyMap<string, string>;
  readonly pieces: number;
  readonly tookMs: number;
}

/**
 * Restores to random moments while the primary is written to, and compares every row with what the primary's own log says was committed
 * up to there.
 */
export async function measurePitr(
  engine: EngineName,
  options: { readonly trials: number; readonly seed: number },
  context: LabContext,
): Promise<Pitr> {
  const random = randomOf(options.seed, 0);
  await using place = await makePlace(engine, 3);
  const ledger = startLedger(place, WRITERS, PAUSE_MS);
  const runs: Run[] = [];
  try {
    await acknowledged(ledger, FIRST_WRITES);
    let base = await backUp(place.site, place.repository, () => {}, context.signal);
    for (let trial = 0; trial < options.trials; trial++) {
      if (trial > 0 && trial % COPY_EVERY === 0)
        base = await backUp(place.site, place.repository, () => {}, context.signal);
      runs.push(
        await restoreToAny(place, ledger, base, trial % 2 === 0 ? 'position' : 'time', random, context),
      );
      context.progress(`[${trial + 1}/${options.trials}] restored in ${Math.round(runs.at(-1)!.tookMs)} ms`);
    }
  } finally {
    await ledger.stop();
  }
  return judge(place, ledger, runs);
}

const acknowledged = (ledger: Ledger, more: number) => {
  const enough = ledger.writes.length + more;
  return waitFor(() => ledger.writes.length >= enough, {
    what: `${more} writes to be acknowledged`,
    timeoutMs: 60_000,
  });
};

async function restoreToAny(
  place: Place,
  ledger: Ledger,
  base: BaseRecord,
  kind: Target['kind'],
  random: Random,
  context: LabContext,
): Promise<Run> {
  const { site, repository } = place;
  const { tickUs } = backupEngineOf(site.engine.name);
  const sinceBase = ledger.writes.length;
  // Only writes of now are surely later than the copy.
  await acknowledged(ledger, FIRST_WRITES);
  await pause(2 * (tickUs / 1000) + 50, context.signal);
  const write = ledger.writes[wholeBetween(random, sinceBase, ledger.writes.length - 1)]!;
  const firstUs = Math.ceil(base.clockUs / tickUs) * tickUs;
  const lastUs = Date.now() * 1000 - tickUs;
  const us = Math.floor((firstUs + random() * (lastUs - firstUs)) / tickUs) * tickUs;
  const target = kind === 'position' ? targetAt(site.engine, write) : { kind, us };
  const startedMs = performance.now();
  const progress = () => {};
  const { pieces } = await restore(site, repository, { wanted: target, progress, signal: context.signal });
  const tookMs = performance.now() - startedMs;
  await using connection = await new LocalNode(site.scratch, site.engine).connectAdmin(site.database);
  return { target, found: await ledgerRows(connection), pieces, tookMs };
}

async function judge(
  { site, cluster }: Place,
  { writes, failures }: Ledger,
  runs: readonly Run[],
): Promise<Pitr> {
  const commits = await commitsOf(site.engine, cluster.local(cluster.nodes[0]!.name));
  const known = new Set(commits.map(({ key }) => key));
  if (!writes.every(({ key }) => known.has(key)))
    throw new LabError(
      'no-truth',
      'the primary has thrown away log that the comparison needs',
      'fewer --trials',
    );
  const trials = runs.map(({ target, found, pieces, tookMs }): PitrTrial => {
    const text = target.kind === 'time' ? timeText(target.us) : target.position;
    const expected = expectedRows(site.engine, writes, commits, target);
    return { kind: target.kind, target: text, ...exactness(found, expected), pieces, tookMs };
  });
  return { trials, writes: writes.length, failed: failures.length };
}
