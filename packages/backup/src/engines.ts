import type { EngineName } from '@replication-lab/engines';
import { mariadb } from './mariadb/index.ts';
import { mysql } from './mysql/index.ts';
import { postgres } from './postgres/index.ts';
import type { BackupEngine } from './types.ts';

const ENGINES: Readonly<Record<EngineName, BackupEngine>> = { mysql, mariadb, postgres };

export const backupEngineOf = (name: EngineName): BackupEngine => ENGINES[name];
