import type { BackupEngine } from '../types.ts';
import { copyBase, fetchLog } from './copy.ts';
import { dump } from './dump.ts';
import { clockUs, lineage, logEnd, snapshot, sums } from './look.ts';
import { recover } from './recover.ts';
import { lsnOf } from './wal.ts';

export const postgres: BackupEngine = {
  name: 'postgres',
  tickUs: 1,
  packages: [],
  tools: ['pg_basebackup', 'pg_receivewal', 'pg_dump', 'pg_restore'],
  lineage,
  clockUs,
  logEnd,
  // By the place alone: after a promotion the log goes on in another timeline, from a place of the old one.
  joins: (have, from) => lsnOf(from) <= lsnOf(have),
  reaches: (have, need) => lsnOf(have) >= lsnOf(need),
  copyBase,
  fetchLog,
  recover,
  snapshot,
  dump,
  sums: (connection) => sums(connection),
};
