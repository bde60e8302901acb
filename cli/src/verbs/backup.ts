import {
  archiveLog,
  type BackupRecord,
  type BaseRecord,
  DEFAULT_MAX_MIB_PER_SECOND,
  type DumpRecord,
  isProof,
  type Loaded,
  type Repository,
  type Restored,
  type Site,
  split,
  timeText,
} from '@replication-lab/backup';
import { Option } from 'commander';
import { firstDue, runSchedule } from '../backup-schedule.ts';
import { formatDurationMs } from '../duration.ts';
import { LabError } from '../errors.ts';
import { withLock } from '../lock.ts';
import { SCHEDULE_LOCK } from '../native/backup-service.ts';
import {
  type AttemptLimits,
  type AttemptTools,
  attemptProof,
  type Made,
  type MakeOptions,
  makeBackup,
  withBackups,
} from '../native/backup-session.ts';
import { readBackupStatus } from '../native/backup-status.ts';
import { dumpLab, type MadeDump, proveDumpOf } from '../native/dump-session.ts';
import { stateDirectory } from '../paths.ts';
import { defineVerb, type ExitCode, exitCode, type VerbContext } from '../verb.ts';
import { parseCount, parseDuration } from './options.ts';

interface BackupOptions {
  readonly list?: boolean;
  readonly log?: boolean;
  readonly dump?: boolean;
  readonly check?: boolean;
  readonly prove?: string | true;
  readonly verify: boolean;
  readonly keep: number;
  readonly maxRate: number;
  readonly keepFor?: number;
  readonly every?: number;
  readonly deadline?: number;
}

export const backup = defineVerb<BackupOptions>({
  name: 'backup',
  summary: 'copy the data of a replica into an encrypted repository, and prove the copy by restoring it',
  details:
    'Native lab. A physical copy of a replica (of the primary only when none follows it, which is said), and the log up\n' +
    'to now, so that ./lab restore can go to any moment since. The copy is then restored into a scratch node, compared table by\n' +
    'table with the lab at the same position, and read as the application does; exit 1 when that fails. Older copies go by\n' +
    '--keep and --keep-for; the newest proved one always stays. Guide: docs/guides/backups.md',
  options: [
    new Option('--no-verify', 'only copy: the backup counts as unproved'),
    new Option('--log', 'only archive the log, up to now'),
    new Option(
      '--dump',
      'instead of a copy a logical dump (mysqldump, mariadb-dump, pg_dump), proved by loading it',
    ),
    new Option('--list', 'what is there'),
    new Option(
      '--prove [id]',
      'restore and compare a backup that is there, or with --dump a dump (default: the newest)',
    ),
    new Option('--check', 'read all that is stored, and compare it with its checksums'),
    new Option('--every <time>', 'go on, with a backup every so often, for example 1h').argParser(
      parseDuration,
    ),
    new Option('--deadline <time>', 'end a backup that takes longer; it has failed').argParser(parseDuration),
    new Option(
      '--max-rate <MiB>',
      'so much is written a second at most, or the lab would wait for the disk; 0: no limit',
    )
      .env('LAB_BACKUP_MAX_RATE')
      .argParser(parseCount)
      .default(DEFAULT_MAX_MIB_PER_SECOND),
    new Option('--keep <n>', 'so many of the newest copies stay')
      .env('LAB_BACKUP_KEEP')
      .argParser(parseCount)
      .default(7),
    new Option('--keep-for <age>', 'and all that are not older than this, for example 72h')
      .env('LAB_BACKUP_KEEP_FOR')
      .argParser(parseDuration),
  ],
  printsData: true,
  mayAsk: true,
  async run(context) {
    const { options } = context;
    const only = (['list', 'log', 'dump', 'check', 'prove', 'every'] as const)
      .filter((name) => options[name])
      .filter((name) => !(name === 'dump' && options.prove)); // the two together say what is proved
    if (only.length > 1)
      throw new LabError('usage', `choose one of ${only.map((name) => `--${name}`).join(', ')}`, null);
    refuseOddTimes(options);
    if (options.dump) return options.prove ? proveOneDump(options.prove, context) : dump(context);
    if (options.prove) return proveOne(context);
    if (options.every !== undefined) return schedule(options.every, context);
    if (!options.list && !options.log && !options.check) return make(context);
    return withBackups('backup', context, (site, repository) => {
      if (options.list) return list(repository, context);
      return options.log ? log(site, repository, context) : check(repository, context);
    });
  },
});

type Context = VerbContext<BackupOptions>;

/** Below, nothing could ever be ready; above, timers end at once. */
const MIN_EVERY_MS = 10_000;
const MAX_MS = 7 * 24 * 3_600_000;

function refuseOddTimes({ every, deadline }: BackupOptions): void {
  if (every !== undefined && (every < MIN_EVERY_MS || every > MAX_MS))
    throw new LabError('usage', '--every takes 10s to 168h', null);
  if (deadline !== undefined && deadline > MAX_MS)
    throw new LabError('usage', '--deadline takes 168h at most', null);
}

const limitsOf = ({ deadline, maxRate }: Pick<BackupOptions, 'deadline' | 'maxRate'>): AttemptLimits => ({
  deadlineMs: deadline ?? null,
  maxMibPerSecond: maxRate,
});

const makeOptions = ({ verify, keep, keepFor, ...limits }: BackupOptions): MakeOptions => ({
  ...{ verify, ...limitsOf(limits) },
  retention: { keepLast: keep, keepWithinMs: keepFor ?? null },
});

async function make(context: Context): Promise<ExitCode> {
  const { options, json, out } = context;
  const startedMs = performance.now();
  const made = await makeBackup(context, makeOptions(options));
  const { base, proof, gap, gone } = made;
  const removed = split(gone).bases.map(({ id }) => id);
  const tookMs = performance.now() - startedMs;
  if (gap) out.warn(gap);
  if (json) out.json({ backup: base, proof, removed, tookMs });
  else for (const line of madeLines(made, tookMs)) out.line(line);
  return proof === null || isProof(proof) ? exitCode.done : exitCode.failed;
}

function madeLines({ base, proof, gone }: Made, tookMs: number): string[] {
  const removed = split(gone).bases.map(({ id }) => id);
  return [
    `Backup ${base.id}: ${sizeText(base.bytes)} of ${base.node}, in ${formatDurationMs(tookMs)}.`,
    ...(proof ? proofLines(proof) : ['  not proved: ./lab backup --prove']),
    ...(removed.length > 0 ? [`  removed, as --keep says: ${removed.join(', ')}`] : []),
  ];
}

async function dump(context: Context): Promise<ExitCode> {
  const { options, json, out } = context;
  const startedMs = performance.now();
  const made = await dumpLab(context, makeOptions(options));
  const tookMs = performance.now() - startedMs;
  const removed = made.gone.map(({ id }) => id);
  if (json) out.json({ dump: made.dump, proof: made.loaded, removed, tookMs });
  else for (const line of dumpLines(made, tookMs)) out.line(line);
  return made.loaded === null || isProof(made.loaded) ? exitCode.done : exitCode.failed;
}

async function proveOneDump(id: string | true, context: Context): Promise<ExitCode> {
  const { options, json, out } = context;
  const { dump, loaded } = await proveDumpOf(context, id === true ? null : id, options.deadline ?? null);
  if (json) out.json({ dump, proof: loaded });
  else for (const line of [`Dump ${dump.id}:`, ...loadedLines(loaded)]) out.line(line);
  return isProof(loaded) ? exitCode.done : exitCode.failed;
}

function dumpLines({ dump: { id, bytes, node }, loaded, gone }: MadeDump, tookMs: number): string[] {
  return [
    `Dump ${id}: ${sizeText(bytes)} of ${node}, in ${formatDurationMs(tookMs)}.`,
    ...(loaded ? loadedLines(loaded) : [`  not proved: ./lab backup --dump --prove ${id}`]),
    ...(gone.length > 0 ? [`  removed, as --keep says: ${gone.map((one) => one.id).join(', ')}`] : []),
  ];
}

function loadedLines({ tables, comparison, notCompared, applicationRead }: Loaded): string[] {
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const what = `${tables.length} tables, ${rows} rows`;
  const compared =
    comparison === null
      ? `  NOT PROVED. Loaded: ${what}, not compared: ${notCompared}`
      : comparison.differences.length === 0
        ? `  loaded: ${what}, the same as the node had at that moment`
        : `  NOT PROVED. ${comparison.differences.join('; ')}`;
  return [compared, `  application read: ${applicationRead ?? 'NONE'}`];
}

/** One backup after the other, until somebody ends it. Each has the interval as its deadline, unless `--deadline` says less. */
async function schedule(everyMs: number, context: Context): Promise<ExitCode> {
  const { options, signal, json, out } = context;
  const stateDir = stateDirectory();
  const deadlineMs = Math.min(everyMs, options.deadline ?? everyMs);
  const attempt = async () => {
    const startedMs = performance.now();
    const made = await makeBackup(context, { ...makeOptions(options), deadlineMs });
    const tookMs = performance.now() - startedMs;
    if (json) out.json({ backup: made.base, proof: made.proof, removed: made.gone, tookMs });
    else for (const line of madeLines(made, tookMs)) out.line(line);
  };
  const lock = { name: SCHEDULE_LOCK, purpose: 'scheduled backups', waitMs: 0, signal };
  await withLock(stateDir, lock, async () => {
    const last = (await readBackupStatus(stateDir))?.lastAttemptAt;
    const firstDueMs = firstDue(last ? Date.parse(last) : null, everyMs, Date.now());
    await runSchedule({ everyMs, firstDueMs, attempt, signal, say: (message) => out.warn(message) });
  });
  return exitCode.done;
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

async function proveOne(context: Context): Promise<ExitCode> {
  const { options, json, out } = context;
  const work = async ({ repository, prove }: AttemptTools) => {
    const { bases } = split(await repository.records());
    const found = options.prove === true ? bases[0] : bases.find(({ id }) => id === options.prove);
    if (!found) throw new LabError('no-backup', 'there is no such backup', './lab backup --list');
    return { base: found, proof: await prove(found) };
  };
  const { base, proof } = await attemptProof('backup', context, work, limitsOf(options));
  if (json) out.json({ backup: base, proof });
  else for (const line of [`Backup ${base.id}:`, ...proofLines(proof)]) out.line(line);
  return isProof(proof) ? exitCode.done : exitCode.failed;
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

const sizeText = (bytes: number): string =>
  bytes < 2 ** 20 ? `${Math.ceil(bytes / 1024)} KiB` : `${Math.round(bytes / 2 ** 20)} MiB`;

function listLines(records: readonly BackupRecord[], repository: Repository): string[] {
  const { bases, logs, dumps } = split(records);
  const line = ({ id, node, bytes, verified }: BaseRecord | DumpRecord, what: string) => {
    const proof = verified ? `proved ${new Date(verified.atMs).toISOString().slice(0, 19)}Z` : 'not proved';
    return `  ${id}  ${node}  ${sizeText(bytes).padStart(9)}  ${what}  ${proof}`;
  };
  const last = logs.at(-1);
  return [
    `${bases.length} backups in ${repository.directory}`,
    ...bases.map((base) => line(base, `from ${timeText(base.clockUs)}`)),
    last ? `  log archived up to ${timeText(last.throughUs)} (${logs.length} pieces)` : '  no log archived',
    ...(dumps.length > 0 ? [`${dumps.length} dumps`] : []),
    ...dumps.map((one) => line(one, `dump of ${new Date(one.takenMs).toISOString().slice(0, 19)}Z`)),
  ];
}
