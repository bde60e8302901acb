import { setTimeout as sleep } from 'node:timers/promises';
import type { Position } from '@replication-lab/engines';
import { getEngineClient } from '@replication-lab/engines/client';
import { connectForBackup } from '../connect.ts';
import { BackupError } from '../errors.ts';
import { type BinlogDialect, fetchBinlog } from '../mysql-protocol/binlog.ts';
import { requireTool } from '../tools.ts';
import type { CopyJob, FetchedLog, LogJob, Site } from '../types.ts';

const COPY_MS = 3_600_000;
const END_MS = 30_000;
export const { positions } = getEngineClient('mysql');

/** A set that the server printed. */
export function setOf(text: string): Position {
  const parsed = positions.parse(text.replaceAll('\n', ''));
  if (parsed === null) throw new BackupError('tool-failed', `cannot read the GTID set ${text}`);
  return parsed;
}

export const toolOf = async ({ engine }: Pick<Site, 'engine'>, name: string): Promise<string> =>
  requireTool(name, await engine.server.find());

/**
 * The server copies its own files, as of the moment when the copy ends, into a directory beside its own: the path is the server's. It
 * goes on serving meanwhile. A server limits only copies to another one (clone_max_data_bandwidth), so this is as fast as it goes.
 */
export async function copyBase({ site, source, into, signal }: CopyJob): Promise<Position> {
  await using connection = await connectForBackup(site, source);
  const number = Number((await connection.query('SELECT CONNECTION_ID() AS number')).rows[0]?.number);
  const options = { timeoutMs: COPY_MS, ...(signal && { signal }) };
  try {
    await connection.query(`CLONE LOCAL DATA DIRECTORY = '${into}'`, [], options);
  } catch (error) {
    await endSession(site, source, number).catch(() => {}); // what went wrong first is told
    throw error;
  }
  // An upper bound: what the copy really holds its server says when it has booted.
  const { rows } = await connection.query('SELECT @@global.gtid_executed AS executed');
  return setOf(String(rows[0]?.executed));
}

/** The server goes on with a copy when its client is gone, and makes no other meanwhile. Waits until it has let go of it. */
async function endSession(site: Site, source: CopyJob['source'], number: number): Promise<void> {
  await using other = await connectForBackup(site, source);
  const isThere = async () => {
    const sql = 'SELECT 1 FROM performance_schema.processlist WHERE ID = ?';
    return (await other.query(sql, [number])).rows.length > 0;
  };
  const deadlineMs = performance.now() + END_MS;
  while ((await isThere()) && performance.now() < deadlineMs) {
    await other.query(`KILL CONNECTION ${number}`).catch(() => {}); // it has ended by itself
    await sleep(100);
  }
}

const dialect: BinlogDialect = {
  tool: ({ site }) => toolOf(site, 'mysqlbinlog'),
  headEvent: 'Previous_gtids',
  covers: positions.covers,
  parse: setOf,
};

export const fetchLog = (job: LogJob): Promise<FetchedLog> => fetchBinlog(job, dialect);
