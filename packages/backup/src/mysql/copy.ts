import type { Position } from '@replication-lab/engines';
import { getEngineClient } from '@replication-lab/engines/client';
import { connectForBackup } from '../connect.ts';
import { BackupError } from '../errors.ts';
import { type BinlogDialect, fetchBinlog } from '../mysql-protocol/binlog.ts';
import { requireTool } from '../tools.ts';
import type { CopyJob, FetchedLog, LogJob, Site } from '../types.ts';

const COPY_MS = 3_600_000;
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
 * goes on serving meanwhile.
 */
export async function copyBase({ site, source, into, signal }: CopyJob): Promise<Position> {
  await using connection = await connectForBackup(site, source);
  const number = Number((await connection.query('SELECT CONNECTION_ID() AS number')).rows[0]?.number);
  const options = { timeoutMs: COPY_MS, ...(signal && { signal }) };
  try {
    await connection.query(`CLONE LOCAL DATA DIRECTORY = '${into}'`, [], options);
  } catch (error) {
    // The server goes on with it when its client is gone.
    await using other = await connectForBackup(site, source);
    await other.query(`KILL QUERY ${number}`).catch(() => {}); // it has ended by itself
    throw error;
  }
  // An upper bound: what the copy really holds its server says when it has booted.
  const { rows } = await connection.query('SELECT @@global.gtid_executed AS executed');
  return setOf(String(rows[0]?.executed));
}

const dialect: BinlogDialect = {
  tool: ({ site }) => toolOf(site, 'mysqlbinlog'),
  headEvent: 'Previous_gtids',
  covers: positions.covers,
  parse: setOf,
};

export const fetchLog = (job: LogJob): Promise<FetchedLog> => fetchBinlog(job, dialect);
