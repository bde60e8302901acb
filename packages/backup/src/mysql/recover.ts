import type { Connection, Position } from '@replication-lab/engines';
import { BackupError } from '../errors.ts';
import { applyPiece, bootScratch } from '../mysql-protocol/apply.ts';
import { eachLogged, filesOf } from '../mysql-protocol/binlog.ts';
import type { RecoverJob } from '../types.ts';
import { positions, setOf, toolOf } from './copy.ts';
import { gtidSetOf, lineReader } from './gtids.ts';

const executed = async (connection: Connection): Promise<Position> =>
  setOf(String((await connection.query('SELECT @@global.gtid_executed AS executed')).rows[0]?.executed));

/** Executes exactly the transactions that the target names, or that were committed up to its time. */
export async function recover(job: RecoverJob): Promise<Position> {
  const { site, pieces, signal } = job;
  const node = await bootScratch(site, signal);
  await using connection = await node.connectAdmin();
  await connection.query('RESET REPLICA ALL');
  await connection.query('SET GLOBAL super_read_only = OFF');
  // Nobody depends on this node, and it can be made anew.
  await connection.query('SET GLOBAL sync_binlog = 0, GLOBAL innodb_flush_log_at_trx_commit = 2');
  const held = await executed(connection);
  const wanted = await wantedSet(job, held);
  if (!positions.covers(wanted, held))
    throw new BackupError('target-missed', `backup ${job.base.id} holds more than the target: ${held}`);
  const tools = { binlogTool: await toolOf(site, 'mysqlbinlog'), client: await toolOf(site, 'mysql') };
  for (const { directory } of pieces) {
    const have = await executed(connection);
    if (positions.covers(have, wanted)) break;
    // What is there already the server would skip, but reading it takes time.
    const which = [`--include-gtids=${wanted}`, ...(have === '' ? [] : [`--exclude-gtids=${have}`])];
    await applyPiece(site, directory, { ...tools, which, signal });
  }
  await connection.query('SET GLOBAL super_read_only = ON');
  const reached = await executed(connection);
  if (reached !== wanted)
    throw new BackupError('target-missed', `recovery came to ${reached || 'nothing'} and not to ${wanted}`);
  return reached;
}

/** For a time: what is held, and every transaction before the first that was committed later. */
async function wantedSet(job: RecoverJob, held: Position): Promise<Position> {
  const { site, pieces, target, signal } = job;
  if (target.kind === 'position') return target.position;
  const command = {
    file: await toolOf(site, 'mysqlbinlog'),
    cwd: site.scratch.stateDir,
    runAs: site.scratch.runAs,
    signal,
  };
  const found = new Set<string>();
  let later = false;
  for (const { directory } of pieces) {
    await eachLogged(command, await filesOf(directory), lineReader(), ({ gtid, us }) => {
      if (positions.covers(held, gtid as Position)) return true;
      later = us > target.us;
      if (!later) found.add(gtid);
      return !later;
    });
    if (later) break;
  }
  return found.size === 0 ? held : positions.merge(held, setOf(gtidSetOf(found)));
}
