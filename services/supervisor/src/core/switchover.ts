import { follows, hostOf, isConfirmed } from './nodes.ts';
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

/**
 * The nodes that are to follow `to` already while the primary is open, because that takes longer than all that has to be done
 * while it is closed. `to` alone confirms the primary's commits meanwhile; so only while it does, else they are given back.
 */
export function followersToBe(
  { to }: Pick<Wish, 'to'>,
  primary: NodeReport,
  voters: readonly NodeReport[],
  context: Pick<StepContext, 'endpoints'>,
): readonly NodeReport[] {
  const successor = voters.find(({ name }) => name === to);
  const isFit =
    successor &&
    isConfirmed(primary.state!, [successor]) &&
    whyNotFollowing(successor, primary.name, context).length === 0;
  return isFit ? voters.filter((voter) => voter !== successor) : [];
}

/** Those that follow `to` already. */
export const followersOf = (
  to: string,
  voters: readonly NodeReport[],
  context: Pick<StepContext, 'endpoints'>,
): readonly NodeReport[] =>
  voters.filter(({ state }) => state && !state.detached && state.source === hostOf(context, to));

/** What a change of primaries waits for; nobody is kept from writing meanwhile. Empty: the primary can be closed. */
export function whyNotYet(
  wish: Wish,
  primary: NodeReport,
  voters: readonly NodeReport[],
  context: Pick<StepContext, 'endpoints'>,
): Explained[] {
  const moved = followersOf(wish.to, voters, context);
  const astray = voters.flatMap((voter) =>
    whyNotFollowing(voter, moved.includes(voter) ? wish.to : primary.name, context),
  );
  if (astray.length > 0) return astray;
  if (!isConfirmed(primary.state!, [voters.find(({ name }) => name === wish.to)!]))
    return [{ reason: 'not-following', detail: `${wish.to} does not confirm ${primary.name}'s commits yet` }];
  if (!wish.isNear)
    return [{ reason: 'lagging', detail: `the replicas have not caught up with ${primary.name}` }];
  const others = voters.filter(({ name }) => name !== wish.to);
  return others.flatMap((voter) => whyNotFollowing(voter, wish.to, context));
}

function whyNotFollowing(
  node: NodeReport,
  source: string,
  context: Pick<StepContext, 'endpoints'>,
): Explained[] {
  const { name, state } = node;
  if (!follows(node, hostOf(context, source)))
    return [{ reason: 'not-following', detail: `${name} does not follow ${source}` }];
  if (state!.applyTrouble === null) return [];
  return [{ reason: 'apply-trouble', detail: `${name}: ${state!.applyTrouble}` }];
}
