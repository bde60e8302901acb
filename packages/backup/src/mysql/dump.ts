import type { Connection, Position } from '@replication-lab/engines';
import { dumpOf, FAST } from '../mysql-protocol/dump.ts';
import { setOf, toolOf } from './copy.ts';
import { logEnd, snapshot } from './look.ts';

/** Who has changed a table has let go of it only after the change was in gtid_executed. */
async function lockedSnapshot(connection: Connection): Promise<Position> {
  await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
  await connection.query('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY');
  const { rows } = await connection.query('SELECT @@global.gtid_executed AS executed');
  return setOf(String(rows[0]?.executed));
}

export const dump = dumpOf(
  {
    tool: (site) => toolOf(site, 'mysqldump'),
    client: (site) => toolOf(site, 'mysql'),
    clientName: 'mysql',
    // A dump that sets them cannot be loaded where there is a history; and it would take a lock on all tables.
    options: ['--set-gtid-purged=OFF'],
    ...{ lockedSnapshot, snapshot, logEnd },
  },
  ['SET GLOBAL super_read_only = OFF', FAST],
);
