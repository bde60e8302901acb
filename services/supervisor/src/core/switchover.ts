import { hostOf } from './nodes.ts';
import type { Explained, NodeReport, Step, StepContext, SupervisorState, Wish } from './types.ts';

export interface SwitchoverRefusal {
  readonly code:
    | 'not-acting' //      another supervisor acts, or none: ask the others
    | 'unknown-node'
    | 'already-primary'
    | 'voter-silent' //    one node less would be left to confirm
    | 'not-armed' //       a failover would not succeed, so neither would this
    | 'busy'; //           the primary is not open, or is being changed
  readonly detail: string;
}

/** Why this supervisor, after its last step, does not even begin; null: it does. */
export function whyNoSwitchover(
  to: string,
  last: Step | null,
  { endpoints }: Pick<StepContext, 'endpoints'>,
): SwitchoverRefusal | null {
  const phase = last?.state.phase ?? 'passive';
  if (!last || phase === 'passive') {
    return { code: 'not-acting', detail: 'this supervisor does not act: another one may' };
  }
  const names = endpoints.map(({ name }) => name);
  if (!names.includes(to))
    return { code: 'unknown-node', detail: `there is no ${to}, but ${names.join(', ')}` };
  if (to === last.primary) return { code: 'already-primary', detail: `${to} is the primary` };
  const silent = last.unarmed.find(({ reason }) => reason === 'voter-silent');
  if (silent) return { code: 'voter-silent', detail: silent.detail };
  if (last.unarmed.length > 0) {
    const detail = last.unarmed.map((why) => `${why.reason}: ${why.detail}`).join('; ');
    return { code: 'not-armed', detail };
  }
  if (phase !== 'watching' || last.state.wish) return { code: 'busy', detail: `the supervisor is ${phase}` };
  return null;
}

export const newWish = (
  to: string,
  { epoch }: Pick<Step, 'epoch'>,
  nowMs: number,
  { limits }: Pick<StepContext, 'limits'>,
): Wish => ({
  to,
  epoch,
  untilMs: nowMs + limits.wishMs,
  goal: null,
  isNear: false,
  sealed: null,
  isHandedOver: false,
});

/** The wish as it is after an observation; null: there is none any more. */
export function rememberWish(
  { wish }: Pick<SupervisorState, 'wish'>,
  nodes: readonly NodeReport[],
  reign: NodeReport['reign'],
  nowMs: number,
  { positions, limits }: Pick<StepContext, 'positions' | 'limits'>,
): Wish | null {
  if (wish === null || nowMs >= wish.untilMs || wish.epoch !== reign?.epoch) return null;
  const primary = nodes.find(({ name }) => name === reign.node);
  if (!primary?.state?.promoted || primary.failure !== null) return wish;
  const { held, position, readOnly } = primary.state;
  if (readOnly) {
    const sealed = wish.sealed ?? held;
    const successor = nodes.find(({ name }) => name === wish.to)?.state;
    const isThere = successor && positions.covers(successor.held, sealed);
    return { ...wish, sealed, isHandedOver: wish.isHandedOver || isThere === true };
  }
  // It was closed, and is open again: somebody has undone it, for a reason that he had.
  if (wish.sealed !== null) return null;
  const goal = wish.goal ?? { position, atMs: primary.askedAtMs };
  const voters = nodes.filter((node) => node !== primary);
  if (!voters.every(({ state }) => state && positions.covers(state.position, goal.position))) {
    return { ...wish, goal, isNear: wish.isNear && nowMs - goal.atMs <= limits.nearMs };
  }
  const isNear = voters.every(({ askedAtMs }) => askedAtMs - goal.atMs <= limits.nearMs);
  return { ...wish, goal: { position, atMs: primary.askedAtMs }, isNear };
}

/** What a change of primaries waits for; nobody is kept from writing meanwhile. Empty: the primary can be closed. */
export function whyNotYet(
  wish: Wish,
  primary: NodeReport,
  voters: readonly NodeReport[],
  context: Pick<StepContext, 'endpoints'>,
): Explained[] {
  const why: Explained[] = [];
  const host = hostOf(context, primary.name);
  for (const { name, state } of voters) {
    const follows = state?.linked && !state.detached && state.source === host;
    if (!follows) why.push({ reason: 'not-following', detail: `${name} does not follow ${primary.name}` });
    else if (state.applyTrouble !== null)
      why.push({ reason: 'apply-trouble', detail: `${name}: ${state.applyTrouble}` });
  }
  if (why.length === 0 && !wish.isNear)
    why.push({ reason: 'lagging', detail: `the replicas have not caught up with ${primary.name}` });
  return why;
}
