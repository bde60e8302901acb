import type { EngineName } from '@replication-lab/engines';
import type { RuntimeName } from '../runtime.ts';

/**
 * Who is meant, by the part it plays when the trial begins. Which replica is `replica` and which `other-replica` is drawn
 * from the trial's seed.
 */
export type Actor =
  | 'primary'
  | 'replica'
  | 'other-replica'
  | 'acting-supervisor'
  /** Whatever carries out orders on the primary's host; native: one process for all nodes. */
  | 'agent'
  | 'standby-supervisor'
  | 'api'
  /** Whoever acknowledged the newest write when the step begins. */
  | 'writing-node';

/** One thing that is done to the lab, or waited for. Every wait has a deadline. */
export type Step =
  /** SIGKILL. */
  | { readonly do: 'kill'; readonly who: Actor }
  /** What was killed loses its data. */
  | { readonly do: 'wipe'; readonly who: Actor }
  /** Starts what was killed, and does not wait until it serves. */
  | { readonly do: 'start'; readonly who: Actor }
  /** SIGSTOP, or `docker pause`. */
  | { readonly do: 'freeze'; readonly who: Actor }
  | { readonly do: 'thaw'; readonly who: Actor }
  /** SIGTERM: what `docker stop` and a restart of the host send. Returns at once. */
  | { readonly do: 'stop'; readonly who: Actor }
  /** Applies what it receives so many seconds late; 0 ends it. */
  | { readonly do: 'lag'; readonly who: Actor; readonly seconds: number }
  /** Asks the supervisors to make it the primary, and waits until it is. */
  | { readonly do: 'switchover'; readonly who: Actor }
  /** A replica receives from nobody any more; the supervisors mend that. */
  | { readonly do: 'detach'; readonly who: Actor }
  /** Drops packets between the host of a database and others; see `Cut`. */
  | {
      readonly do: 'cut';
      readonly who: Actor;
      readonly from: readonly (Actor | 'everybody')[];
      readonly direction?: 'both' | 'out';
      readonly share?: number;
    }
  /** Ends every cut of this host. */
  | { readonly do: 'reconnect'; readonly who: Actor }
  /** Takes every connection that ordinary accounts can get. */
  | { readonly do: 'exhaust'; readonly who: Actor }
  /** Nothing that it wants on its disk gets there: each of its fsyncs waits. */
  | { readonly do: 'stall'; readonly who: Actor }
  /** It receives, and does not apply; whoever detaches it, or has it follow somebody, makes it go on. */
  | { readonly do: 'stop-applying'; readonly who: Actor }
  /** An administrator writes on it, past all that keeps replicas closed; where the server refuses that, nothing happens. */
  | { readonly do: 'write-errant'; readonly who: Actor }
  /** Its clock is wrong by so many seconds from now on. Scenarios with `needs: 'clocks'` only. */
  | { readonly do: 'set-clock'; readonly who: Actor; readonly seconds: number }
  | { readonly do: 'release'; readonly who: Actor }
  /** Goes on under load for so long; two numbers: between them, drawn from the seed. */
  | { readonly do: 'wait'; readonly ms: number | readonly [number, number] }
  | { readonly until: Condition; readonly withinMs: number };

export type Condition =
  /** A write was acknowledged that was sent after the step before had ended. */
  | 'writes-go-on'
  /** The same, by another node than the one that was primary when the trial began. */
  | 'another-node-writes'
  /** If the primary died now, a replica would take its place. */
  | 'armed'
  /** What `write-errant` wrote is on no node. */
  | 'errant-gone'
  /** No write was acknowledged for 700 ms. */
  | 'writes-stop';

/** One row of the fault matrix (`rows`), as a drill. After its steps everything is healed, and the lab has to be whole again. */
export interface Scenario {
  readonly name: string;
  /** Row of the fault matrix in docs/reference/drill.md; null: no fault. */
  readonly row: number | null;
  /** One line: what happens to whom. */
  readonly summary: string;
  /** Is another node to be primary afterwards? Null: either is right. */
  readonly failover: boolean | null;
  /** No write may fail, nor be unknown. Not given: some may. */
  readonly writesGoOn?: boolean;
  /** Reads go on without an error, at `eventual` and at `session`. */
  readonly readsGoOn: boolean;
  /** The trial begins so long after the last promotion at the earliest. */
  readonly calmMs?: number;
  /** Where it can be injected. */
  readonly runtimes: readonly RuntimeName[];
  readonly steps: readonly Step[];
  /** What is not on every machine. `clocks`: what guards the lab is started anew before the trial, with clocks of its own. */
  readonly needs?: 'strace' | 'clocks';
}

/** What one trial found; a line of a record file. Times in ms. Null: did not happen, or was not seen. */
export interface Trial {
  readonly version: 1;
  readonly fault: string;
  readonly engine: EngineName;
  readonly runtime: RuntimeName;
  readonly seed: number;
  /** ISO time of its beginning. */
  readonly at: string;
  /** Of the repository; with a `+` where the sources differed from it. */
  readonly commit: string;
  readonly failover: boolean;
  /** Who is primary afterwards, when it is another than before. */
  readonly promoted: string | null;
  /** From the fault to the supervisor's verdict, on what evidence. */
  readonly detectMs: number | null;
  readonly evidence: string | null;
  /** From the verdict to the moment when clients were let in. */
  readonly promoteMs: number | null;
  /** From there to the first write that it acknowledged. */
  readonly rerouteMs: number | null;
  /** The longest time without an acknowledged write, from the fault to the end of the trial. */
  readonly writeOutageMs: number;
  /** The longest time without an answered read. */
  readonly readOutageMs: number;
  readonly ackedWrites: number;
  /** Answered with an error that says: nothing was done. */
  readonly failedWrites: number;
  readonly unknownWrites: number;
  /** Acknowledged, and not in the tables of every node (of no node, when the lab did not become whole again). */
  readonly lostWrites: number;
  /** Acknowledged by an older reign, although sent after a newer one had acknowledged. */
  readonly doubleAcks: number;
  /** Executed more often than sent. */
  readonly duplicates: number;
  /** Answered with "nothing was done", and found in the tables. */
  readonly refusedButDone: number;
  readonly reads: number;
  readonly readErrors: number;
  /** `session` reads that did not find their own write. */
  readonly sessionViolations: number;
  /** From the end of the fault to a whole lab. */
  readonly rejoinMs: number | null;
  /** Answers that were not as wished, by request, status and code. */
  readonly answers: Readonly<Record<string, number>>;
  /** Why this trial counts as failed; empty: all held. */
  readonly problems: readonly string[];
}
