export { type Archived, applyRetention, archiveLog, backUp } from './back-up.ts';
export { split } from './decide/chain.ts';
export type { Retention } from './decide/retention.ts';
export { parseTime, timeText } from './decide/target.ts';
export { applyDumpRetention, type Loaded, makeDump, proveDump, writeDump } from './dump.ts';
export { backupEngineOf } from './engines.ts';
export { BackupError, type BackupErrorCode } from './errors.ts';
export { headOf, withNode } from './nodes.ts';
export { DEFAULT_MAX_MIB_PER_SECOND } from './pace.ts';
export { Repository } from './repository.ts';
export { isProof, prove, type Restored, restore, type Wanted } from './restore.ts';
export { discardScratch } from './scratch.ts';
export { findTool, missingTool } from './tools.ts';
export type {
  BackupEngine,
  BackupRecord,
  BaseRecord,
  DumpRecord,
  LogRecord,
  Site,
  TableSum,
  Target,
  Verified,
} from './types.ts';
