import { longestGapMs } from '../drill/judge.ts';
import type { Trial } from './types.ts';
import type { Write } from './writer.ts';

type Judgement = Omit<Trial, 'contender' | 'fault' | 'block' | 'primary'>;

/**
 * What one trial shows: `rows` tells how often each id is in the table at the end (null: nobody took writes again),
 * `struckMs` when the fault came. The outage is the longest time between two acknowledgements from the newest one before the
 * fault on. Pure.
 */
export function judgeTrial(
  writes: readonly Write[],
  rows: ReadonlyMap<string, number> | null,
  struckMs: number,
): Judgement {
  const of = (outcome: Write['outcome']) => writes.filter((write) => write.outcome === outcome);
  const done = (some: readonly Write[]) => rows && some.filter(({ id }) => rows.has(id)).length;
  const [acknowledged, unknown, failed] = [of('ok'), of('unknown'), of('failed')];
  const newest = acknowledged.at(-1);
  return {
    primaryAfter: rows && newest ? newest.node : null,
    outageMs: rows && newest ? longestGapMs(acknowledged, struckMs, newest.endedMs) : null,
    acknowledged: acknowledged.length,
    lost: rows && acknowledged.filter(({ id }) => !rows.has(id)).length,
    duplicates: rows && [...rows.values()].filter((count) => count > 1).length,
    unknown: unknown.length,
    unknownDone: done(unknown),
    failed: failed.length,
    failedDone: done(failed),
  };
}
