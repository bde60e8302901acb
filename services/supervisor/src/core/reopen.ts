import { hostOf, isConfirmed } from './nodes.ts';
import { hasAppliedAll, type PromotionStep } from './promotion.ts';
import type { NodeReport, StepContext } from './types.ts';

/**
 * The primary of record has started again, closed, and nobody can be proved to hold all that it acknowledged, but for itself: a
 * replica is away, or has forgotten what it had received, or it was never seen to wait for one. It holds everything, so it gets
 * the office again, for a new reign. Null: that cannot be done now.
 *
 * One voter is enough for it. A newer reign can have acknowledged something only when two nodes knew of it, so of any two one
 * does, once it has applied what it received.
 */
export function reopening(
  primary: NodeReport,
  voters: readonly NodeReport[],
  epoch: number,
  context: StepContext,
): PromotionStep | null {
  const { name: node, state, failure, lock } = primary;
  if (failure !== null || state === null || lock !== 'held' || state.promoted) return null;
  // It began that reign; so one that does not know of it has lost its data.
  if (primary.reign?.epoch !== epoch) return null;
  const there = voters.filter((voter) => voter.failure === null && voter.state !== null);
  const followers = there.filter((voter) => voter.lock === 'held');
  if (followers.length === 0 || followers.length < there.length) return null;
  if (followers.some((voter) => !context.positions.covers(state.held, voter.state!.held))) return null;

  const step = (phase: PromotionStep['phase'], actions: PromotionStep['actions']): PromotionStep => ({
    ...{ phase, actions, reasons: [], candidate: null },
  });
  const host = hostOf(context, node);
  const attached = [primary, ...followers].filter(
    (other) => !other.state!.detached && other.state!.source !== host,
  );
  if (attached.length > 0)
    return step(
      'fencing',
      attached.map(({ name }) => ({ do: 'detach', node: name })),
    );
  const applied = followers.filter((other) => hasAppliedAll({ state: other.state! }, context));
  if (!hasAppliedAll({ state }, context) || applied.length === 0) return step('draining', []);
  if (!state.quorum.armed) {
    return step('arming', [{ do: 'arm', node, voters: applied.map(({ name }) => name) }]);
  }
  const lost = applied.filter((voter) => voter.state!.detached);
  if (lost.length > 0) {
    return step(
      'attaching',
      lost.map(({ name }) => ({ do: 'follow', node: name, source: node })),
    );
  }
  if (!isConfirmed(state, applied)) return step('attaching', []);
  return step('promoting', [{ do: 'reopen', node, epoch: epoch + 1 }]);
}
