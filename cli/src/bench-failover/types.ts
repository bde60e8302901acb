import type { Endpoint } from '@replication-lab/engines';
import type { Need } from '../native/packages.ts';
import type { Children } from './children.ts';

export const CONTENDER_NAMES = ['lab', 'patroni', 'patroni-tuned', 'textbook'] as const;
export type ContenderName = (typeof CONTENDER_NAMES)[number];

/** `server`: the database's first process dies. `host`: so does all on its host that could start it again. */
export const FAULTS = ['server', 'host'] as const;
export type Fault = (typeof FAULTS)[number];

/** One database server of a contender. */
export interface BenchNode {
  readonly name: string;
  readonly host: string;
  readonly tls?: Endpoint['tls'];
  readonly port: number;
  readonly dataDir: string;
}

/** The account of the client that writes, and the database with its table. */
export interface Login {
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** Where a contender lives, and as whom. */
export interface Place {
  /** Its own, empty at the start. */
  readonly directory: string;
  /** First two numbers of its addresses. */
  readonly loopback: string;
  /** The directory of PostgreSQL's programs. */
  readonly bin: string;
  readonly runAs: { readonly uid: number; readonly gid: number } | null;
  readonly children: Children;
  readonly progress: (message: string) => void;
}

/** A way to replace a dead primary. */
export interface Contender {
  readonly name: ContenderName;
  /** As it stands in the table. */
  readonly title: string;
  /** How it is set up, in a sentence for the page. */
  readonly setup: string;
  readonly needs: readonly Need[];
  /** Faults that are told apart. Where nothing starts a dead server again, the server's end is the host's end. */
  readonly faults: readonly Fault[];
  /** How often it looks at the primary. The fault falls anywhere within that. */
  readonly looksEveryMs: number;
  /** Starts it with an empty table. Throws LabError; what it had started by then is ended with the place's children. */
  start(place: Place, signal: AbortSignal): Promise<Cluster>;
}

/** A contender that runs: one primary and two replicas. */
export interface Cluster {
  readonly nodes: readonly BenchNode[];
  readonly login: Login;
  /** Brings back what died, waits until a dead primary would be replaced, and tells who the primary is. */
  prepare(signal: AbortSignal): Promise<string>;
  strike(node: BenchNode, fault: Fault): Promise<void>;
  /** Ends it and everything that it started; also after a failure and an interruption. Its data is thrown away. */
  stop(): Promise<void>;
}

export interface Trial {
  readonly contender: ContenderName;
  readonly fault: Fault;
  readonly block: number;
  readonly primary: string;
  /** Who acknowledged the last write; the primary itself where it was started again in its place. */
  readonly primaryAfter: string | null;
  /** From the newest acknowledgement before the fault; null: no write was acknowledged again in time. */
  readonly outageMs: number | null;
  readonly acknowledged: number;
  /** Acknowledged and not in the table. This and what else the table tells: null where nobody took writes again. */
  readonly lost: number | null;
  readonly duplicates: number | null;
  /** Neither acknowledged nor refused; how many of them were found in the table. */
  readonly unknown: number;
  readonly unknownDone: number | null;
  /** Refused by the server; how many of them were found in the table, where none may be. */
  readonly failed: number;
  readonly failedDone: number | null;
}

export interface BenchFailover {
  readonly format: 1;
  readonly startedAt: string;
  readonly seconds: number;
  readonly seed: number;
  readonly commit: string;
  readonly machine: {
    readonly cpuModel: string;
    readonly cpus: number;
    readonly kernel: string;
    readonly node: string;
    /** Before the first trial, over one minute. */
    readonly loadBefore: number;
  };
  readonly versions: Readonly<Record<string, string>>;
  readonly trials: readonly Trial[];
  /** What went wrong beside the trials, in words. */
  readonly problems: readonly string[];
}
