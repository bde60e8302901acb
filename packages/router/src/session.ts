import type { CapturedPosition, Position, PositionOps } from '@replication-lab/engines';
import { drawRandom } from './random.ts';
import type { ConsistencyLevel } from './types.ts';

/**
 * What a session has seen: the content of a token.
 *
 * Two facts together bound it. Everything the session wrote, and everything it read on a primary, is covered by
 * `position`. What it read on a replica is bounded by nothing the router knows, except that `lastNode` itself
 * showed it and only moves forward.
 */
export interface SessionState {
  /** Tells this session from others where its share of something is counted. Not secret, says nothing of its owner. */
  readonly id: string;
  /** The reign in whose history `position` lies. */
  readonly epoch: number;
  readonly position: Position;
  /** The node that served last and whose state `position` does not bound; null when `position` bounds everything. */
  readonly lastNode: string | null;
  /** A write of this session ended at a position nobody told us: only the primary is known to hold it. */
  readonly unknown: boolean;
}

/** In place of `lastNode`: more than one node has served. No node is called so. */
export const SEVERAL_NODES = '-several-';

const newId = (): string => drawRandom(6).toString('base64url');

export const emptySession = (epoch: number, empty: Position, id = newId()): SessionState => ({
  id,
  epoch,
  position: empty,
  lastNode: null,
  unknown: false,
});

/** One that was opened from the token which all newcomers share becomes somebody. */
export const withId = (state: SessionState): SessionState =>
  state.id === '' ? { ...state, id: newId() } : state;

/** A session that has seen nothing: any replica may start it. */
export const isEmptySession = (state: SessionState, empty: Position): boolean =>
  state.position === empty && state.lastNode === null && !state.unknown;

export interface ReadSeen {
  readonly level: ConsistencyLevel;
  readonly node: string;
  readonly role: 'primary' | 'replica';
  /** Taken after the read on the same connection; absent when it was not asked for. */
  readonly upperBound: Position | undefined;
  /** The epoch of the topology that chose the node. */
  readonly epoch: number;
}

/**
 * The session after a read.
 *
 * `eventual` and `bounded` reads are outside the session: they promised it nothing, and take nothing from it.
 * A session read on a replica is remembered by the replica's name. A read of the primary is remembered by its
 * upper bound when that was taken, else by the primary's name (the next session read then goes there and takes it).
 *
 * The upper bound replaces the position: whoever calls this has made sure that it covers the old one (`reads.ts`).
 */
export function afterRead(state: SessionState, seen: ReadSeen): SessionState {
  if (seen.level === 'eventual' || seen.level === 'bounded') return state;
  if (seen.role === 'replica') {
    return state.lastNode === seen.node ? state : { ...state, lastNode: seen.node };
  }
  // The epoch stays: it belongs to the position, which this read says nothing about.
  if (seen.upperBound === undefined) return afterPrimary(state, seen.node);
  return { id: state.id, epoch: seen.epoch, position: seen.upperBound, lastNode: null, unknown: false };
}

/**
 * The session after a write or a transaction on `primary`.
 *
 * `lastNode` stays, and so does `unknown`: the position of this write proves this write, and nothing of what others
 * wrote or of an earlier write whose position nobody told us (MySQL replicas may be set to commit out of order). So
 * after a write a session is served by `lastNode` once that covers the write, or by the primary, whose upper bound
 * ends both marks. That is stricter than in-order replicas need, and costs next to nothing: right after a write
 * hardly any replica is known to cover it.
 *
 * A write that changed nothing, and a transaction that only read, showed the session the primary's state: the
 * next session read starts there.
 */
export function afterWrite(
  state: SessionState,
  captured: CapturedPosition,
  primary: string,
  epoch: number,
  positions: Pick<PositionOps, 'merge'>,
): SessionState {
  if (captured.kind === 'none') return { ...afterPrimary(state, primary), epoch };
  if (captured.kind === 'unknown') return { ...state, epoch, unknown: true };
  return { ...state, epoch, position: positions.merge(state.position, captured.position) };
}

/**
 * The primary showed what it has, without a bound. Its name is remembered, unless a replica's is: that one may have shown
 * what the primary does not show yet, so it must not be forgotten, and only the primary can make good for both.
 */
export function afterPrimary(state: SessionState, primary: string): SessionState {
  return state.lastNode === null || state.lastNode === primary
    ? { ...state, lastNode: primary }
    : { ...state, unknown: true };
}

/**
 * What two calls have seen that ran at the same time in one session. What only one of two nodes is known to hold, only
 * the primary holds for certain.
 */
export function mergeSessions(
  a: SessionState,
  b: SessionState,
  positions: Pick<PositionOps, 'merge'>,
): SessionState {
  if (a === b) return a;
  // Positions of two reigns do not compare: the newer one stands, and the primary settles the rest.
  const [older, newer] = a.epoch <= b.epoch ? [a, b] : [b, a];
  const twoReigns = older.epoch !== newer.epoch;
  const twoNodes = a.lastNode !== null && b.lastNode !== null && a.lastNode !== b.lastNode;
  return {
    id: newer.id,
    epoch: newer.epoch,
    position: twoReigns ? newer.position : positions.merge(a.position, b.position),
    lastNode: twoNodes ? SEVERAL_NODES : (a.lastNode ?? b.lastNode),
    unknown: a.unknown || b.unknown || twoNodes || twoReigns,
  };
}
