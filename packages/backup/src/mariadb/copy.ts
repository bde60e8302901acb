import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Position } from '@replication-lab/engines';
import { getEngineClient } from '@replication-lab/engines/client';
import { layoutOf } from '@replication-lab/engines/local';
import { BackupError } from '../errors.ts';
import { type BinlogDialect, fetchBinlog } from '../mysql-protocol/binlog.ts';
import { optionFile } from '../mysql-protocol/reach.ts';
import { requireTool, run } from '../tools.ts';
import type { CopyJob, FetchedLog, LogJob, Site } from '../types.ts';

export const { positions } = getEngineClient('mariadb');

const COPY_MS = 3_600_000;
export const PACKAGES = ['mariadb-backup', 'mariadb-client'] as const;

/** A list that the server printed. */
export function listOf(text: string): Position {
  const parsed = positions.parse(text.replaceAll(/[[\]\s]/g, ''));
  if (parsed === null) throw new BackupError('tool-failed', `cannot read the GTID list ${text}`);
  return parsed;
}

export const toolOf = async ({ engine }: Pick<Site, 'engine'>, name: string): Promise<string> =>
  requireTool(name, await engine.server.find(), PACKAGES);

/**
 * Copies the files of a running server beside it, with the log of their changes; `recover` makes them one moment. As fast as it goes:
 * with --throttle the tool has stood still for minutes, for as long as it was waited for.
 */
export async function copyBase({ site, source, into, signal }: CopyJob): Promise<Position> {
  const { spec } = source;
  const { host, port } = spec.node;
  const work = join(site.directory, 'work');
  const options = await optionFile('mariadb', spec, work, site.accounts.backup);
  await run({
    file: await toolOf(site, 'mariadb-backup'),
    args: [
      options,
      '--backup',
      `--target-dir=${into}`,
      `--datadir=${layoutOf(spec.stateDir).data}`,
      `--host=${host}`,
      `--port=${port}`,
      `--user=${site.accounts.backup.user}`,
    ],
    ...{ cwd: spec.stateDir, runAs: spec.runAs, timeoutMs: COPY_MS, signal },
  });
  return positionIn(into);
}

/** File, offset and GTID list of the moment that the copy is of. The file's name changed with MariaDB 11. */
async function positionIn(directory: string): Promise<Position> {
  for (const name of ['mariadb_backup_binlog_info', 'xtrabackup_binlog_info']) {
    const text = await readFile(join(directory, name), 'utf8').catch(() => null);
    if (text !== null) return listOf(text.trim().split('\t')[2] ?? '');
  }
  throw new BackupError('tool-failed', 'mariadb-backup has not said which moment its copy is of');
}

const dialect: BinlogDialect = {
  tool: ({ site }) => toolOf(site, 'mariadb-binlog'),
  headEvent: 'Gtid_list',
  covers: positions.covers,
  parse: listOf,
};

export const fetchLog = (job: LogJob): Promise<FetchedLog> => fetchBinlog(job, dialect);
