import { hostOf, isConfirmed } from './nodes.ts';
import type { Action, Explained, NodeReport, Phase, StepContext, SupervisorState } from './types.ts';

/** What the next piece of a promotion is. */
export interface PromotionStep {
  readonly phase: Phase;
  readonly actions: readonly Action[];
  readonly reasons: readonly Explained[];
  /** Who is to succeed; null while that is not decided. */
  readonly candidate: string | null;
}

type Answering = NodeReport & { readonly state: NonNullable<NodeReport['state']> };

/**
 * The candidate of a promotion that has gone so far that the old primary is no longer waited for. An old primary that woke
 * up looks like one too, but knows nothing of the newest reign.
 */
export function chosenOne(voters: readonly NodeReport[], epoch: number): NodeReport | null {
  const chosen = voters.filter((voter) => isChosen(voter, epoch));
  return chosen.find(({ state }) => state!.promoted) ?? chosen[0] ?? null;
}

const isChosen = ({ state, failure, reign }: NodeReport, epoch: number): boolean =>
  failure === null &&
  state !== null &&
  reign?.epoch === epoch &&
  (state.promoted || (state.detached && state.quorum.armed));

/**
 * The next piece of a promotion, from what can be seen: another supervisor may have done the ones before. All voters answer
 * and are detached (or follow the candidate already), so the most that one of them holds includes every write that was
 * acknowledged: each was received by one of them, and nobody can acknowledge more.
 */
export function nextPiece(
  voters: readonly NodeReport[],
  epoch: number,
  state: SupervisorState,
  context: StepContext,
): PromotionStep {
  const answering = voters as readonly Answering[];
  const late = answering.find((voter) => isLate(voter, epoch) && !hasAppliedAll(voter, context));
  if (late) return drain(late);
  const choice = choose(answering, epoch, state, context);
  if ('refusal' in choice) return refuse(choice.refusal);
  const { candidate } = choice;
  if (choice.isUnclear) {
    const phase = candidate.state.promoted ? 'establishing' : 'attaching';
    return { phase, actions: [], reasons: [], candidate: candidate.name };
  }
  const others = answering.filter((voter) => voter !== candidate);
  if (!candidate.state.promoted && !candidate.state.drained) {
    return { ...drain(candidate), candidate: candidate.name };
  }
  return { ...pieceOf(candidate, others, epoch, context), reasons: [], candidate: candidate.name };
}

/** What the candidate, which has applied all that it received, is to be told next. */
function pieceOf(
  candidate: Answering,
  others: readonly Answering[],
  epoch: number,
  context: StepContext,
): Pick<PromotionStep, 'phase' | 'actions'> {
  const { name: node, state } = candidate;
  if (state.promoted) {
    return { phase: 'establishing', actions: [{ do: 'establish', node, epoch: epoch + 1 }] };
  }
  // It follows somebody who was to be promoted, and it is better.
  if (!state.detached) return { phase: 'fencing', actions: [{ do: 'detach', node }] };
  if (!state.quorum.armed) {
    return { phase: 'arming', actions: [{ do: 'arm', node, voters: others.map(({ name }) => name) }] };
  }
  const host = hostOf(context, node);
  const lost = others.filter(({ state: voter }) => voter.detached || voter.source !== host);
  if (lost.length > 0) {
    return {
      phase: 'attaching',
      actions: lost.map(({ name }) => ({ do: 'follow', node: name, source: node })),
    };
  }
  if (!isConfirmed(state, others)) return { phase: 'attaching', actions: [] };
  return { phase: 'promoting', actions: [{ do: 'promote', node, epoch: epoch + 1 }] };
}

/** It tells of no reign as new as the newest: what it has not applied yet may. */
const isLate = ({ reign }: NodeReport, epoch: number): boolean => (reign?.epoch ?? 0) < epoch;

export const hasAppliedAll = (
  { state }: Pick<Answering, 'state'>,
  { positions }: Pick<StepContext, 'positions'>,
): boolean => positions.covers(state.position, state.received);

function drain({ name, state: { applyTrouble } }: Answering): PromotionStep {
  const candidate = null;
  if (applyTrouble === null) return { phase: 'draining', actions: [], reasons: [], candidate };
  const detail = `${name} does not apply what it received: ${applyTrouble}`;
  // To be told again helps: the order to receive nothing includes that what was received is applied.
  const again: Action = { do: 'detach', node: name };
  return { phase: 'draining', actions: [again], reasons: [{ reason: 'apply-trouble', detail }], candidate };
}

/**
 * Those that can hold a write of the newest reign. Whoever has not even the row that began it holds none, however far its own
 * history goes: an old primary with a tail that nobody confirmed must neither be chosen nor stand in the way.
 */
function present(voters: readonly Answering[], epoch: number): readonly Answering[] {
  const able = voters.filter((voter) => !isLate(voter, epoch));
  return able.length > 0 ? able : voters;
}

const refuse = (refusal: Explained): PromotionStep => ({
  phase: 'refusing',
  actions: [],
  reasons: [refusal],
  candidate: null,
});

/** A voter that has less than it was seen with in this reign, and may have confirmed what it lacks; null: it has all. */
export function receivedLost(
  { name, state: voter }: NodeReport,
  { highWater }: Pick<SupervisorState, 'highWater'>,
  { positions }: Pick<StepContext, 'positions'>,
): Explained | null {
  const mark = highWater[name];
  if (voter === null || mark === undefined || mark.bootId === voter.bootId) return null;
  if (positions.covers(voter.held, mark.held)) return null;
  const detail = `${name} has restarted and holds less than before: it had received ${mark.held}, and has ${voter.held}`;
  return { reason: 'received-lost', detail };
}

/**
 * Whoever was chosen already, else the voter that holds all that any of them holds. One that was armed and lacks something was
 * armed in vain: the old primary was given its voters back meanwhile. Nobody was acknowledged anything by it.
 */
function choose(
  all: readonly Answering[],
  epoch: number,
  state: SupervisorState,
  context: StepContext,
): { readonly candidate: Answering; readonly isUnclear?: true } | { readonly refusal: Explained } {
  const { positions } = context;
  const voters = present(all, epoch);
  const chosen = chosenOne(voters, epoch) as Answering | null;
  const lacking =
    chosen && voters.find(({ state: voter }) => !positions.covers(chosen.state.held, voter.held));
  if (chosen && !lacking) return { candidate: chosen };
  const follows =
    chosen && lacking && !lacking.state.detached && lacking.state.source === hostOf(context, chosen.name);
  // A follower may have been sent it since the chosen one was asked: the next answer tells.
  if (chosen && follows && lacking.askedAtMs > chosen.askedAtMs)
    return { candidate: chosen, isUnclear: true };
  if (chosen && lacking && (follows || chosen.state.promoted)) {
    const detail = `${chosen.name} was chosen, and ${lacking.name} holds what it does not: ${lacking.state.held}`;
    return { refusal: { reason: 'voters-diverged', detail } };
  }
  const followed = voters.find(({ name }) =>
    voters.some((other) => other.state.source === hostOf(context, name)),
  );
  for (const voter of voters) {
    const refusal = receivedLost(voter, state, context);
    if (refusal) return { refusal };
  }
  const best = voters.filter((a) => voters.every((b) => positions.covers(a.state.held, b.state.held)));
  const wished = best.find(({ name }) => name === state.wish?.to);
  // Of two that hold the same, one that has applied it need not be waited for.
  const ready = best.find((voter) => voter.state.drained && hasAppliedAll(voter, context));
  const candidate = best.find((voter) => voter === followed) ?? wished ?? ready ?? best[0];
  if (candidate) return { candidate };
  const what = voters.map(({ name, state: voter }) => `${name} has ${voter.held}`).join(', ');
  return {
    refusal: {
      reason: 'voters-diverged',
      detail: `the voters' histories do not contain one another: ${what}`,
    },
  };
}
