import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { layoutOf } from '@replication-lab/engines/local';
import { chainEnds } from './decide/chain.ts';
import { type Retention, toForget } from './decide/retention.ts';
import { backupEngineOf } from './engines.ts';
import { type Head, headOf, nodeOf, sourceFor } from './nodes.ts';
import { paceOf } from './pace.ts';
import type { Repository } from './repository.ts';
import type { BackupRecord, BaseRecord, LogRecord, Progress, Site } from './types.ts';
import { bytesBelow, freshWork, makeOwned, requireSpace } from './work.ts';

/** Between a commit's time and its place in the log. Nobody was told yet of a commit that is in between. */
const MARGIN_US = 1_000_000;

export interface Archived {
  readonly record: LogRecord;
  /** Null: it continues a copy. Else why none can use it. */
  readonly gap: string | null;
}

/** A new record's name: its time, to be read, and something that no other has. */
export const newId = (nowMs: number): string =>
  `${new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z-${randomBytes(2).toString('hex')}`;

/** The one that the log was read from, or that was copied. */
export const lastNode = (records: readonly BackupRecord[], lineage: string): string | null =>
  records.filter(({ kind, lineage: own }) => kind !== 'dump' && own === lineage).at(-1)?.node ?? null;

/**
 * Copies all data of a replica into the repository, without stopping it. A copy that does not get to its end leaves
 * nothing that counts. BackupError.
 */
export async function backUp(
  site: Site,
  repository: Repository,
  progress: Progress,
  signal?: AbortSignal,
): Promise<BaseRecord> {
  const engine = backupEngineOf(site.engine.name);
  const head = await headOf(site, engine);
  const records = await repository.records();
  const last = lastNode(records, head.lineage);
  const choice = await sourceFor(site, head.end, last, { mayLag: true, signal });
  progress(`copying ${choice.name}${choice.why ? `, ${choice.why}` : ''}`);
  const source = nodeOf(site, choice.name);
  const work = await freshWork(site);
  try {
    await requireSpace(work, 2 * (await bytesBelow(layoutOf(source.spec.stateDir).data)));
    const into = join(work, 'base');
    const position = await engine.copyBase({ source, site, into, signal });
    const after = await headOf(site, engine);
    const takenMs = Date.now();
    const record: BaseRecord = {
      ...{ kind: 'base', id: newId(takenMs), lineage: head.lineage, node: choice.name, position },
      ...{ clockUs: after.clockUs, takenMs, bytes: await bytesBelow(into), verified: null },
    };
    progress(`storing ${Math.round(record.bytes / 2 ** 20)} MiB, encrypted`);
    await repository.add(record, work, 'base', { pace: paceOf(site), signal });
    return record;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Puts the log into the repository, from where the archive ends up to now. BackupError. */
export async function archiveLog(
  site: Site,
  repository: Repository,
  signal?: AbortSignal,
): Promise<Archived> {
  const engine = backupEngineOf(site.engine.name);
  const head = await headOf(site, engine);
  const records = await repository.records();
  const ends = chainEnds(records, head.lineage, engine);
  const choice = await sourceFor(site, head.end, lastNode(records, head.lineage), { signal });
  const work = await freshWork(site);
  try {
    const into = await makeOwned(site, join(work, 'log'));
    const spool = await makeOwned(
      site,
      join(site.directory, 'spool', head.lineage.replaceAll(/[^\w.-]/g, '_')),
    );
    const job = { source: nodeOf(site, choice.name), site, into, signal, spool };
    const fetched = await engine.fetchLog({ ...job, ends, upTo: head.end });
    const record: LogRecord = {
      ...{ kind: 'log', id: newId(Date.now()), lineage: head.lineage, node: choice.name },
      ...{ from: fetched.from, to: head.end, throughUs: head.clockUs - MARGIN_US },
    };
    await repository.add(record, work, 'log', { pace: paceOf(site), signal });
    await fetched.release();
    const joined = ends.length === 0 || ends.some((end) => engine.joins(end, fetched.from));
    return { record, gap: joined ? null : gapText(choice.name) };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

const gapText = (node: string): string =>
  `${node} has no more of its log where the archive ended: times in between cannot be restored`;

/** Removes the copies that the retention lets go, and the log that only they needed. */
export async function applyRetention(
  site: Site,
  repository: Repository,
  retention: Retention,
  signal?: AbortSignal,
): Promise<BackupRecord[]> {
  const records = await repository.records();
  const gone = toForget(records, retention, Date.now(), backupEngineOf(site.engine.name));
  await repository.forget(gone, signal);
  return gone;
}

/** Waits until the primary's clock is so far that every commit of that time is surely in the log. */
export async function untilLogged(site: Site, us: number, signal?: AbortSignal): Promise<Head> {
  const engine = backupEngineOf(site.engine.name);
  const { setTimeout: sleep } = await import('node:timers/promises');
  for (;;) {
    const head = await headOf(site, engine);
    const missingUs = us + engine.tickUs - 1 + MARGIN_US - head.clockUs;
    if (missingUs <= 0 || missingUs > 10 * MARGIN_US) return head;
    await sleep(missingUs / 1000 + 1, undefined, { ...(signal && { signal }) });
  }
}
