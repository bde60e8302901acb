import { replicationUser } from '@replication-lab/engines/config';
import type { Verdict } from './evidence.ts';
import { type HealContext, heal } from './heal.ts';
import { isConfirmed } from './nodes.ts';
import { accepted, isGivenUp } from './override.ts';
import type { PromotionStep } from './promotion.ts';
import { followersOf, followersToBe, whyNotYet } from './switchover.ts';
import type { Action, Explained, NodeReport } from './types.ts';

type OfficeStep = Omit<PromotionStep, 'candidate'>;

/**
 * What is done while the primary of record answers and nobody else was chosen. Null: its successor is to be promoted, because it
 * has been closed for that and has handed over all that it held.
 */
export function inOffice(
  kind: Exclude<Verdict['kind'], 'suspected' | 'dead'>,
  primary: NodeReport,
  voters: readonly NodeReport[],
  refusals: readonly Explained[],
  context: HealContext,
): OfficeStep | null {
  const { wish } = context.state;
  if (kind === 'open')
    return wish ? closing(primary, voters, refusals, context) : watching(primary, voters, context);
  const goesOn = wish !== null && refusals.length === 0;
  if (goesOn && wish.isHandedOver) return null;
  const given = goesOn ? followersOf(wish.to, voters, context) : [];
  const back = followAgain(primary, voters, given, context);
  return goesOn ? { phase: 'closing', actions: back, reasons: [] } : opening(primary, voters, back, context);
}

function watching(primary: NodeReport, voters: readonly NodeReport[], context: HealContext): OfficeStep {
  const { actions, reasons } = heal(primary, voters, context);
  return { phase: 'watching', actions: [...arming(primary, voters), ...actions], reasons };
}

/** First the others follow the successor, then the primary is closed. */
function closing(
  primary: NodeReport,
  voters: readonly NodeReport[],
  refusals: readonly Explained[],
  context: HealContext,
): OfficeStep {
  const wish = context.state.wish!;
  const moved = refusals.length > 0 ? [] : followersToBe(wish, primary, voters, context);
  // What cannot go on now must not leave the primary with nobody to confirm its commits.
  if (moved.length === 0) {
    const reasons = refusals.length > 0 ? refusals : whyNotYet(wish, primary, voters, context);
    const actions = [...arming(primary, voters), ...followAgain(primary, voters, [], context)];
    return { phase: 'closing', actions, reasons };
  }
  const reasons = whyNotYet(wish, primary, voters, context);
  if (reasons.length === 0)
    return { phase: 'closing', actions: [{ do: 'close', node: primary.name }], reasons };
  const there = followersOf(wish.to, moved, context);
  // Those that lag would take long to apply what they have, and confirm nothing meanwhile.
  const late = wish.isNear ? moved.filter((voter) => !there.includes(voter)) : [];
  const actions = late.map(({ name }): Action => ({ do: 'follow', node: name, source: wish.to }));
  return { phase: 'closing', actions, reasons };
}

/**
 * What brings back to the primary whoever does not follow it, but for `given`, which are somebody else's on purpose. Who was given
 * up has to be made anew before it is let in: nobody else can confirm then.
 */
const followAgain = (
  primary: NodeReport,
  voters: readonly NodeReport[],
  given: readonly NodeReport[],
  context: HealContext,
): Action[] => {
  const others = voters.filter((voter) => !given.includes(voter));
  return heal(primary, others, context).actions.filter(
    ({ do: verb, node }) => verb === 'follow' || isGivenUp(context.state, node, primary),
  );
};

/**
 * The row that begins the reign is there, or a change of primaries was given up: clients are let in once its commits are
 * confirmed. For that its voters are given back to it.
 */
function opening(
  primary: NodeReport,
  voters: readonly NodeReport[],
  back: readonly Action[],
  { epoch, state }: Pick<HealContext, 'epoch' | 'state'>,
): OfficeStep {
  if (primary.state!.quorum.armed && isConfirmed(primary.state!, voters)) {
    return { phase: 'opening', actions: [{ do: 'open', node: primary.name, epoch }, ...back], reasons: [] };
  }
  const detail = `${primary.name} stays closed until a replica confirms its commits`;
  const reasons: Explained[] = [{ reason: 'not-armed', detail }];
  if (state.override) reasons.push(accepted(state.override));
  // Whoever began it by a person's order may have gone between its row and this.
  const isUnarmed = state.override !== null && !primary.state!.quorum.armed;
  const arm: Action[] = isUnarmed
    ? [{ do: 'arm', node: primary.name, voters: voters.map(({ name }) => name) }]
    : [];
  return { phase: 'opening', actions: [...arm, ...back], reasons };
}

/** Commits of the open primary wait for one of all voters that can be trusted to confirm. */
function arming(primary: NodeReport, voters: readonly NodeReport[]): Action[] {
  const { quorum } = primary.state!;
  const able = voters.filter(({ state, failure }) => failure === null && state !== null && state.linked);
  // Nobody is there to confirm: to arm now would stop all writing, for no gain in safety that is not there already.
  if (able.length === 0) return [];
  const missing = able.filter(
    ({ name }) => quorum.voters !== null && !quorum.voters.includes(replicationUser(name)),
  );
  if (quorum.armed && missing.length === 0) return [];
  const known = voters.filter(
    (voter) => able.includes(voter) || quorum.voters?.includes(replicationUser(voter.name)),
  );
  return [{ do: 'arm', node: primary.name, voters: known.map(({ name }) => name) }];
}
