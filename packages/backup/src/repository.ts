import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Position } from '@replication-lab/engines';
import { z } from 'zod';
import { BackupError } from './errors.ts';
import { type Command, pipe, requireTool, run, type Tap } from './tools.ts';
import type { BackupRecord, BaseRecord, DumpRecord, Verified } from './types.ts';

const QUICK_MS = 60_000;
const COPY_MS = 3_600_000;

const position = z.string().transform((text) => text as Position);
const verified = z.object({ atMs: z.number(), position: position.nullable(), rows: z.number() });
const tableSum = z.object({ table: z.string(), rows: z.number(), checksum: z.string() });
const common = { id: z.string(), lineage: z.string(), node: z.string() };
const record = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('base'),
    ...common,
    position,
    clockUs: z.number(),
    takenMs: z.number(),
    bytes: z.number(),
  }),
  z.object({ kind: z.literal('log'), ...common, from: position, to: position, throughUs: z.number() }),
  z.object({
    kind: z.literal('dump'),
    ...common,
    takenMs: z.number(),
    bytes: z.number(),
    sha256: z.string(),
    witness: z.object({ position: position.nullable(), tables: z.array(tableSum) }).nullable(),
    notCompared: z.string().nullable(),
  }),
]);
/** The last line of `restic backup --json`. */
const summary = z.object({ message_type: z.literal('summary'), snapshot_id: z.string() });
const snapshots = z.array(z.object({ id: z.string(), tags: z.array(z.string()).nullish() }));

/** What a restic snapshot says of itself: everything else is inside of it. Tags end at a comma, so the rest is base64. */
const WHAT = 'lab:';
const PROVED = 'verified:';
/** Of a dump that nobody has said of that it is whole. Its snapshot is none of ours, and goes with the next dump. */
const UNFINISHED = 'lab-unfinished';
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const decode = (text: string): unknown => JSON.parse(Buffer.from(text, 'base64url').toString());

type Kind = BackupRecord['kind'];
/** Apart, because restic stores equal blocks once: what damages a copy must not damage the log that leads past it. */
const FOLDERS: Readonly<Record<Kind, string>> = {
  base: 'copies',
  log: 'log',
  dump: 'dumps',
};
const PASSWORD = 'password';
/** How restic names what came by its standard input. */
const DUMP = 'dump';
const KINDS = ['base', 'log', 'dump'] as const;

export interface RunOptions {
  readonly cwd?: string;
  readonly signal?: AbortSignal | undefined;
  readonly urgent?: boolean;
  readonly damage?: boolean;
  /** What is stored, or fetched, at most, in MiB a second. */
  readonly pace?: number | null;
}

/**
 * Encrypted restic repositories: for copies, for the log, and for dumps once there is one. They hold only what was finished: restic
 * writes a snapshot last of all, so one that is cut off leaves none. The password is made with them and lies beside them, for its owner's eyes only: keep a copy of it elsewhere.
 */
export class Repository {
  readonly directory: string;
  readonly #restic: string;
  #snapshots = new Map<string, string>();
  /** Snapshots of dumps that were cut off. */
  #unfinished: readonly string[] = [];
  /** As last read, with what came since; null: it has to be read. */
  #records: readonly BackupRecord[] | null = null;

  /** Whether anything of one is there. */
  static isThere(directory: string): boolean {
    return [PASSWORD, ...Object.values(FOLDERS)].some((name) => existsSync(join(directory, name)));
  }

  static async open(directory: string): Promise<Repository> {
    const repository = new Repository(directory, await requireTool('restic', null, ['restic']));
    await repository.#make();
    await repository.#unlock();
    return repository;
  }

  private constructor(directory: string, restic: string) {
    this.directory = directory;
    this.#restic = restic;
  }

  #files(kind: Kind): string {
    return join(this.directory, FOLDERS[kind]);
  }
  get passwordFile(): string {
    return join(this.directory, PASSWORD);
  }

  async #make(): Promise<void> {
    await mkdir(this.directory, { recursive: true });
    // The servers' user passes through to what is under way, and looks at nothing else.
    await chmod(this.directory, 0o711);
    if (!existsSync(this.passwordFile)) {
      if (this.#kinds().length > 0)
        throw new BackupError(
          'damaged',
          `the password of ${this.directory} is gone: nobody can read the backups`,
          `put its copy into ${this.passwordFile}, or remove ${this.directory} and begin anew`,
        );
      const password = `${randomBytes(32).toString('base64url')}\n`;
      await writeFile(this.passwordFile, password, { mode: 0o600, flag: 'wx' });
    }
    for (const kind of ['base', 'log'] as const) await this.#ensure(kind);
  }

  /** The repositories that are there. */
  #kinds(): Kind[] {
    return KINDS.filter((kind) => existsSync(join(this.#files(kind), 'config')));
  }

  async #ensure(kind: Kind): Promise<void> {
    if (this.#kinds().includes(kind)) return;
    await mkdir(this.#files(kind), { recursive: true, mode: 0o700 });
    await this.#run(kind, ['init'], QUICK_MS, { urgent: true });
  }

  /** Locks of processes that were killed: whoever opens this is alone. */
  async #unlock(): Promise<void> {
    for (const kind of this.#kinds()) {
      const locks = await readdir(join(this.#files(kind), 'locks')).catch(() => []);
      // Each call of restic takes half a second of a processor, to make a key of the password.
      if (locks.length > 0) await this.#run(kind, ['unlock', '--remove-all'], QUICK_MS, { urgent: true });
    }
  }

  #run(kind: Kind, args: readonly string[], timeoutMs: number, options: RunOptions = {}): Promise<string> {
    return run(this.#command(kind, args, timeoutMs, options));
  }

  #command(
    kind: Kind,
    args: readonly string[],
    timeoutMs: number,
    { cwd = this.directory, signal, urgent = false, damage = false, pace = null }: RunOptions = {},
  ): Command {
    const kib = String(Math.ceil((pace ?? 0) * 1024));
    const limit = pace === null ? [] : ['--limit-upload', kib, '--limit-download', kib];
    return {
      ...{ file: this.#restic, args: ['--no-cache', ...limit, ...args], cwd, timeoutMs, signal, urgent },
      env: {
        RESTIC_REPOSITORY: this.#files(kind),
        RESTIC_PASSWORD_FILE: this.passwordFile,
        // One thread: others want the processor more.
        ...(urgent ? {} : { GOMAXPROCS: '1' }),
      },
      ...(damage && { failure: 'damaged' as const }),
    };
  }

  /** As `list`, without asking restic again: nobody else changes it while it is open. */
  async records(): Promise<readonly BackupRecord[]> {
    return this.#records ?? (await this.list());
  }

  /** Oldest first; copies, log, dumps. A snapshot that is not ours is left alone. */
  async list(): Promise<readonly BackupRecord[]> {
    this.#records = null;
    const texts = await Promise.all(
      this.#kinds().map((kind) =>
        this.#run(kind, ['snapshots', '--json'], QUICK_MS, { urgent: true, damage: true }),
      ),
    );
    const all = texts.flatMap((text) => snapshots.parse(JSON.parse(text) ?? []));
    this.#snapshots = new Map();
    this.#unfinished = all.filter(({ tags }) => tags?.includes(UNFINISHED)).map(({ id }) => id);
    this.#records = all.flatMap(({ id, tags }) => {
      const found = recordOf(tags ?? []);
      if (found) this.#snapshots.set(found.id, id);
      return found ? [found] : [];
    });
    return this.#records;
  }

  /** Puts the folder `name` of `parent` into the repository. */
  async add(
    what: BackupRecord,
    parent: string,
    name: string,
    { pace, signal }: Pick<RunOptions, 'pace' | 'signal'> = {},
  ): Promise<void> {
    const tag = `${WHAT}${encode(what)}`;
    const args = ['backup', '--json', '--quiet', '--tag', tag, name];
    const before = await this.records();
    try {
      const said = await this.#run(what.kind, args, COPY_MS, { cwd: parent, pace, signal });
      this.#snapshots.set(what.id, summary.parse(JSON.parse(said.trim().split('\n').at(-1)!)).snapshot_id);
      this.#records = [...before, what].toSorted(
        (a, b) => Number(b.kind === 'base') - Number(a.kind === 'base'),
      );
    } catch (error) {
      this.#records = null;
      // With files that went away meanwhile restic makes a snapshot all the same.
      if (!signal?.aborted) await this.#forgetBroken(what).catch(() => {});
      throw error;
    }
  }

  async #forgetBroken({ id, kind }: BackupRecord): Promise<void> {
    await this.list();
    const snapshot = this.#snapshots.get(id);
    if (snapshot) await this.#run(kind, ['forget', snapshot], QUICK_MS);
  }

  /** What comes before a dump, and may take a while. */
  async prepareDump(signal?: AbortSignal): Promise<void> {
    await this.#ensure('dump');
    await this.list();
    if (this.#unfinished.length === 0) return;
    await this.#run('dump', ['forget', '--prune', ...this.#unfinished], COPY_MS, { signal });
    this.#unfinished = [];
  }

  /**
   * Puts what a tool prints into the repository. Only a dump that has come to its end gets its record, which `describe` makes then:
   * what is cut off, however that may be, is no backup.
   */
  async addDump(
    from: Command,
    describe: () => Promise<DumpRecord>,
    tap: Tap,
    { pace, signal }: Pick<RunOptions, 'pace' | 'signal'> = {},
  ): Promise<DumpRecord> {
    const args = ['backup', '--json', '--quiet', '--tag', UNFINISHED, '--stdin', '--stdin-filename', DUMP];
    this.#records = null;
    try {
      const said = await pipe(from, this.#command('dump', args, COPY_MS, { pace, signal }), tap);
      const snapshot = summary.parse(JSON.parse(said.trim().split('\n').at(-1)!)).snapshot_id;
      const record = await describe();
      await this.#run('dump', ['tag', '--set', `${WHAT}${encode(record)}`, snapshot], QUICK_MS, { signal });
      return record;
    } catch (error) {
      // restic was killed before the end, and has left its lock.
      await this.#unlock().catch(() => {});
      throw error;
    }
  }

  /** The command that prints a dump. BackupError `damaged` when the repository does not give it back. */
  async dumpReader({ id }: DumpRecord, signal?: AbortSignal): Promise<Command> {
    await this.records();
    const snapshot = this.#snapshots.get(id);
    if (!snapshot) throw new BackupError('no-backup', `there is no dump ${id}`, './lab backup --list');
    const args = ['dump', snapshot, `/${DUMP}`];
    return this.#command('dump', args, COPY_MS, { signal, urgent: true, damage: true });
  }

  /** Restores a record's folder into `into`. BackupError `damaged` when the repository does not give it back whole. */
  async restore(
    what: BackupRecord,
    into: string,
    { pace = null, signal }: Pick<RunOptions, 'pace' | 'signal'> = {},
  ): Promise<void> {
    const snapshot = this.#snapshots.get(what.id);
    if (!snapshot)
      throw new BackupError('no-backup', `${what.id} is not in the repository`, './lab backup --list');
    const args = ['restore', snapshot, '--target', into];
    await this.#run(what.kind, args, COPY_MS, { pace, signal, urgent: true, damage: true });
  }

  /** Writes down that a copy or a dump was proved. */
  async markVerified({ id, kind }: BaseRecord | DumpRecord, proof: Verified): Promise<void> {
    const snapshot = this.#snapshots.get(id);
    if (!snapshot) return;
    this.#records = null;
    await this.#run(kind, ['tag', '--add', `${PROVED}${encode(proof)}`, snapshot], QUICK_MS);
  }

  /** Removes records, and what only they needed. */
  async forget(records: readonly BackupRecord[], signal?: AbortSignal): Promise<void> {
    for (const kind of this.#kinds()) {
      const own = records.filter((record) => record.kind === kind);
      const ids = own.flatMap(({ id }) => this.#snapshots.get(id) ?? []);
      if (ids.length === 0) continue;
      this.#records = null;
      await this.#run(kind, ['forget', '--prune', ...ids], COPY_MS, { signal });
    }
  }

  /** Reads everything that is stored, and compares it with its checksums. BackupError `damaged`. */
  async check(signal?: AbortSignal): Promise<void> {
    for (const kind of this.#kinds()) {
      await this.#run(kind, ['check', '--read-data'], COPY_MS, { signal, damage: true });
    }
  }
}

function recordOf(tags: readonly string[]): BackupRecord | null {
  const text = (prefix: string) => tags.find((tag) => tag.startsWith(prefix))?.slice(prefix.length);
  const what = text(WHAT);
  if (what === undefined) return null;
  const parsed = record.parse(decode(what));
  if (parsed.kind === 'log') return parsed;
  const proof = tags
    .filter((tag) => tag.startsWith(PROVED))
    .at(-1)
    ?.slice(PROVED.length);
  return { ...parsed, verified: proof === undefined ? null : verified.parse(decode(proof)) };
}
