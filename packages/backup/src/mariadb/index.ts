import { clockUs, lineage, sums } from '../mysql-protocol/look.ts';
import { findTool } from '../tools.ts';
import type { BackupEngine } from '../types.ts';
import { copyBase, fetchLog, PACKAGES, positions } from './copy.ts';
import { logEnd, snapshot } from './look.ts';
import { recover } from './recover.ts';

export const mariadb: BackupEngine = {
  name: 'mariadb',
  tickUs: 1_000_000,
  packages: PACKAGES,
  async missingTool(engine) {
    const binary = await engine.server.find();
    for (const tool of ['mariadb-backup', 'mariadb-binlog', 'mariadb'])
      if (!(await findTool(tool, binary))) return tool;
    return null;
  },
  lineage,
  clockUs,
  logEnd,
  joins: (have, from) => positions.covers(have, from),
  reaches: (have, need) => positions.covers(have, need),
  copyBase,
  fetchLog,
  recover,
  snapshot: (connection) => snapshot(connection),
  sums,
};
