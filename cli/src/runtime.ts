import type { Durability, EngineName, Row } from '@replication-lab/engines';
import type { Topology } from '@replication-lab/engines/config';
import type { LabUnderTest } from '@replication-lab/load-tests';
import type { Output } from './output.ts';
import type { Condition, LabObservation } from './status/types.ts';
import type { VerbContext } from './verb.ts';

export type RuntimeName = 'docker' | 'native';
export type { Topology };

/** What a verb that works on a lab needs of its surroundings: a part of VerbContext. */
export type LabContext = Pick<VerbContext, 'out' | 'progress' | 'signal' | 'interactive' | 'yes'>;

/** What to bring up; what is left out takes the defaults of `./lab up`. */
export interface UpRequest {
  readonly engine?: EngineName;
  readonly runtime?: RuntimeName;
  readonly topology?: Topology;
  readonly durability?: Durability;
  /** Optional parts (docker): profiles of docker-compose.yml. */
  readonly with?: readonly string[];
}

export interface LabUrls {
  readonly api: string;
  readonly haproxyStats: string;
  readonly [name: string]: string;
}

export interface RunningLab {
  readonly engine: EngineName;
  readonly runtime: RuntimeName;
  readonly topology: Topology;
  readonly durability: Durability;
  readonly urls: LabUrls;
  /** True when `bringUp` found it as wanted and changed nothing. */
  readonly alreadyUp: boolean;
  /** The lab as the measurements see it. */
  underTest(): Promise<LabUnderTest>;
}

/** What the `up` verb does, for verbs that need a lab first (compare, demo). Idempotent; throws LabError. */
export type BringUp = (request: UpRequest, context: LabContext) => Promise<RunningLab>;

/** Which packets of a host are dropped. */
export interface Cut {
  readonly from: readonly PartName[];
  /** `out`: only those that it sends. */
  readonly direction: 'both' | 'out';
  /** From 0 to 1: that share of them, by chance. */
  readonly share: number;
}

/** One part of a lab: a database node (db-1 …), an API replica (api-1 …), a supervisor (supervisor-1 …) or haproxy. */
export type PartName = string;

export const isDatabase = (part: PartName): boolean => part.startsWith('db-');

/**
 * A lab that was brought up, whatever its processes live in: what status, logs, faults and down do to it.
 * Every call has a deadline of its own and throws LabError.
 */
export interface LabRuntime {
  readonly name: RuntimeName;
  readonly engine: EngineName;
  /** What there is of this topology, whether it runs or not. */
  readonly parts: readonly PartName[];
  /** Everything at once, within about a second, whatever is dead or frozen. */
  observe(): Promise<Omit<LabObservation, 'faults'>>;
  condition(part: PartName): Promise<Condition>;
  /** Ends it the hard way, and returns when it is gone. */
  kill(part: PartName): Promise<void>;
  /**
   * Starts it again after a kill, and returns when it answers. Nothing to do when it runs. A database without data has nothing to
   * be started with: where supervisors watch the lab, this waits until they have had it made anew.
   */
  revive(part: PartName, signal: AbortSignal): Promise<void>;
  /**
   * Removes the data of a database that does not run, as a lost disk does. Native only: elsewhere it throws LabError `usage`.
   */
  wipe(node: PartName): Promise<void>;
  /** Tells it to end in an orderly way (as `docker stop` does), and does not wait until it has. */
  terminate(part: PartName): Promise<void>;
  /** Stops all its processes in their tracks; its sockets stay open. */
  freeze(part: PartName): Promise<void>;
  thaw(part: PartName): Promise<void>;
  /** A replica receives from nobody any more, until somebody attaches it again. */
  detach(node: PartName): Promise<void>;
  applyDelaySeconds(node: PartName): Promise<number>;
  setApplyDelay(node: PartName, seconds: number): Promise<void>;
  /** Asks a node's database as its administrator, one statement after the other; the rows of each. */
  queryAsAdmin(node: PartName, statements: readonly string[]): Promise<readonly (readonly Row[])[]>;
  /**
   * Drops the packets between a database's host and these parts; twice: adds to what is dropped already. Docker only: elsewhere it
   * throws LabError `usage`.
   */
  cutOff(node: PartName, cut: Cut): Promise<void>;
  /** Drops nothing any more. */
  reconnect(node: PartName): Promise<void>;
  isCutOff(node: PartName): Promise<boolean>;
  /**
   * Takes every connection that the node gives to the application's account, and returns what gives them back. Native only:
   * elsewhere it throws LabError `usage`.
   */
  exhaustConnections(node: PartName): Promise<() => Promise<void>>;
  /**
   * Starts what guards the lab anew, each part with a clock of its own, which is right. Native only: elsewhere it throws
   * LabError `usage`.
   */
  giveClocks(signal: AbortSignal): Promise<void>;
  /** The clock of a part that has one of its own is wrong by so many seconds from now on; returns when that shows. */
  setClock(part: PartName, seconds: number): Promise<void>;
  /**
   * Has every fsync of the node's server wait, as on a disk that stands still, until what is returned is called or two minutes
   * have passed. Native only: elsewhere it throws LabError `usage`.
   */
  stallDisk(node: PartName): Promise<() => Promise<void>>;
  /**
   * Opens a primary when none is open, and attaches the others: what bootstrap decides. Idempotent. Nothing where supervisors
   * watch the lab: that is theirs.
   */
  bootstrap(progress: (message: string) => void, signal: AbortSignal): Promise<void>;
  /**
   * What the supervisors answer to `GET path`, as JSON, by their names; null from one that gives none within about a second.
   * Empty where no supervisor watches the lab.
   */
  askSupervisors(path: (name: string) => string): Promise<Readonly<Record<string, unknown>>>;
  /**
   * What the supervisors answer to `POST path` with `body`, whatever the status; null from one that gives no answer within
   * `timeoutMs`. Empty where no supervisor watches the lab.
   */
  orderSupervisors(path: string, body: object, timeoutMs: number): Promise<SupervisorAnswers>;
  certificates(): Promise<readonly Certificate[]>;
  /**
   * All certificates anew, by the same authority, and every server that runs and shows one takes the new one. Connections
   * stay. What does not run takes it when it is started.
   */
  renewCertificates(progress: (message: string) => void): Promise<void>;
  /** Runs until the signal when `follow`. */
  logs(request: LogRequest, out: Output, signal: AbortSignal): Promise<void>;
  /** Ends everything. Data stays unless `volumes`. */
  down(options: { volumes: boolean }, progress: (message: string) => void): Promise<void>;
}

/** One that the lab needs. */
export interface Certificate {
  /** Below the lab's folder of certificates. */
  readonly file: string;
  readonly commonName: string;
  readonly addresses: readonly string[];
  /** Null: it is not there, or will not do. */
  readonly end: Date | null;
}

export type SupervisorAnswers = Readonly<
  Record<string, { readonly status: number; readonly body: unknown } | null>
>;

export interface LogRequest {
  readonly parts: readonly PartName[];
  readonly lines: number;
  readonly follow: boolean;
}
