import type { Evidence } from './core/evidence.ts';
import type { NodeFailure, Reason } from './core/types.ts';
import type { OrderEvent } from './node-channel.ts';
import type { SwitchoverOutcome } from './switchover-run.ts';

/** A moment as ISO 8601 in UTC, to the millisecond. */
type Time = string;

/**
 * What a supervisor tells of itself. `epoch` is the reign of record at that moment; in `promoted` and `opened` the new one.
 * Of a failover these are the moments: `suspected`, `confirmed`, `chosen`, `promoted`, `opened`.
 */
export type SupervisorEvent =
  | { readonly what: 'started'; readonly engine: string; readonly nodes: readonly string[] }
  | {
      readonly what: 'phase';
      readonly from: string;
      readonly to: string;
      readonly epoch: number;
      readonly primary: string | null;
      readonly reasons: readonly Reason[];
      readonly why: readonly string[];
    }
  | ({
      readonly what: 'order';
      readonly node: string;
      /** The same order failed in the same way so often just before, and was not told each time. */
      readonly repeated?: number;
    } & OrderEvent)
  /** The first question that the primary did not answer; its time is that of the question's failure. */
  | {
      readonly what: 'suspected';
      readonly primary: string;
      readonly epoch: number;
      readonly failure: NodeFailure['kind'] | null;
      readonly error: string | null;
    }
  /** It answered again, or others were seen to hear it, before a successor was chosen: it keeps the office. */
  | { readonly what: 'cleared'; readonly primary: string; readonly epoch: number; readonly afterMs: number }
  /** Certain enough: the failover begins. */
  | {
      readonly what: 'confirmed';
      readonly primary: string;
      readonly epoch: number;
      readonly evidence: Evidence;
      /** Since the suspicion began. */
      readonly afterMs: number;
    }
  | ({ readonly what: 'chosen' } & Proof)
  | { readonly what: 'promoted'; readonly node: string; readonly epoch: number }
  /** Clients may write again. */
  | {
      readonly what: 'opened';
      readonly node: string;
      readonly epoch: number;
      /** Who had the office before, and since when it was suspected; null where this supervisor has not seen that. */
      readonly from: string | null;
      readonly evidence: Evidence | null;
      readonly outageMs: number | null;
      /** Since the old primary was taken for dead; null where this supervisor has not seen that. */
      readonly promotionMs: number | null;
    }
  /** Somebody wants another primary; `switched` tells what came of it. */
  | { readonly what: 'wished'; readonly from: string; readonly to: string; readonly epoch: number }
  | { readonly what: 'switched'; readonly epoch: number; readonly outcome: SwitchoverOutcome }
  /** A person gives up the nodes that are away: what only they hold is lost. `loss`: what is known of that. */
  | {
      readonly what: 'overruled';
      readonly from: string;
      readonly to: string;
      readonly epoch: number;
      readonly loss: string;
    }
  | { readonly what: 'armed'; readonly epoch: number }
  | { readonly what: 'unarmed'; readonly epoch: number; readonly reasons: readonly string[] };

/** Why nothing acknowledged is lost: all voters were detached, and the chosen one holds all that any of them holds. */
export interface Proof {
  readonly node: string;
  readonly epoch: number;
  readonly voters: readonly {
    readonly name: string;
    readonly held: string;
    readonly epoch: number;
    readonly askedAt: Time;
    /** Null: it follows the chosen one already. */
    readonly detachedAt: Time | null;
  }[];
  readonly old: {
    readonly name: string;
    /** The last that it told; null: nothing, to this supervisor. */
    readonly held: string | null;
    readonly askedAt: Time | null;
    readonly failure: string | null;
  };
}

export type LoggedEvent = SupervisorEvent & {
  /** Counts up by one, from 1, in one life of the process. */
  readonly seq: number;
  readonly at: Time;
  /** One line for people. */
  readonly text: string;
};

/** The answer of `GET /events?after=SEQ`. */
export interface EventPage {
  readonly name: string;
  /** Another life of the process, with a count of its own: ask again with `after=0`. */
  readonly bootId: string;
  /** What to ask `after` next time. */
  readonly next: number;
  /** So many after SEQ were forgotten before they were asked for. */
  readonly missed: number;
  readonly events: readonly LoggedEvent[];
}
