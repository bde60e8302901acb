import type { PositionOps, Reign } from '@replication-lab/engines';
import type { SessionState } from './session.ts';

export type Judgement =
  /** Every position this session has seen is part of the present history; `state` says it in present terms. */
  | { readonly kind: 'kept'; readonly state: SessionState }
  /** Something it has seen was lost between two reigns, or may have been. */
  | { readonly kind: 'lost' }
  /** Nobody wrote down where the reigns parted: the primary's own position has to decide. */
  | { readonly kind: 'unjudged' };

/**
 * A session that comes from an older reign, judged by where the reigns parted (DESIGN section 5).
 *
 * Up to the fork the old history and the new one are the same. Above it, what the old primary wrote is gone. Where the
 * promotion was proved to have kept every acknowledged write, a position above the fork named no acknowledged write of
 * this session (a captured position may point past it, at writes of others), so it is moved back to the fork.
 */
export function judgeReign(
  state: SessionState,
  reigns: ReadonlyMap<number, Reign>,
  epoch: number,
  positions: Pick<PositionOps, 'covers' | 'empty'>,
): Judgement {
  let { position } = state;
  let isProved = true;
  for (let next = state.epoch + 1; next <= epoch; next++) {
    const reign = reigns.get(next);
    isProved &&= reign?.lossless === true;
    if (position === positions.empty) continue;
    if (!reign || reign.fork === null || reign.start === null) return { kind: 'unjudged' };
    if (!positions.covers(reign.fork, position)) {
      if (!reign.lossless) return { kind: 'lost' };
      position = reign.start;
    } else if (!positions.covers(reign.start, position)) {
      // Held, but named in the old reign's terms (postgres: on a timeline that no node is on any more).
      position = reign.start;
    }
  }
  const kept = { ...state, epoch, position };
  if (isProved || state.lastNode === null) return { kind: 'kept', state: kept };
  // What a node showed without a bound may have been lost with the reign, and the node looks no different. Nobody can tell,
  // so the session goes on from what the primary has.
  return { kind: 'kept', state: { ...kept, lastNode: null, unknown: true } };
}
