import type { Endpoint, EngineFailover, NodeState, PositionOps, Reign } from '@replication-lab/engines';
import type { Verdict } from './evidence.ts';
import type { Pulse, Stall } from './gray.ts';
import type { Override } from './override.ts';
import type { Choice } from './proof.ts';
import type { Life } from './trust.ts';

/** Milliseconds of this process's monotonic clock. */
type Ms = number;

/** One node, as this supervisor knows it at a moment. */
export interface NodeReport {
  readonly name: string;
  /** The last answer; null: it has not answered since this supervisor began. */
  readonly state: NodeState | null;
  /** When the question of the last answer was asked. */
  readonly askedAtMs: Ms;
  /** Why it does not answer now; null: its last question was answered. */
  readonly failure: NodeFailure | null;
  /** This supervisor holds the node's lock. `other`: somebody else does. */
  readonly lock: 'held' | 'other' | 'none';
  /** The newest reign that this node tells of; null before the first one. */
  readonly reign: { readonly epoch: number; readonly node: string } | null;
  /** By epoch, all reigns that this node tells of. */
  readonly reigns: Readonly<Record<number, Pick<Reign, 'fork' | 'lossless'> & { readonly node?: string }>>;
  /**
   * There is no data to start its server with: its agent says so, or an order of this supervisor to make it anew has failed. Who
   * lost it (a disk, a volume) does not matter: it holds nothing.
   */
  readonly isEmpty?: boolean;
  /** What the heartbeats came to that this supervisor writes to it; none, unless it acts and this is the open primary. */
  readonly pulse?: Pulse;
}

export interface NodeFailure {
  /**
   * `refused`: the host answers, and nothing listens there. `lost`: an established connection ended. `silent`: nothing came
   * back in time.
   */
  readonly kind: 'refused' | 'lost' | 'silent';
  /** The first failure since the last answer. */
  readonly sinceMs: Ms;
  /** Attempts that failed since then. */
  readonly attempts: number;
  readonly error: string;
}

export interface Observation {
  readonly nodes: readonly NodeReport[];
  /** The longest time that this process was late since the last step: what it thinks of others' silence is then its own. */
  readonly lateMs: number;
}

/** What one step wants done now. Whatever runs already is not started twice; what has been done is not wanted any more. */
export type Action =
  | { readonly do: 'lock'; readonly node: string }
  | { readonly do: 'unlock'; readonly node: string }
  /** With `voters` it goes on with `arm`, as `promote` does with `establish`: nothing has to be seen in between, and clients wait. */
  | { readonly do: 'detach'; readonly node: string; readonly voters?: readonly string[] }
  | { readonly do: 'follow'; readonly node: string; readonly source: string }
  | { readonly do: 'arm'; readonly node: string; readonly voters: readonly string[] }
  | { readonly do: 'promote'; readonly node: string; readonly epoch: number }
  /** `promote` and `establish` of a node that was primary before it was started again: one order, since it tells of a reign already. */
  | { readonly do: 'reopen'; readonly node: string; readonly epoch: number }
  | { readonly do: 'establish'; readonly node: string; readonly epoch: number }
  /** A person's order: see `override.ts`. */
  | {
      readonly do: 'found';
      readonly node: string;
      readonly epoch: number;
      readonly voters: readonly string[];
    }
  | { readonly do: 'open'; readonly node: string; readonly epoch: number }
  /** Clients' writes are refused from then on; a closed primary that has a successor can be demoted. */
  | { readonly do: 'close'; readonly node: string }
  | { readonly do: 'demote'; readonly node: string }
  /** The node's agent ends the server and boots it, closed; `rebuild`: with fresh data, a copy of what `source` has. */
  | AgentOrder;

/**
 * Carried out by the agent of `node`, only while `source` is the primary of `epoch`: the open one, but for a node that a person
 * has given up (`isGivenUp`), which must not be open itself then.
 */
export interface AgentOrder {
  readonly do: 'restart' | 'rebuild';
  readonly node: string;
  readonly source: string;
  readonly epoch: number;
  readonly isGivenUp?: boolean;
}

export type Phase =
  | 'passive' //      another supervisor acts, or nobody can: no majority of locks
  | 'unfounded' //    there has been no reign yet: bootstrap makes the first one
  | 'watching' //     the primary is open
  | 'closing' //      a planned change: it is closed to writes when its successor has nearly caught up, and seen to it that it has
  | 'suspecting' //   it does not answer, and the evidence is not enough yet
  | 'fencing' //      the voters are being detached from it
  | 'looking' //      all are detached: one more look at it
  | 'draining' //     the candidate applies what it has received
  | 'arming' //       its commits will wait for the other voter
  | 'attaching' //    the other voter follows it
  | 'promoting'
  | 'establishing' // the row that begins its reign has to be confirmed
  | 'opening'
  | 'refusing'; //    a failover would be needed, and must not be done

/** Why a supervisor does not do what would be done otherwise. Stable: logs, metrics and `./lab status` show them. */
export const REASONS = [
  'no-lock-majority',
  'voter-not-locked',
  'voter-silent',
  'voter-sees-primary',
  'never-armed',
  'not-armed',
  'voters-diverged',
  'received-lost',
  'apply-trouble',
  'not-following',
  'lagging',
  'own-delay',
  'too-soon',
  'needs-restart',
  'needs-rebuild',
  'errant-write',
  'data-loss-accepted',
] as const;
export type Reason = (typeof REASONS)[number];

export interface Explained {
  readonly reason: Reason;
  readonly detail: string;
}

/**
 * The operator wants `to` to be the primary after this reign. Only the supervisor that was asked knows it: the next one puts the
 * primary back into office, unless a voter has been armed already.
 */
export interface Wish {
  readonly to: string;
  readonly epoch: number;
  /** Given up then, if no voter has been armed. */
  readonly untilMs: Ms;
  /** How far the primary was at a moment: see `isNear`. */
  readonly goal: { readonly position: NodeState['position']; readonly atMs: Ms } | null;
  /**
   * All voters have applied what the primary had a moment ago, so that little is to be waited for after it is closed: the one that
   * is to follow the new primary applies everything first, too.
   */
  readonly isNear: boolean;
  /** All that the primary held when it was first seen closed; null while it is open. */
  readonly sealed: NodeState['held'] | null;
  /** `to` was seen to hold all that. */
  readonly isHandedOver: boolean;
}

/** Memory from step to step. All of it can be lost: it is gathered again, or what depended on it is refused. */
export interface SupervisorState {
  readonly phase: Phase;
  /** The reign in which this supervisor has seen commits wait for a voter; null: none yet. */
  readonly armedEpoch: number | null;
  /** The newest reign that was seen open to clients; null: none yet. */
  readonly openEpoch: number | null;
  /** By node: the source's last sign of life, and when it changed. */
  readonly signs: Readonly<Record<string, { readonly sign: string | null; readonly changedAtMs: Ms }>>;
  /** By node: the most that it was seen to hold, in which life of its server. Of this reign (`markedEpoch`) only. */
  readonly highWater: Readonly<Record<string, { readonly bootId: string; readonly held: NodeState['held'] }>>;
  readonly markedEpoch: number;
  /**
   * By node: since when it has been seen to hold what the primary of record does not, receiving from nobody and in the same
   * life of its server.
   */
  readonly divergedSinceMs: Readonly<Record<string, Ms>>;
  /** By node: since when it has been seen to receive from nobody. */
  readonly detachedSinceMs: Readonly<Record<string, Ms>>;
  readonly wish: Wish | null;
  readonly override: Override | null;
  /** Since when this supervisor holds a majority of the locks; null: it does not. */
  readonly activeSinceMs: Ms | null;
  /** Since when the primary of record has answered without a failure; null: it does not. */
  readonly answeringSinceMs: Ms | null;
  /** Since when it is known to be cut off from its voters; null: it is not. */
  readonly lockedAtMs: Ms | null;
  /** What looks as if the primary could not write any more; null: it can, as far as is known. */
  readonly stall: Stall | null;
  /** Since when it is known that it cannot; null: it can, or that is not certain yet. */
  readonly grayAtMs: Ms | null;
  /** By node: the present life of its server, or of its data: see `trust.ts`. */
  readonly lives: Readonly<Record<string, Life>>;
  /** Since when all voters are detached; null while they are not. */
  readonly fencedAtMs: Ms | null;
  /** When the primary answered a last look. */
  readonly lastCancelAtMs: Ms;
  readonly lastPromotionAtMs: Ms;
  /** When this process was late last: silence before that proves nothing. */
  readonly lateAtMs: Ms;
  /** After a conflict over locks nothing is locked before this. */
  readonly lockAgainAtMs: Ms;
}

export interface StepContext {
  readonly endpoints: readonly Endpoint[];
  readonly positions: Pick<PositionOps, 'covers'>;
  readonly limits: Limits;
  /** See `EngineFailover.forgetsReceived`. */
  readonly forgetsReceived: boolean;
  /** From 0 to 1: spreads the retries of supervisors that met. */
  readonly random: () => number;
}

export interface Limits {
  /** HARD evidence: refused at least so often, over at least `hardMs`. */
  readonly hardAttempts: number;
  readonly hardMs: number;
  /** HARD evidence needs replicas whose link is down or has been silent for so long. */
  readonly hardSilentMs: number;
  /** SOFT evidence: no answer for so long … */
  readonly softMs: number;
  /** … and no sign of life at any replica for so long. */
  readonly softSilentMs: number;
  /** LOCKED evidence: the primary has answered, and no voter has heard from it, for so long. */
  readonly lockedMs: number;
  /** GRAY evidence: the primary answers, and has acknowledged nothing that was written to it for so long … */
  readonly grayMs: number;
  /** … of so many heartbeats at least. */
  readonly grayBeats: number;
  /** How long the last look waits for an answer. */
  readonly lookMs: number;
  /** After a promotion, SOFT evidence counts for nothing for so long. */
  readonly calmMs: number;
  /** Two cancelled failovers are at least so far apart. */
  readonly cancelMs: number;
  /** A switchover that has armed no voter by then is undone. */
  readonly wishMs: number;
  /** A switchover begins when no voter is further behind than this. */
  readonly nearMs: number;
  /** A node is made anew when it has been seen diverged for so long. */
  readonly divergedMs: number;
  /** This process was late by so much: silence is its own. */
  readonly lateMs: number;
}

export const LIMITS: Limits = {
  hardAttempts: 2,
  hardMs: 90,
  hardSilentMs: 300,
  softMs: 1_200,
  softSilentMs: 900,
  lockedMs: 2_000,
  grayMs: 2_000,
  grayBeats: 3,
  lookMs: 50,
  calmMs: 10_000,
  cancelMs: 60_000,
  wishMs: 5_000,
  nearMs: 200,
  divergedMs: 1_000,
  lateMs: 200,
};

/**
 * A fence is undone while nobody is promoted, and what decides is the last look after it. Where it takes a second more, it begins
 * sooner, so that the silence before a promotion is about as long as elsewhere.
 */
export const limitsFor = ({ fencesSlowly }: Pick<EngineFailover, 'fencesSlowly'>): Limits =>
  fencesSlowly ? { ...LIMITS, softMs: 700, softSilentMs: 500 } : LIMITS;

export interface Step {
  readonly state: SupervisorState;
  readonly actions: readonly Action[];
  /** The primary of record: who began the newest reign. Null before the first one. */
  readonly primary: string | null;
  readonly epoch: number;
  /** Would a failover succeed now? Not while this is not empty. */
  readonly unarmed: readonly Explained[];
  /** What keeps this step from going on, or from healing a node. */
  readonly reasons: readonly Explained[];
  /** What is to be thought of the primary of record; null where there is none, or before it was asked. */
  readonly verdict: Verdict | null;
  /** Who is to succeed and what it was chosen by; null while nobody is. */
  readonly choice: Choice | null;
}

export const initialState = (nowMs: Ms): SupervisorState => ({
  phase: 'passive',
  armedEpoch: null,
  openEpoch: null,
  signs: {},
  highWater: {},
  markedEpoch: 0,
  divergedSinceMs: {},
  activeSinceMs: null,
  answeringSinceMs: null,
  lockedAtMs: null,
  stall: null,
  grayAtMs: null,
  lives: {},
  detachedSinceMs: {},
  wish: null,
  override: null,
  fencedAtMs: null,
  lastCancelAtMs: Number.NEGATIVE_INFINITY,
  lastPromotionAtMs: Number.NEGATIVE_INFINITY,
  lateAtMs: nowMs,
  lockAgainAtMs: Number.NEGATIVE_INFINITY,
});
