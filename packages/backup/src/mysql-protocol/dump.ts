import { join } from 'node:path';
import { type Connection, EngineError, type Position } from '@replication-lab/engines';
import { connectForBackup } from '../connect.ts';
import { BackupError } from '../errors.ts';
import type { Command } from '../tools.ts';
import type { DumpJob, DumpMoment, EngineDump, Site } from '../types.ts';
import { quoted, sums } from './look.ts';
import { optionFile } from './reach.ts';

const DUMP_MS = 3_600_000;
const LOAD_MS = 3_600_000;
/** For changes that are under way on a replica to end. */
const LOCK_WAIT_S = 2;
/** So long at most a replica's applier waits until the dump has begun. */
const HOLD_MS = 3_000;
/** What the tool prints before its first table is far less. */
const HEAD_BYTES = 65_536;

/** What differs between the two. */
export interface DumpDialect {
  tool(site: Site): Promise<string>;
  client(site: Site): Promise<string>;
  readonly clientName: string;
  readonly options: readonly string[];
  /** As `BackupEngine.snapshot`, while the tables are locked: an applier may be waiting in the midst of a transaction. */
  lockedSnapshot(connection: Connection): Promise<Position | null>;
  snapshot(connection: Connection, signal?: AbortSignal): Promise<Position | null>;
  logEnd(connection: Connection): Promise<Position>;
}

/** `--events` is left out: who may read events may make them. */
const OPTIONS = ['--single-transaction', '--routines', '--triggers', '--no-tablespaces', '--hex-blob'];

/**
 * The tool does not say which moment its dump is of. So the tables of a replica are locked against changes until it has begun, and what
 * there was then is read in a transaction of the same moment. Nobody's writes wait for that: the applier does, for some tenths of a
 * second. Of a primary it is known only when nothing was written meanwhile.
 */
async function begin(job: DumpJob, dialect: DumpDialect): Promise<DumpMoment> {
  const { site, source, signal } = job;
  const holder = await connectForBackup(site, source);
  const reader = await connectForBackup(site, source);
  const close = async () => {
    await holder.close();
    await reader.close();
  };
  try {
    await requireRights(holder, site.database);
    const { spec } = source;
    const options = await optionFile(
      site.engine.name,
      spec,
      join(site.directory, 'work'),
      site.accounts.backup,
    );
    const command: Command = {
      file: await dialect.tool(site),
      args: [options, ...OPTIONS, ...dialect.options, site.database],
      ...{ cwd: spec.stateDir, runAs: spec.runAs, timeoutMs: DUMP_MS, signal },
    };
    const hold = job.isReplica ? await lockTables(holder, site.database) : null;
    const position = hold ? await dialect.lockedSnapshot(reader) : await dialect.snapshot(reader, signal);
    return {
      ...{ command, hasBegun: firstTable() },
      witness: async () => {
        const why = await doubtOf(hold, position, () => dialect.logEnd(holder));
        return why ?? { position, tables: await sums(reader, site.database) };
      },
      [Symbol.asyncDispose]: async () => {
        hold?.release();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Why the transaction beside the dump may be of another moment; null: it is of the same. */
async function doubtOf(
  hold: Hold | null,
  position: Position | null,
  logEnd: () => Promise<Position>,
): Promise<string | null> {
  if (hold) return hold.release() ? null : `the dump had not begun within ${HOLD_MS} ms`;
  if (position === null) return 'writes followed one another without a pause';
  return (await logEnd()) === position ? null : 'something was written while the dump began';
}

/** A lab that was made before there were dumps has an account to which the tools show less, without a word. */
async function requireRights(connection: Connection, database: string): Promise<void> {
  const { rows } = await connection.query(
    "SELECT 1 FROM information_schema.SCHEMA_PRIVILEGES WHERE TABLE_SCHEMA = ? AND PRIVILEGE_TYPE = 'TRIGGER'",
    [database],
  );
  if (rows.length > 0) return;
  throw new BackupError(
    'no-account',
    'the account `backup` may not dump: the lab was made by an older version',
    './lab down --volumes, then ./lab up',
  );
}

interface Hold {
  /** Lets changes go on. False: that was done before, because it took too long. */
  release(): boolean;
}

/** Null: somebody's change did not end in time, and nothing is locked. */
async function lockTables(connection: Connection, database: string): Promise<Hold | null> {
  const { rows } = await connection.query(
    "SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_TYPE = 'BASE TABLE'",
    [database],
  );
  const tables = rows.map(({ name }) => `${quoted(database)}.${quoted(String(name))} READ`);
  if (tables.length === 0) return null;
  await connection.query(`SET SESSION lock_wait_timeout = ${LOCK_WAIT_S}`);
  try {
    await connection.query(`LOCK TABLES ${tables.join(', ')}`);
  } catch (error) {
    if (error instanceof EngineError && error.code !== 'access-denied') return null;
    throw error;
  }
  let held = true;
  const unlock = () => {
    clearTimeout(timer);
    const before = held;
    held = false;
    if (before) connection.query('UNLOCK TABLES').catch(() => connection.destroy());
    return before;
  };
  const timer = setTimeout(unlock, HOLD_MS);
  return { release: unlock };
}

/** The tool has begun its transaction before it prints the first table. */
function firstTable(): (chunk: Buffer) => boolean {
  let head = '';
  return (chunk) => {
    if (head.length < HEAD_BYTES) head += chunk.toString('latin1');
    return head.length >= HEAD_BYTES || head.includes('CREATE TABLE');
  };
}

/** The scratch node is opened to the administrator, and does without what makes commits durable: it can be made anew. */
async function loader(
  site: Site,
  { client, opening }: { readonly client: string; readonly opening: readonly string[] },
  signal?: AbortSignal,
): Promise<Command> {
  const { scratch, engine, database } = site;
  await using connection = await engine.client.connect(scratch.node, scratch.admin);
  for (const sql of opening) await connection.query(sql);
  const options = await optionFile(engine.name, scratch, join(scratch.stateDir, 'tmp'), scratch.admin);
  return {
    file: client,
    args: [options, '--binary-mode', database],
    ...{ cwd: scratch.stateDir, runAs: scratch.runAs, timeoutMs: LOAD_MS, signal, urgent: true },
  };
}

export const FAST = 'SET GLOBAL sync_binlog = 0, GLOBAL innodb_flush_log_at_trx_commit = 2';

export const dumpOf = (dialect: DumpDialect, opening: readonly string[]): EngineDump => ({
  loadedWith: `${dialect.clientName} DATABASE <`,
  begin: (job) => begin(job, dialect),
  loader: async (site, signal) => loader(site, { client: await dialect.client(site), opening }, signal),
});
