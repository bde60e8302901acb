import { clockUs, lineage, sums } from '../mysql-protocol/look.ts';
import type { BackupEngine } from '../types.ts';
import { copyBase, fetchLog, PACKAGES, positions } from './copy.ts';
import { dump } from './dump.ts';
import { logEnd, snapshot } from './look.ts';
import { recover } from './recover.ts';

export const mariadb: BackupEngine = {
  name: 'mariadb',
  tickUs: 1_000_000,
  packages: PACKAGES,
  tools: ['mariadb-backup', 'mariadb-binlog', 'mariadb', 'mariadb-dump'],
  lineage,
  clockUs,
  logEnd,
  joins: (have, from) => positions.covers(have, from),
  reaches: (have, need) => positions.covers(have, need),
  copyBase,
  fetchLog,
  recover,
  snapshot: (connection) => snapshot(connection),
  dump,
  sums,
};
