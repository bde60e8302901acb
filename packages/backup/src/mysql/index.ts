import { clockUs, lineage, sums } from '../mysql-protocol/look.ts';
import type { BackupEngine } from '../types.ts';
import { copyBase, fetchLog, positions } from './copy.ts';
import { dump } from './dump.ts';
import { logEnd, snapshot } from './look.ts';
import { recover } from './recover.ts';

export const mysql: BackupEngine = {
  name: 'mysql',
  tickUs: 1,
  packages: [],
  tools: ['mysqlbinlog', 'mysql', 'mysqldump'],
  lineage,
  clockUs,
  logEnd,
  joins: (have, from) => positions.covers(have, from),
  reaches: (have, need) => positions.covers(have, need),
  copyBase,
  fetchLog,
  recover,
  snapshot,
  dump,
  sums,
};
