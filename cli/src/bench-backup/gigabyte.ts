import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { backUp, restore } from '@replication-lab/backup';
import type { EngineName } from '@replication-lab/engines';
import { execa } from 'execa';
import type { LabContext } from '../runtime.ts';
import { addBallast, makePlace } from './place.ts';
import type { Gigabyte } from './types.ts';

const MIB = 1024;

/** How long a gigabyte takes to be there again, without a limit, and how long the same files take to be copied, both on disk. */
export async function measureGigabyte(
  engine: EngineName,
  { signal, progress }: LabContext,
): Promise<Gigabyte> {
  await using place = await makePlace(engine, 2, 0);
  const { site, repository, cluster } = place;
  progress(`writing ${MIB} MiB`);
  await addBallast(place, MIB);
  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const startedMs = performance.now();
    await work();
    return performance.now() - startedMs;
  };
  let bytes = 0;
  const backUpMs = await timed(async () => {
    ({ bytes } = await backUp(site, repository, progress, signal));
  });
  const restoreMs = await timed(() =>
    restore(site, repository, { wanted: { kind: 'latest' }, progress, signal }),
  );
  const unpacked = join(site.scratch.stateDir, 'data');
  const copy = join(cluster.stateDir, 'plain-copy');
  const plainCopyMs = await timed(async () => {
    await cp(unpacked, copy, { recursive: true });
    await execa('sync', ['-f', copy]);
  });
  await rm(copy, { recursive: true, force: true });
  return { bytes, backUpMs, restoreMs, plainCopyMs };
}
