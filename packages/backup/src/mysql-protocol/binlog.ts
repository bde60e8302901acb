import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connection, Position } from '@replication-lab/engines';
import { connectForBackup } from '../connect.ts';
import { BackupError } from '../errors.ts';
import { type Command, eachLine, run } from '../tools.ts';
import type { FetchedLog, LogJob } from '../types.ts';
import { optionFile } from './reach.ts';

const FETCH_MS = 3_600_000;

export interface LogFile {
  readonly name: string;
  /** All that was logged before it. */
  readonly start: Position;
}

/** What differs between the two. */
export interface BinlogDialect {
  /** The path of the tool that reads binary logs. */
  tool(job: Pick<LogJob, 'site'>): Promise<string>;
  /** The event at the head of each file that says what was logged before it. */
  readonly headEvent: string;
  readonly covers: (have: Position, need: Position) => boolean;
  readonly parse: (text: string) => Position;
}

async function startOf(connection: Connection, file: string, { headEvent, parse }: BinlogDialect) {
  const { rows } = await connection.query(`SHOW BINLOG EVENTS IN '${file}' LIMIT 4`);
  const head = rows.find((row) => row.Event_type === headEvent);
  return head ? parse(String(head.Info)) : null;
}

/**
 * The first file to take, of `files` (newest first): the newest that continues every end in `ends`. An end that no file continues any
 * more is left out; when that is all of them, all files are taken.
 */
export function filesFor(
  files: readonly LogFile[],
  ends: readonly Position[],
  continues: (end: Position, start: Position) => boolean,
): LogFile | undefined {
  const continued = ends.filter((end) => files.some(({ start }) => continues(end, start)));
  if (continued.length === 0) return files.at(-1);
  return files.find(({ start }) => continued.every((end) => continues(end, start)));
}

/** The node's files from that one on. */
export async function filesAfter(
  connection: Connection,
  ends: readonly Position[],
  dialect: BinlogDialect,
): Promise<{ files: string[]; from: Position }> {
  const { rows } = await connection.query('SHOW BINARY LOGS');
  const names = rows.map((row) => String(row.Log_name));
  const found: LogFile[] = [];
  for (const name of names.toReversed()) {
    const start = await startOf(connection, name, dialect);
    if (start === null) continue; // just made, and nothing in it yet
    found.push({ name, start });
    if (ends.length > 0 && ends.every((end) => dialect.covers(end, start))) break;
  }
  const first = filesFor(found, ends, dialect.covers);
  if (!first) throw new BackupError('no-node', 'the node has no binary log');
  return { files: names.slice(names.indexOf(first.name)), from: first.start };
}

/** Copies the files as they are on the node. The last one is copied again next time, with what has come to it. */
export async function fetchBinlog(job: LogJob, dialect: BinlogDialect): Promise<FetchedLog> {
  const { site, source, into, ends, signal } = job;
  await using connection = await connectForBackup(site, source);
  const { files, from } = await filesAfter(connection, ends, dialect);
  const options = await optionFile(
    site.engine.name,
    source.spec,
    join(site.directory, 'work'),
    site.accounts.backup,
  );
  await run({
    file: await dialect.tool(job),
    args: [options, '--read-from-remote-server', '--raw', `--result-file=${into}/`, ...files],
    ...{ cwd: into, runAs: source.spec.runAs, timeoutMs: FETCH_MS, signal },
  });
  return { from, release: async () => {} };
}

/** A piece's files in their order. */
export const filesOf = async (directory: string): Promise<string[]> =>
  (await readdir(directory)).sort().map((file) => join(directory, file));

export interface Logged {
  readonly gtid: string;
  /** When it was committed, by the clock of the primary it was committed on. */
  readonly us: number;
}

/** Tells the transactions of some files apart, line by line of what the tool prints. Undefined: that line says nothing. */
export type ReadLine = (line: string) => Logged | undefined;

/** Hands over each transaction in the order of the log, until `onTransaction` returns false. */
export async function eachLogged(
  command: Pick<Command, 'file' | 'cwd' | 'runAs' | 'signal'>,
  files: readonly string[],
  readLine: ReadLine,
  onTransaction: (logged: Logged) => boolean,
): Promise<void> {
  const args = ['--no-defaults', '--base64-output=DECODE-ROWS', ...files];
  const env = { TZ: 'UTC' };
  await eachLine({ ...command, args, env, timeoutMs: FETCH_MS, urgent: true }, (line) => {
    const logged = readLine(line);
    return logged === undefined || onTransaction(logged);
  });
}
