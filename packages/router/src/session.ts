import type { CapturedPosition, Position, PositionOps } from '@replication-lab/engines';
import type { ConsistencyLevel } from './types.ts';

/**
 * What a session has seen: the content of a token.
 *
 * Two facts together bound it. Everything the session wrote, and everything it read on a primary, is covered by
 * `position`. What it read on a replica is bounded by nothing the router knows, except that `lastNode` itself
 * showed it and only moves forward.
 */
export interface SessionState {
  /** The newest reign this session knows of. */
  readonly epoch: number;
  readonly position: Position;
  /** The node that served last and whose state `position` does not bound; null when `position` bounds everything. */
  readonly lastNode: string | null;
  /** A write of this session ended at a position nobody told us: only the primary is known to hold it. */
  readonly unknown: boolean;
}

export const emptySession = (epoch: number, empty: Position): SessionState => ({
  epoch,
  position: empty,
  lastNode: null,
  unknown: false,
});

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
 * The upper bound REPLACES the position and is not merged into it. The primary holds every position of its own
 * history, so one it does not cover was lost in a failover or comes from another life of the databases: no node
 * will ever cover it, and keeping it would pin the session to the primary for ever.
 */
export function afterRead(state: SessionState, seen: ReadSeen): SessionState {
  if (seen.level === 'eventual' || seen.level === 'bounded') return state;
  if (seen.role === 'replica') {
    return state.lastNode === seen.node ? state : { ...state, lastNode: seen.node };
  }
  if (seen.upperBound === undefined) return { ...state, epoch: seen.epoch, lastNode: seen.node };
  return { epoch: seen.epoch, position: seen.upperBound, lastNode: null, unknown: false };
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
  if (captured.kind === 'none') return { ...state, epoch, lastNode: primary };
  if (captured.kind === 'unknown') return { ...state, epoch, unknown: true };
  return { ...state, epoch, position: positions.merge(state.position, captured.position) };
}
