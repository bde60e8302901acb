import { hostOf } from './nodes.ts';
import type { PromotionStep } from './promotion.ts';
import type { Explained, NodeReport, Step, StepContext, SupervisorState } from './types.ts';

/**
 * A person gives up the nodes that are away: what only they hold is lost, and `to` begins the next reign with what it has. Known
 * to the supervisors that were asked then, and to none that began later: with the last of them the permission to make those nodes
 * anew is gone, too. Who holds the lock of `to` carries it out.
 *
 * One lock is enough for it, that of `to`, because there is no majority to be had. It is safe against a second primary all the
 * same: `to` stays closed until a node confirms its commits, and no node ever follows two.
 */
export interface Override {
  readonly to: string;
  /** The reign that it ends. */
  readonly epoch: number;
  readonly givenUp: readonly string[];
  /** To be carried out here. False: by another supervisor, which holds the lock of `to`; this one only knows of it. */
  readonly isOwn: boolean;
  /** Given up by then, if the next reign has not begun. */
  readonly untilMs: number;
}

export interface OverrideRefusal {
  readonly code:
    | 'unknown-node'
    | 'unfounded' //        there is no reign to end
    | 'node-silent' //      the one to be made the primary does not answer
    | 'primary-alive' //    the one that it would overrule is there, or heard
    | 'another-answers' //  two of three: the supervisors decide, or wait for a reason
    | 'too-soon' //         somebody was there a moment ago
    | 'data-may-be-lost' // it could be done; to be said once more, knowing what may be lost
    | 'lock-not-held'; //   another supervisor holds the node: it is asked, too
  readonly detail: string;
}

/** Who is to be given up has to be silent for so long. */
const SILENT_MS = 5_000;
const PATIENCE_MS = 15_000;
/**
 * One number is left out. A supervisor that knows nothing of the order can give the old primary its office again, for the next
 * epoch, and no number may have two owners.
 */
const EPOCHS_ON = 2;

type Seen = Pick<StepContext, 'endpoints' | 'positions'>;

/** Why this supervisor does not give the office to the only node that is left; null: it does. */
export function whyNoOverride(
  { to, allowDataLoss }: { readonly to: string; readonly allowDataLoss: boolean },
  last: Step | null,
  nodes: readonly NodeReport[],
  context: Seen,
  nowMs: number,
): OverrideRefusal | null {
  const target = nodes.find(({ name }) => name === to);
  const names = nodes.map(({ name }) => name).join(', ');
  if (!target) return { code: 'unknown-node', detail: `there is no ${to}, but ${names}` };
  if (!last || last.primary === null) return { code: 'unfounded', detail: 'no reign is known here' };
  if (target.failure !== null || target.state === null)
    return { code: 'node-silent', detail: `${to} does not answer: start it first` };
  if (target.state.promoted && !target.state.readOnly)
    return { code: 'primary-alive', detail: `${to} is open to clients: nothing has to be given up` };
  const others = nodes.filter((node) => node !== target);
  const answering = others.find(({ failure, state }) => failure === null && state !== null);
  if (answering?.name === last.primary) {
    const detail = `${answering.name}, the primary of epoch ${last.epoch}, answers: it holds all that it acknowledged`;
    return { code: 'primary-alive', detail };
  }
  const { linked, source } = target.state;
  if (linked && source === hostOf(context, last.primary))
    return { code: 'primary-alive', detail: `${to} is still connected to ${last.primary}` };
  if (answering) {
    const detail = `${answering.name} answers: with two of three nodes nothing has to be given up, or the status says why`;
    return { code: 'another-answers', detail };
  }
  const fresh = others.find(({ failure }) => failure === null || nowMs - failure.sinceMs < SILENT_MS);
  if (fresh)
    return { code: 'too-soon', detail: `${fresh.name} was not silent for ${SILENT_MS / 1000} s yet` };
  if (!allowDataLoss)
    return { code: 'data-may-be-lost', detail: lossBound(target, others, last, context, nowMs) };
  if (target.lock !== 'held')
    return { code: 'lock-not-held', detail: `the lock of ${to} is not held here: another supervisor's is` };
  return null;
}

/** What is known of what would be lost, in words. What is not known is called so. */
export function lossBound(
  target: NodeReport,
  others: readonly NodeReport[],
  { primary, epoch, state: seen }: Pick<Step, 'primary' | 'epoch' | 'state'>,
  { positions }: Pick<StepContext, 'positions'>,
  nowMs: number,
): string {
  const told = others.map(({ name, state, askedAtMs }) => {
    const who = name === primary ? `${name} (primary of epoch ${epoch})` : `${name} (may have confirmed)`;
    if (state === null) return `${who}: never seen by this supervisor, so nothing is known of it`;
    const agoS = ((nowMs - askedAtMs) / 1000).toFixed(1);
    const isAhead = !positions.covers(target.state!.held, state.held);
    const how = isAhead ? `AHEAD of ${target.name}` : `not ahead of ${target.name}`;
    return `${who}: last seen ${agoS} s ago with ${state.held}, ${how}; what it took since is unknown`;
  });
  const alone =
    seen.armedEpoch === epoch || primary === target.name
      ? ''
      : `. ${primary} was not seen waiting for a replica in epoch ${epoch}: while it lives it may acknowledge alone`;
  return `${target.name} holds ${target.state!.held}. Given up: ${told.join('. ')}${alone}`;
}

export const newOverride = (
  to: string,
  nodes: readonly NodeReport[],
  { epoch }: Pick<Step, 'epoch'>,
  nowMs: number,
  isOwn = true,
): Override => ({
  isOwn,
  to,
  epoch,
  givenUp: nodes.map(({ name }) => name).filter((name) => name !== to),
  untilMs: nowMs + PATIENCE_MS,
});

/**
 * The order as it is after an observation. Before the reign has begun it ends when one that was given up answers after all. Once
 * it is open, who has come into it is given up no more: what such a node holds from then on may have been acknowledged.
 */
export function rememberOverride(
  { override }: Pick<SupervisorState, 'override'>,
  nodes: readonly NodeReport[],
  reign: NodeReport['reign'],
  nowMs: number,
): Override | null {
  if (override === null || reign === null) return null;
  if (isFounded(override, reign)) {
    const target = nodes.find(({ name }) => name === override.to);
    if (!target?.state || target.failure !== null || target.state.readOnly) return override;
    const isIn = (node: NodeReport) => node.failure === null && node.reign?.epoch === reign.epoch;
    const givenUp = override.givenUp.filter(
      (name) => !nodes.some((node) => node.name === name && isIn(node)),
    );
    return { ...override, givenUp };
  }
  if (reign.epoch !== override.epoch || nowMs >= override.untilMs) return null;
  const isBack = nodes.some(({ name, failure }) => override.givenUp.includes(name) && failure === null);
  return isBack ? null : override;
}

export const isFounded = ({ to, epoch }: Override, reign: NonNullable<NodeReport['reign']>): boolean =>
  reign.epoch === epoch + EPOCHS_ON && reign.node === to;

export const accepted = ({ to }: Override): Explained => ({
  reason: 'data-loss-accepted',
  detail: `by a person's order ${to} begins a reign with what it has; it stays closed until a node confirms its commits`,
});

/** Is this node one whose own writes a person has given up, for the sake of the primary of record? */
export const isGivenUp = (
  { override }: Pick<SupervisorState, 'override'>,
  node: string,
  primary: Pick<NodeReport, 'name' | 'reign'>,
): boolean =>
  override?.givenUp.includes(node) === true &&
  override.to === primary.name &&
  (primary.reign?.epoch ?? 0) > override.epoch;

/** The next piece until the reign has begun; null: it has, or there is no such order. */
export function overriding(
  override: Override | null,
  nodes: readonly NodeReport[],
  epoch: number,
  { positions }: Pick<StepContext, 'positions'>,
): PromotionStep | null {
  if (!override?.isOwn || override.epoch !== epoch) return null;
  const { to, givenUp } = override;
  const target = nodes.find(({ name }) => name === to);
  const step = (phase: PromotionStep['phase'], actions: PromotionStep['actions']): PromotionStep => ({
    ...{ phase, actions, reasons: [accepted(override)], candidate: to },
  });
  if (!target?.state || target.failure !== null || target.lock !== 'held') return step('fencing', []);
  const { detached, position, received } = target.state;
  if (!detached) return step('fencing', [{ do: 'detach', node: to }]);
  if (!positions.covers(position, received)) return step('draining', []);
  return step('promoting', [{ do: 'found', node: to, epoch: epoch + EPOCHS_ON, voters: givenUp }]);
}

/** Nodes without data, which a supervisor without a majority may have made anew: nothing can be lost by it. */
export function emptyOnes(
  override: Override | null,
  primary: NodeReport,
  voters: readonly NodeReport[],
  epoch: number,
): PromotionStep | null {
  if (override === null || override.epoch >= epoch || primary.name !== override.to) return null;
  if (primary.failure !== null || !primary.state?.promoted || primary.lock !== 'held') return null;
  const empty = voters.filter(({ isEmpty, failure }) => isEmpty && failure?.kind === 'refused');
  const actions = empty.map(
    ({ name }) => ({ do: 'rebuild', node: name, source: primary.name, epoch, isGivenUp: true }) as const,
  );
  return { phase: 'opening', actions, reasons: [accepted(override)], candidate: null };
}
