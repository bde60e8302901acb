import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LocalNode, layoutOf, makeDirectories, own } from '@replication-lab/engines/local';
import type { Chain } from './decide/chain.ts';
import type { Repository, RunOptions } from './repository.ts';
import type { LogRecord, Site } from './types.ts';
import { requireSpace } from './work.ts';

/** Ends the scratch node and removes all of it. False when there was none. */
export async function discardScratch(site: Site): Promise<boolean> {
  const { stateDir } = site.scratch;
  if (!existsSync(stateDir)) return false;
  await new LocalNode(site.scratch, site.engine).stop();
  await rm(stateDir, { recursive: true, force: true, maxRetries: 3 });
  return true;
}

/** Brings a chain out of the repository: the data where the scratch node has it, each piece of log in a folder beside it. */
export async function unpackChain(
  site: Site,
  repository: Repository,
  { base, pieces }: Chain,
  how: Pick<RunOptions, 'pace' | 'signal'>,
): Promise<{ directory: string; record: LogRecord }[]> {
  const spec = site.scratch;
  await mkdir(join(spec.stateDir, '..'), { recursive: true });
  await requireSpace(join(spec.stateDir, '..'), base.bytes);
  await makeDirectories(spec);
  const unpacked = join(spec.stateDir, 'unpacked');
  await repository.restore(base, unpacked, how);
  const { data } = layoutOf(spec.stateDir);
  await rename(join(unpacked, 'base'), data);
  await own(spec, data, 0o700);
  const log: { directory: string; record: LogRecord }[] = [];
  for (const [i, record] of pieces.entries()) {
    const into = join(unpacked, String(i));
    await repository.restore(record, into, how);
    await own(spec, into, 0o700);
    log.push({ directory: join(into, 'log'), record });
  }
  await own(spec, unpacked, 0o700);
  return log;
}
