import { escapeId } from 'mysql2';
import { commonRights } from '../mysql-protocol/rights.ts';
import type { Rights } from '../rights.ts';

/** What the probe reads, and no other table of performance_schema: some of those show statements of other accounts. */
const PROBED = [
  'replication_connection_configuration',
  'replication_connection_status',
  'replication_applier_configuration',
  'replication_applier_status',
  'replication_applier_status_by_coordinator',
  'replication_applier_status_by_worker',
].map((table) => `SELECT ON performance_schema.${table}`);

/** What each account may do on MySQL. */
export function rightsOf(database: string): Rights {
  const own = commonRights(database);
  const probes = { grants: PROBED, why: 'sees whom a node follows, and how far it has come' };
  return {
    ...own,
    supervisor: [
      {
        grants: ['REPLICATION_SLAVE_ADMIN ON *.*'],
        why: 'starts and stops replication, and turns it to another source',
      },
      {
        grants: ['SYSTEM_VARIABLES_ADMIN ON *.*'],
        why: 'opens and closes nodes (read_only, super_read_only), makes commits wait for a replica. It is for every global variable: MySQL has nothing narrower',
      },
      {
        grants: ['CONNECTION_ADMIN ON *.*'],
        why: 'writes the row of a reign before clients may write; logs in when clients have taken all connections',
      },
      {
        grants: ['SYSTEM_USER ON *.*'],
        why: 'ends an applier that waits for the rest of a transaction (KILL), which CONNECTION_ADMIN does not let it',
      },
      probes,
      {
        grants: [
          'SELECT (NAME, THREAD_ID, THREAD_OS_ID, PROCESSLIST_ID, PROCESSLIST_USER, PROCESSLIST_COMMAND) ON performance_schema.threads',
          'SELECT (THREAD_ID, VARIABLE_NAME) ON performance_schema.user_variables_by_thread',
        ],
        why: 'sees who confirms, when the server was started, and which session is the applier. Not the columns that show statements and values',
      },
      ...own.supervisor,
    ],
    monitor: [probes, ...own.monitor],
    backup: [
      { grants: ['BACKUP_ADMIN ON *.*'], why: 'has the server copy its data (CLONE LOCAL DATA DIRECTORY)' },
      { grants: ['REPLICATION CLIENT ON *.*'], why: 'lists the files of the binary log' },
      probes,
      ...own.backup,
      { grants: ['SHOW_ROUTINE ON *.*'], why: 'dumps what procedures and functions say' },
      {
        grants: [`LOCK TABLES ON ${escapeId(database)}.*`],
        why: 'has a replica stand still for some tenths of a second while a dump begins, so that it is known what it is a dump of',
      },
    ],
  };
}
