import { copyFile, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connection, Position } from '@replication-lab/engines';
import { writeOwned } from '@replication-lab/engines/local';
import { connectForBackup } from '../connect.ts';
import { BackupError } from '../errors.ts';
import { paceOf } from '../pace.ts';
import { requireTool, run } from '../tools.ts';
import type { CopyJob, FetchedLog, LogJob } from '../types.ts';
import { binaryOf, reachOf } from './reach.ts';
import { inOrder, lsnOf, lsnText, parseSegment, positionText, type Segment } from './wal.ts';

const COPY_MS = 3_600_000;
const LOG_MS = 120_000;
/** Spared when idle slots are dropped; see packages/engines/src/postgres/slots.ts. */
const SLOT = 'lab_backup';

const reach = ({ site, source }: CopyJob) =>
  reachOf(source.spec, join(site.directory, 'work'), site.accounts.backup, 'verify-full');

const withSource = async <T>({ site, source }: CopyJob, work: (connection: Connection) => Promise<T>) => {
  await using connection = await connectForBackup(site, source);
  return await work(connection);
};

/** The node keeps its log from here on, until the archive has it. */
async function ensureSlot(connection: Connection): Promise<void> {
  const { rows } = await connection.query(
    'SELECT restart_lsn FROM pg_replication_slots WHERE slot_name = $1',
    [SLOT],
  );
  if (rows[0] && rows[0].restart_lsn !== null) return;
  // One whose log was given up (max_slot_wal_keep_size) is of no use any more.
  if (rows[0]) await connection.query('SELECT pg_drop_replication_slot($1)', [SLOT]);
  await connection.query('SELECT pg_create_physical_replication_slot($1, true)', [SLOT]);
}

export async function copyBase(job: CopyJob): Promise<Position> {
  const { source, into, signal } = job;
  const pace = paceOf(job.site);
  await withSource(job, ensureSlot);
  const { args, env } = await reach(job);
  await run({
    file: await requireTool('pg_basebackup', await binaryOf(job.site)),
    args: [
      ...[...args, `--pgdata=${into}`, '--wal-method=stream', '--checkpoint=fast'],
      ...(pace === null ? [] : [`--max-rate=${Math.ceil(pace * 1024)}k`]),
    ],
    ...{ cwd: source.spec.stateDir, env, runAs: source.spec.runAs, timeoutMs: COPY_MS, signal },
  });
  // Whom the source follows is nothing that a copy should do by itself.
  await writeOwned(source.spec, join(into, 'postgresql.auto.conf'), '');
  const manifest = JSON.parse(await readFile(join(into, 'backup_manifest'), 'utf8'));
  const range = manifest['WAL-Ranges'].at(-1) as { Timeline: number; 'End-LSN': string };
  return positionText(range.Timeline, lsnOf(`0/${range['End-LSN']}` as Position));
}

/**
 * Streams the log into the spool, from where the last call ended, and hands over a copy. Where the node has given up what comes next
 * the spool begins anew: the piece then joins nothing that was there, and only a new copy can make use of it.
 */
export async function fetchLog(job: LogJob): Promise<FetchedLog> {
  const { spool, into } = job;
  await withSource(job, ensureSlot);
  try {
    await receive(job);
  } catch (error) {
    if (!(error instanceof BackupError && /has already been removed/.test(error.message))) throw error;
    await rm(spool, { recursive: true, force: true });
    await mkdir(spool, { mode: 0o700 });
    await receive(job);
  }
  const segments = await segmentsIn(spool);
  const first = segments[0];
  if (!first) throw new BackupError('tool-failed', 'pg_receivewal has received nothing');
  for (const file of await readdir(spool)) await copyFile(join(spool, file), join(into, file));
  return { from: positionText(first.timeline, first.start), release: () => thinOut(spool, segments) };
}

async function receive(job: LogJob): Promise<void> {
  const { source, spool, upTo, signal } = job;
  const { args, env } = await reach(job);
  const spec = source.spec;
  if (spec.runAs) await chownAll(spool, spec.runAs);
  // It ends when it has more than that, and a quiet server sends nothing more.
  const end = lsnText(lsnOf(upTo) - 1n);
  await run({
    file: await requireTool('pg_receivewal', await binaryOf(job.site)),
    args: [...args, `--directory=${spool}`, `--slot=${SLOT}`, `--endpos=${end}`, '--no-loop'],
    ...{ cwd: spec.stateDir, env, runAs: spec.runAs, timeoutMs: LOG_MS, signal },
  });
}

async function chownAll(directory: string, { uid, gid }: { uid: number; gid: number }): Promise<void> {
  const { chown } = await import('node:fs/promises');
  await chown(directory, uid, gid);
  for (const file of await readdir(directory)) await chown(join(directory, file), uid, gid);
}

async function segmentsIn(directory: string): Promise<Segment[]> {
  const files = await readdir(directory);
  const first = files.find((file) => /^[0-9A-F]{24}/.test(file));
  if (!first) return [];
  const bytes = BigInt((await stat(join(directory, first))).size);
  return inOrder(files.flatMap((file) => parseSegment(file, bytes) ?? []));
}

/** The next call goes on after the newest file. */
async function thinOut(spool: string, segments: readonly Segment[]): Promise<void> {
  for (const { file } of segments.slice(0, -1)) await rm(join(spool, file), { force: true });
}
