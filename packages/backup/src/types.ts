/** What backups are made of. The folders `mysql/`, `mariadb/` and `postgres/` implement `BackupEngine` with the same files. */

import type {
  Accounts,
  Connection,
  Endpoint,
  Engine,
  EngineName,
  Position,
  ServerSpec,
} from '@replication-lab/engines';
import type { LocalNode } from '@replication-lab/engines/local';
import type { Command } from './tools.ts';

/** The lab whose data is backed up, and where the backups are. */
export interface Site {
  readonly engine: Engine;
  readonly nodes: readonly LocalNode[];
  readonly accounts: Accounts;
  readonly database: string;
  /** Everything of the backups is below: the repository, its password, what is under way. */
  readonly directory: string;
  /** The node that backups are restored into: an address and a directory of its own. */
  readonly scratch: ServerSpec;
  /** How fast copies are stored at most, and made where the tool can be held back; 0: without limit. Default: `DEFAULT_MAX_MIB_PER_SECOND`. */
  readonly maxMibPerSecond?: number;
}

/** A copy of all the data. */
export interface BaseRecord {
  readonly kind: 'base';
  readonly id: string;
  /** One history: a lab that was made anew has another. */
  readonly lineage: string;
  readonly node: string;
  /** All that the copy holds. */
  readonly position: Position;
  /** The primary's clock after the copy, in µs since 1970: it holds nothing that was committed later. */
  readonly clockUs: number;
  readonly takenMs: number;
  readonly bytes: number;
  /** How it was proved, null as long as it was not. */
  readonly verified: Verified | null;
}

/** A piece of the log. */
export interface LogRecord {
  readonly kind: 'log';
  readonly id: string;
  readonly lineage: string;
  readonly node: string;
  /** It begins there or before: it can follow whatever ends there or later. */
  readonly from: Position;
  readonly to: Position;
  /** It has every commit up to then by the primary's clock, in µs since 1970. */
  readonly throughUs: number;
}

/** A logical dump: what makes the database anew, in the engine's own words. It is no base: no log leads on from it. */
export interface DumpRecord {
  readonly kind: 'dump';
  readonly id: string;
  readonly lineage: string;
  readonly node: string;
  readonly takenMs: number;
  readonly bytes: number;
  /** Of all of it, in hexadecimal. */
  readonly sha256: string;
  /** What it is a dump of, where that is known. */
  readonly witness: DumpWitness | null;
  /** Why it is not known; null: it is. */
  readonly notCompared: string | null;
  readonly verified: Verified | null;
}

/** What the node had at the very moment that the dump is of. */
export interface DumpWitness {
  /** Null: the rows are known, and not their place in the log. */
  readonly position: Position | null;
  readonly tables: readonly TableSum[];
}

export type BackupRecord = BaseRecord | LogRecord | DumpRecord;

export interface Verified {
  readonly atMs: number;
  /** Null: a dump whose place in the log is not known. */
  readonly position: Position | null;
  readonly rows: number;
}

/** Where to stop. A time is inclusive: a commit of that very microsecond (mariadb: second) is there. */
export type Target =
  | { readonly kind: 'time'; readonly us: number }
  | { readonly kind: 'position'; readonly position: Position };

/** Where to and by whom things are copied. */
export interface CopyJob {
  /** The node that is read. */
  readonly source: LocalNode;
  readonly site: Site;
  /** An empty directory that belongs to the servers' user, or none yet where the engine makes it. */
  readonly into: string;
  readonly signal?: AbortSignal | undefined;
}

export interface LogJob extends CopyJob {
  /** Where the log ends that continues each copy: this piece should continue all of them. None: from as early as the node can. */
  readonly ends: readonly Position[];
  /** At least so far. */
  readonly upTo: Position;
  /** Kept from call to call. */
  readonly spool: string;
}

export interface FetchedLog {
  readonly from: Position;
  /** Called when what was fetched is safe in the repository. */
  release(): Promise<void>;
}

export interface RecoverJob {
  readonly site: Site;
  readonly base: BaseRecord;
  /** Directories with the pieces of the log, in their order. */
  readonly pieces: readonly { readonly directory: string; readonly record: LogRecord }[];
  readonly target: Target;
  readonly signal?: AbortSignal | undefined;
}

/** From where a dump is taken. */
export interface DumpJob extends Omit<CopyJob, 'into'> {
  /** What is read there may be held up for a moment: nobody waits for it. */
  readonly isReplica: boolean;
}

/** A dump that is about to be taken. Disposed of when it was taken. */
export interface DumpMoment extends AsyncDisposable {
  /** Prints the dump. */
  readonly command: Command;
  /** Is shown all that is printed: whether the tool has fixed the moment that it dumps. */
  hasBegun(chunk: Buffer): boolean;
  /** Called once, after `hasBegun` or the end. A text: why it is not known what there was. */
  witness(): Promise<DumpWitness | string>;
}

/** Logical dumps of an engine. */
export interface EngineDump {
  /** How a person loads one from a file, as a command line without an address. */
  readonly loadedWith: string;
  begin(job: DumpJob): Promise<DumpMoment>;
  /** The command that reads a dump into the empty database of the scratch node, which runs. */
  loader(site: Site, signal?: AbortSignal): Promise<Command>;
}

/** Rows and checksum of a table. The checksum depends on every value of every row, and not on their order. */
export interface TableSum {
  readonly table: string;
  readonly rows: number;
  readonly checksum: string;
}

/** What backups have to know of an engine. */
export interface BackupEngine {
  readonly name: EngineName;
  /** The finest difference of time that the log tells, in µs. */
  readonly tickUs: number;
  /** Debian packages with the tools, beside those of the server. */
  readonly packages: readonly string[];
  /** The programs that make and restore backups; see `missingTool`. */
  readonly tools: readonly string[];
  /** Tells this history from that of a lab that was made anew. */
  lineage(connection: Connection): Promise<string>;
  /** µs since 1970. */
  clockUs(connection: Connection): Promise<number>;
  /** On the primary: covers every commit that began to be logged before this call. */
  logEnd(connection: Connection): Promise<Position>;
  /** Whether a log that begins at `from` continues what ends at `have` without a gap. */
  joins(have: Position, from: Position): boolean;
  /** Whether what ends at `have` comes up to `need`. */
  reaches(have: Position, need: Position): boolean;
  /** Copies all data of a running node, without stopping it. Returns all that the copy holds. */
  copyBase(job: CopyJob): Promise<Position>;
  /** Copies the log from `have` on, at least up to `upTo`. */
  fetchLog(job: LogJob): Promise<FetchedLog>;
  /**
   * Starts the scratch node on the copied data, and has it replay the log up to the target. The node is left running, closed to
   * writes. Throws BackupError `target-missed`.
   */
  recover(job: RecoverJob): Promise<Position>;
  /**
   * Begins a transaction that reads one moment, and returns the position of that moment exactly. Null when it could not be told;
   * then nothing is begun.
   */
  snapshot(connection: Connection, signal?: AbortSignal): Promise<Position | null>;
  readonly dump: EngineDump;
  /** Of all tables of the database. */
  sums(connection: Connection, database: string): Promise<TableSum[]>;
}

export type Progress = (message: string) => void;

export const endpointText = ({ host, port }: Endpoint): string => `${host}:${port}`;
