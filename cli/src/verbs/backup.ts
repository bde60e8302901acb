import {
  applyRetention,
  archiveLog,
  type BackupRecord,
  type BaseRecord,
  backUp,
  isProof,
  prove,
  Repository,
  type Restored,
  type Site,
  split,
  timeText,
} from '@replication-lab/backup';
import { Option } from 'commander';
import { formatDurationMs } from '../duration.ts';
import { LabError } from '../errors.ts';
import { withLock } from '../lock.ts';
import { asLabErrors, backupNeeds, siteOf } from '../native/backups.ts';
import { openNativeLab } from '../native/lab.ts';
import { ensurePackages } from '../native/packages.ts';
import { stateDirectory } from '../paths.ts';
import type { LabContext } from '../runtime.ts';
import { requireState } from '../state.ts';
import { defineVerb, type ExitCode, exitCode, type VerbContext } from '../verb.ts';
import { parseCount, parseDuration } from './options.ts';

interface BackupOptions {
  readonly list?: boolean;
  readonly log?: boolean;
  readonly check?: boolean;
  readonly prove?: string | true;
  readonly verify: boolean;
  readonly keep: number;
  readonly keepFor?: number;
}

const LOCK_WAIT_MS = 600_000;

/** Opens the backups of the lab that is up, or was last; one command at a time. Installs what is missing. */
export async function withBackups<T>(
  purpose: string,
  context: LabContext,
  work: (site: Site, repository: Repository) => Promise<T>,
): Promise<T> {
  const stateDir = stateDirectory();
  const state = await requireState(stateDir);
  if (state.runtime !== 'native')
    throw new LabError('usage', 'backups are of the native lab', './lab up --runtime native');
  await ensurePackages(backupNeeds(state.engine), context);
  const site = siteOf(await openNativeLab(stateDir, state));
  const lock = { name: 'backup', purpose, waitMs: LOCK_WAIT_MS, signal: context.signal };
  const onWait = (holder: string) => context.progress(`waiting for ${holder}`);
  return withLock(stateDir, { ...lock, onWait }, () =>
    asLabErrors(async () => work(site, await Repository.open(site.directory))),
  );
}

export const backup = defineVerb<BackupOptions>({
  name: 'backup',
  summary: 'copy the data of a replica into an encrypted repository, and prove the copy by restoring it',
  details:
    'Native lab. A physical copy of a caught-up replica (of the primary only when there is none, which is said), and the log up\n' +
    'to now, so that ./lab restore can go to any moment since. The copy is then restored into a scratch node, compared table by\n' +
    'table with the lab at the same position, and read as the application does; exit 1 when that fails. Older copies go by\n' +
    '--keep and --keep-for; the newest proved one always stays. Guide: docs/guides/backups.md',
  options: [
    new Option('--no-verify', 'only copy: the backup counts as unproved'),
    new Option('--log', 'only archive the log, up to now'),
    new Option('--list', 'what is there'),
    new Option('--prove [id]', 'restore and compare a backup that is there (default: the newest)'),
    new Option('--check', 'read all that is stored, and compare it with its checksums'),
    new Option('--keep <n>', 'so many of the newest copies stay').argParser(parseCount).default(7),
    new Option('--keep-for <age>', 'and all that are not older than this, for example 72h').argParser(
      parseDuration,
    ),
  ],
  printsData: true,
  mayAsk: true,
  async run(context) {
    const { options } = context;
    const only = (['list', 'log', 'check', 'prove'] as const).filter((name) => options[name]);
    if (only.length > 1)
      throw new LabError('usage', `choose one of ${only.map((name) => `--${name}`).join(', ')}`, null);
    return withBackups('backup', context, (site, repository) => {
      if (options.list) return list(repository, context);
      if (options.log) return log(site, repository, context);
      if (options.check) return check(repository, context);
      if (options.prove) return proveOne(site, repository, context);
      return make(site, repository, context);
    });
  },
});

type Context = VerbContext<BackupOptions>;

async function make(site: Site, repository: Repository, context: Context): Promise<ExitCode> {
  const { options, progress, signal, json, out } = context;
  const startedMs = performance.now();
  const base = await backUp(site, repository, progress, signal);
  let restored: Restored | null = null;
  if (options.verify) restored = await prove(site, repository, base, progress, signal);
  else {
    const { gap } = await archiveLog(site, repository, signal);
    if (gap) out.warn(gap);
  }
  const isGood = restored === null || isProof(restored);
  const retention = { keepLast: options.keep, keepWithinMs: options.keepFor ?? null };
  const gone = isGood ? await applyRetention(site, repository, retention, signal) : [];
  const removed = split(gone).bases.map(({ id }) => id);
  const tookMs = performance.now() - startedMs;
  if (json) out.json({ backup: base, proof: restored, removed, tookMs });
  else {
    const mib = Math.round(base.bytes / 2 ** 20);
    out.line(`Backup ${base.id}: ${mib} MiB of ${base.node}, in ${formatDurationMs(tookMs)}.`);
    for (const line of restored ? proofLines(restored) : ['  not proved: ./lab backup --prove'])
      out.line(line);
    if (removed.length > 0) out.line(`  removed, as --keep says: ${removed.join(', ')}`);
  }
  return isGood ? exitCode.done : exitCode.failed;
}

function proofLines(restored: Restored): string[] {
  const { comparison, notCompared, applicationRead, reached } = restored;
  const compared = comparison
    ? comparison.differences.length === 0
      ? `  restored: ${comparison.tables} tables, ${comparison.rows} rows, the same as the lab had at ${reached}`
      : `  NOT PROVED. ${comparison.differences.join('; ')}`
    : `  NOT PROVED. ${notCompared}`;
  return [compared, `  application read: ${applicationRead ?? 'NONE'}`];
}

async function proveOne(site: Site, repository: Repository, context: Context): Promise<ExitCode> {
  const { options, progress, signal, json, out } = context;
  const { bases } = split(await repository.list());
  const base = options.prove === true ? bases[0] : bases.find(({ id }) => id === options.prove);
  if (!base) throw new LabError('no-backup', 'there is no such backup', './lab backup --list');
  const restored = await prove(site, repository, base, progress, signal);
  if (json) out.json({ backup: base, proof: restored });
  else for (const line of [`Backup ${base.id}:`, ...proofLines(restored)]) out.line(line);
  return isProof(restored) ? exitCode.done : exitCode.failed;
}

async function log(site: Site, repository: Repository, context: Context): Promise<ExitCode> {
  const { signal, json, out } = context;
  const { record, gap } = await archiveLog(site, repository, signal);
  if (json) out.json({ log: record, gap });
  else out.line(`Log of ${record.node} archived up to ${timeText(record.throughUs)}.`);
  if (gap) out.warn(`${gap}. Make a new copy: ./lab backup`);
  return gap ? exitCode.failed : exitCode.done;
}

async function check(repository: Repository, { signal, json, out }: Context): Promise<ExitCode> {
  await repository.check(signal);
  if (json) out.json({ checked: true });
  else out.line('All that is stored is as it was written.');
  return exitCode.done;
}

async function list(repository: Repository, { json, out }: Context): Promise<ExitCode> {
  const records = await repository.list();
  if (json) out.json({ directory: repository.directory, records });
  else for (const line of listLines(records, repository)) out.line(line);
  return exitCode.done;
}

function listLines(records: readonly BackupRecord[], repository: Repository): string[] {
  const { bases, logs } = split(records);
  const line = ({ id, node, bytes, clockUs, verified }: BaseRecord) => {
    const proof = verified ? `proved ${new Date(verified.atMs).toISOString().slice(0, 19)}Z` : 'not proved';
    return `  ${id}  ${node}  ${`${Math.round(bytes / 2 ** 20)} MiB`.padStart(9)}  from ${timeText(clockUs)}  ${proof}`;
  };
  const last = logs.at(-1);
  return [
    `${bases.length} backups in ${repository.directory}`,
    ...bases.map(line),
    last ? `  log archived up to ${timeText(last.throughUs)} (${logs.length} pieces)` : '  no log archived',
  ];
}
