import { isErrant } from './errant.ts';
import { judgePrimary, type Verdict } from './evidence.ts';
import { stepLocks } from './locks.ts';
import { hostOf, newestReign } from './nodes.ts';
import { inOffice } from './office.ts';
import { emptyOnes, overriding } from './override.ts';
import { chosenOne, nextPiece, receivedLost } from './promotion.ts';
import { choiceOf } from './proof.ts';
import { remember } from './remember.ts';
import { reopening } from './reopen.ts';
import { mayHaveForgotten } from './trust.ts';
import type {
  Action,
  Explained,
  NodeReport,
  Observation,
  Phase,
  Step,
  StepContext,
  SupervisorState,
} from './types.ts';

/**
 * The supervisor's whole mind: from what it remembers and what it sees to what it remembers next and what it wants done.
 * No I/O, no clock, no chance but what is handed in.
 *
 * What has to be done follows from what is seen, not from what this supervisor did before, so that another one can go on
 * after any step. Safety depends on nothing that it remembers or times: a failover is made only when *every* voter is
 * detached from the old primary, and then the old primary can acknowledge nothing more, and the most that a voter holds
 * contains all it did acknowledge (R + W > N). Memory and time only say when it is worth doing.
 */
export function stepFailover(
  before: SupervisorState,
  observation: Observation,
  nowMs: number,
  context: StepContext,
): Step {
  const { nodes } = observation;
  const remembered = remember(before, observation, nowMs, context);
  const reign = newestReign(nodes);
  const locks = stepLocks(remembered, nodes, nowMs, context);
  const activeSinceMs = locks.isActive ? (remembered.activeSinceMs ?? nowMs) : null;
  const primary = nodes.find(({ name }) => name === reign?.node);
  const voters = nodes.filter((node) => node !== primary);
  const verdict = primary ? judgePrimary(primary, voters, remembered, context, nowMs) : null;
  const step = (phase: Phase, actions: readonly Action[], reasons: readonly Explained[] = []): Step => ({
    state: { ...enter(locks.state, phase, before.openEpoch !== reign?.epoch, nowMs), activeSinceMs },
    // What changes a node goes through the session that holds its lock, or not at all. One without a server has none.
    actions: [
      ...locks.actions,
      ...actions.filter(
        ({ do: verb, node }) => isHeld(nodes, node) || (verb === 'rebuild' && isGone(nodes, node)),
      ),
    ],
    primary: reign?.node ?? null,
    epoch: reign?.epoch ?? 0,
    unarmed: reign && primary ? whyUnarmed(primary, nodes, reign.epoch, remembered, context) : [NEVER_ARMED],
    reasons: [...locks.reasons, ...reasons],
    verdict,
    choice: null,
  });
  // Bootstrap makes the first reign, and takes the locks for it.
  if (!reign || !primary || !verdict) return { ...step('unfounded', []), actions: unlockAll(nodes) };
  const forced = overriding(remembered.override, nodes, reign.epoch, context);
  if (forced) return step(forced.phase, forced.actions, forced.reasons);
  // Until it holds the locks others change the nodes: what it was told before that may be over.
  if (activeSinceMs === null || nodes.some((node) => isOlder(node, activeSinceMs))) {
    const empty = emptyOnes(remembered.override, primary, voters, reign.epoch);
    return empty ? step(empty.phase, empty.actions, empty.reasons) : step('passive', []);
  }
  const { epoch } = reign;
  const chosen = chosenOne(voters, epoch);
  const refusals = whyRefused(voters, epoch, remembered, chosen !== null, context);
  const isGivenUp = chosen !== null && mayGiveUp(chosen, primary, voters, verdict, context);
  const underWay = chosen !== null && !isGivenUp;
  if (!underWay && verdict.kind === 'suspected') return step('suspecting', [], verdict.why);
  if (!underWay && verdict.kind !== 'dead' && verdict.kind !== 'suspected') {
    const healing = { ...context, state: remembered, epoch, nowMs };
    const office = inOffice(verdict.kind, primary, voters, refusals, healing);
    if (office) return step(office.phase, office.actions, office.reasons);
  }
  const canReopen = !underWay && verdict.kind === 'dead' && verdict.by === 'closed';
  const refuse = (why: readonly Explained[]): Step => {
    const again = canReopen ? reopening(primary, voters, epoch, context) : null;
    return again ? step(again.phase, again.actions) : step('refusing', [], why);
  };
  if (refusals.length > 0) return refuse(refusals);
  // Whoever may still confirm the old primary's commits, or receive more of them. A candidate's follower does neither.
  const { wish } = remembered;
  const host = hostOf(context, chosen?.name ?? (wish?.isHandedOver ? wish.to : undefined));
  const attached = voters.filter(
    ({ state }) => !state!.detached && (host === null || state!.source !== host),
  );
  if (attached.length > 0) {
    return step('fencing', fence(attached, voters, wish));
  }
  const fencedAtMs = remembered.fencedAtMs ?? nowMs;
  const mayLive = !underWay && verdict.kind === 'dead';
  if (mayLive && nowMs - fencedAtMs < context.limits.lookMs) return step('looking', []);
  const piece = nextPiece(voters, epoch, remembered, context);
  // One that cannot apply what it received may never be able to.
  const isStuck = piece.reasons.some(({ reason }) => reason === 'apply-trouble');
  if (piece.phase === 'refusing' || (isStuck && canReopen)) return refuse(piece.reasons);
  const choice = piece.candidate && choiceOf(piece.candidate, primary, voters, epoch, remembered);
  return { ...step(piece.phase, piece.actions, piece.reasons), choice: choice || null };
}

/** Whoever is to succeed a closed primary that has handed over all to it is the last to be detached, and is armed in one go. */
function fence(
  attached: readonly NodeReport[],
  voters: readonly NodeReport[],
  wish: SupervisorState['wish'],
): Action[] {
  const isSuccessor = attached.length === 1 && wish?.isHandedOver === true && attached[0]!.name === wish.to;
  if (!isSuccessor) return attached.map(({ name }) => ({ do: 'detach', node: name }));
  const others = voters.filter(({ name }) => name !== wish.to);
  return [{ do: 'detach', node: wish.to, voters: others.map(({ name }) => name) }];
}

const unlockAll = (nodes: readonly NodeReport[]): Action[] =>
  nodes.filter(({ lock }) => lock === 'held').map(({ name }) => ({ do: 'unlock', node: name }));

const isHeld = (nodes: readonly NodeReport[], name: string): boolean =>
  nodes.some((node) => node.name === name && node.lock === 'held');

const isOlder = ({ state, failure, askedAtMs }: NodeReport, sinceMs: number): boolean =>
  state !== null && failure === null && askedAtMs < sinceMs;

const isGone = (nodes: readonly NodeReport[], name: string): boolean =>
  nodes.some((node) => node.name === name && node.failure?.kind === 'refused');

/** Phases in which all voters are detached, and the old primary may still be asked a last time. */
const FENCED: ReadonlySet<Phase> = new Set(['looking', 'draining', 'arming', 'attaching', 'refusing']);
const BEFORE_CHOICE: ReadonlySet<Phase> = new Set(['fencing', 'looking', 'draining']);

/** What the change from one phase to the next leaves behind. `isNew`: the reign was not seen open before. */
function enter(state: SupervisorState, phase: Phase, isNew: boolean, nowMs: number): SupervisorState {
  const cancelled = phase === 'watching' && BEFORE_CHOICE.has(state.phase);
  const promoted = phase === 'watching' && state.phase === 'opening' && isNew;
  return {
    ...state,
    phase,
    fencedAtMs: FENCED.has(phase) ? (state.fencedAtMs ?? nowMs) : null,
    lastCancelAtMs: cancelled ? nowMs : state.lastCancelAtMs,
    lastPromotionAtMs: promoted ? nowMs : state.lastPromotionAtMs,
  };
}

/**
 * Beside a primary that answers, a candidate that was armed and not promoted can be turned back: it has acknowledged nothing. It
 * has to be where the promotion cannot go on, because a voter is silent or was given back to the primary. Only under the
 * candidate's lock: nobody else's order to promote it is on its way then.
 */
function mayGiveUp(
  chosen: NodeReport,
  primary: NodeReport,
  voters: readonly NodeReport[],
  { kind }: Verdict,
  context: StepContext,
): boolean {
  const isThere = kind === 'open' || kind === 'closed-to-clients';
  if (!isThere || chosen.state!.promoted || chosen.lock !== 'held') return false;
  const host = hostOf(context, primary.name);
  return voters.some(
    ({ state, failure }) => failure !== null || state === null || (!state.detached && state.source === host),
  );
}

/** Without these, who was acknowledged what is not known, or somebody else may act at the same time. */
function whyRefused(
  voters: readonly NodeReport[],
  epoch: number,
  state: SupervisorState,
  underWay: boolean,
  context: Pick<StepContext, 'forgetsReceived'>,
): Explained[] {
  const refusals: Explained[] = [];
  for (const report of voters) {
    const { name, state: voter, failure, lock } = report;
    if (voter === null || failure !== null) {
      refusals.push({
        reason: 'voter-silent',
        detail: `${name} does not answer: it may hold acknowledged writes`,
      });
    } else if (lock !== 'held') {
      refusals.push(notLocked(name));
    } else if (!underWay && mayHaveForgotten(report, state, context)) {
      refusals.push(forgotten(name));
    }
  }
  if (!underWay && state.armedEpoch !== epoch) {
    const detail = `the primary of epoch ${epoch} was not seen waiting for a replica: what it acknowledged may be nowhere else`;
    refusals.push({ reason: 'never-armed', detail });
  }
  return refusals;
}

const NEVER_ARMED: Explained = { reason: 'never-armed', detail: 'the present reign was not seen armed yet' };

const notLocked = (name: string): Explained => ({
  reason: 'voter-not-locked',
  detail: `the lock of ${name} is not held here`,
});

const forgotten = (name: string): Explained => ({
  reason: 'received-lost',
  detail: `${name} has started again, or was made anew, and not caught up since: it may lack what it had confirmed before`,
});

/** What would keep a failover from being made, if the primary died now. */
function whyUnarmed(
  primary: NodeReport,
  nodes: readonly NodeReport[],
  epoch: number,
  state: SupervisorState,
  context: Pick<StepContext, 'forgetsReceived' | 'positions'>,
): Explained[] {
  const reasons: Explained[] = [];
  const quorum = primary.state?.quorum;
  if (primary.failure === null && quorum && !quorum.armed) {
    reasons.push({
      reason: 'not-armed',
      detail: `${primary.name}: ${quorum.trouble ?? 'commits wait for nobody'}`,
    });
  }
  if (state.armedEpoch !== epoch) reasons.push(NEVER_ARMED);
  for (const report of nodes) {
    const { name, state: voter, failure, lock } = report;
    if (name === primary.name) continue;
    if (failure !== null || voter === null) {
      reasons.push({ reason: 'voter-silent', detail: `${name} does not answer` });
    } else if (lock !== 'held') {
      reasons.push(notLocked(name));
    } else if (isErrant(report, context.positions.covers)) {
      const detail = `${name} was written to while it was no primary: ${voter.ownWrites}`;
      reasons.push({ reason: 'errant-write', detail });
    } else if (voter.applyTrouble !== null) {
      reasons.push({ reason: 'apply-trouble', detail: `${name}: ${voter.applyTrouble}` });
    } else if (mayHaveForgotten(report, state, context)) {
      reasons.push(forgotten(name));
    } else {
      const lost = receivedLost(report, state, context);
      if (lost) reasons.push(lost);
    }
  }
  return reasons;
}
