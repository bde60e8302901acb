import { commonRights } from '../mysql-protocol/rights.ts';
import type { Rights } from '../rights.ts';

/** What each account may do on MariaDB. */
export function rightsOf(database: string): Rights {
  const own = commonRights(database);
  const probes = {
    grants: ['SLAVE MONITOR ON *.*'],
    why: 'sees whom a node follows, and how far it has come',
  };
  return {
    ...own,
    supervisor: [
      {
        grants: ['REPLICATION SLAVE ADMIN ON *.*'],
        why: 'starts and stops replication, and turns it to another source',
      },
      {
        grants: ['REPLICATION MASTER ADMIN ON *.*'],
        why: 'makes commits wait for a replica (rpl_semi_sync_master_…)',
      },
      {
        grants: ['READ_ONLY ADMIN ON *.*'],
        why: 'opens and closes nodes (read_only); writes the row of a reign before clients may write',
      },
      { grants: ['CONNECTION ADMIN ON *.*'], why: 'logs in when clients have taken all connections' },
      probes,
      {
        grants: [
          'SELECT (NAME, THREAD_OS_ID, PROCESSLIST_USER, PROCESSLIST_COMMAND) ON performance_schema.threads',
        ],
        why: 'sees who confirms, and when the server was started. Not the column that shows statements',
      },
      ...own.supervisor,
    ],
    monitor: [probes, ...own.monitor],
    backup: [
      {
        grants: ['RELOAD ON *.*', 'PROCESS ON *.*', 'LOCK TABLES ON *.*'],
        why: 'copies the data at one moment (mariadb-backup: BACKUP STAGE). RELOAD could also delete the binary log: MariaDB has nothing narrower',
      },
      { grants: ['BINLOG MONITOR ON *.*'], why: 'lists the files of the binary log' },
      probes,
      ...own.backup,
      { grants: ['SELECT ON mysql.proc'], why: 'dumps what procedures and functions say' },
    ],
  };
}
