import type { Connection, Position } from '@replication-lab/engines';
import { layoutOf } from '@replication-lab/engines/local';
import { BackupError } from '../errors.ts';
import { applyPiece, bootScratch } from '../mysql-protocol/apply.ts';
import { eachLogged, filesOf } from '../mysql-protocol/binlog.ts';
import { one } from '../mysql-protocol/look.ts';
import { run } from '../tools.ts';
import type { RecoverJob } from '../types.ts';
import { listOf, positions, toolOf } from './copy.ts';
import { readLine } from './lines.ts';

const PREPARE_MS = 3_600_000;

/** Executes what the log has after the copy, up to the transaction that the target names or the last one of its time. */
export async function recover(job: RecoverJob): Promise<Position> {
  const { site, base, pieces, signal } = job;
  await prepare(job);
  const node = await bootScratch(site, signal);
  await using connection = await node.connectAdmin();
  await connection.query('RESET SLAVE ALL');
  // Nobody depends on this node, and it can be made anew.
  await connection.query('SET GLOBAL sync_binlog = 0, GLOBAL innodb_flush_log_at_trx_commit = 2');
  const wanted = await wantedList(job);
  const tools = { binlogTool: await toolOf(site, 'mariadb-binlog'), client: await toolOf(site, 'mariadb') };
  let have = base.position;
  for (const { directory, record } of pieces) {
    if (positions.covers(have, wanted)) break;
    const which = [`--start-position=${have}`, `--stop-position=${wanted}`];
    await applyPiece(site, directory, { ...tools, which, signal });
    have = await reachedBy(connection, base.position);
    if (!positions.covers(have, wanted) && !positions.covers(have, record.to))
      throw new BackupError('target-missed', `a piece of log up to ${record.to} has led to ${have}`);
  }
  if (have !== wanted)
    throw new BackupError('target-missed', `recovery came to ${have || 'nothing'} and not to ${wanted}`);
  return have;
}

/** What the scratch server has executed itself comes on top of the copy. */
async function reachedBy(connection: Connection, copied: Position): Promise<Position> {
  const own = listOf(String(await one(connection, 'SELECT @@global.gtid_binlog_pos AS position')));
  return positions.merge(copied, own);
}

/** Brings the copied files to the one moment that they are a copy of. */
async function prepare({ site, signal }: RecoverJob): Promise<void> {
  const { stateDir, runAs } = site.scratch;
  await run({
    file: await toolOf(site, 'mariadb-backup'),
    args: ['--no-defaults', '--prepare', `--target-dir=${layoutOf(stateDir).data}`],
    ...{ cwd: stateDir, runAs, timeoutMs: PREPARE_MS, signal, failure: 'damaged', urgent: true },
  });
}

/** For a time: what is held, and every transaction before the first of a later second. */
async function wantedList({ site, base, pieces, target, signal }: RecoverJob): Promise<Position> {
  if (target.kind === 'position') return target.position;
  const { stateDir, runAs } = site.scratch;
  const command = { file: await toolOf(site, 'mariadb-binlog'), cwd: stateDir, runAs, signal };
  let wanted = base.position;
  let later = false;
  for (const { directory } of pieces) {
    await eachLogged(command, await filesOf(directory), readLine, ({ gtid, us }) => {
      if (positions.covers(wanted, gtid as Position)) return true;
      later = us > target.us;
      if (!later) wanted = positions.merge(wanted, gtid as Position);
      return !later;
    });
    if (later) break;
  }
  return wanted;
}
