import { replicationUser } from '@replication-lab/engines/config';
import { judgePrimary } from './evidence.ts';
import { heal } from './heal.ts';
import { stepLocks } from './locks.ts';
import { hostOf, isConfirmed, newestReign } from './nodes.ts';
import { chosenOne, nextPiece } from './promotion.ts';
import { choiceOf } from './proof.ts';
import { remember } from './remember.ts';
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
  const primary = nodes.find(({ name }) => name === reign?.node);
  const voters = nodes.filter((node) => node !== primary);
  const verdict = primary ? judgePrimary(primary, voters, remembered, context, nowMs) : null;
  const step = (phase: Phase, actions: readonly Action[], reasons: readonly Explained[] = []): Step => ({
    state: enter(locks.state, phase, nowMs),
    // What changes a node goes through the session that holds its lock, or not at all.
    actions: [...locks.actions, ...actions.filter(({ node }) => isHeld(nodes, node))],
    primary: reign?.node ?? null,
    epoch: reign?.epoch ?? 0,
    unarmed: reign && primary ? whyUnarmed(primary, nodes, reign.epoch, remembered) : [NEVER_ARMED],
    reasons: [...locks.reasons, ...reasons],
    verdict,
    choice: null,
  });
  // Bootstrap makes the first reign, and takes the locks for it.
  if (!reign || !primary || !verdict) return { ...step('unfounded', []), actions: unlockAll(nodes) };
  const chosen = chosenOne(voters, reign.epoch);
  const underWay = chosen !== null;
  if (!locks.isActive) return step('passive', []);

  if (verdict.kind === 'open' && !underWay) {
    const healing = heal(primary, voters, { ...context, state: remembered, epoch: reign.epoch, nowMs });
    return step('watching', [...arming(primary, voters), ...healing.actions], healing.reasons);
  }
  if (verdict.kind === 'closed-to-clients' && !underWay) return opening(primary, voters, reign.epoch, step);
  if (verdict.kind === 'suspected' && !underWay) return step('suspecting', [], verdict.why);

  const refusals = whyRefused(voters, reign.epoch, remembered, underWay);
  if (refusals.length > 0) return step('refusing', [], refusals);
  // Whoever may still confirm the old primary's commits, or receive more of them. A candidate's follower does neither.
  const host = hostOf(context, chosen?.name);
  const attached = voters.filter(
    ({ state }) => !state!.detached && (host === null || state!.source !== host),
  );
  if (attached.length > 0) {
    return step(
      'fencing',
      attached.map(({ name }) => ({ do: 'detach', node: name })),
    );
  }
  const fencedAtMs = remembered.fencedAtMs ?? nowMs;
  if (!underWay && nowMs - fencedAtMs < context.limits.lookMs) return step('looking', []);
  const piece = nextPiece(voters, reign.epoch, remembered, context);
  const choice = piece.candidate && choiceOf(piece.candidate, primary, voters, reign.epoch, remembered);
  return { ...step(piece.phase, piece.actions, piece.reasons), choice: choice || null };
}

const unlockAll = (nodes: readonly NodeReport[]): Action[] =>
  nodes.filter(({ lock }) => lock === 'held').map(({ name }) => ({ do: 'unlock', node: name }));

const isHeld = (nodes: readonly NodeReport[], name: string): boolean =>
  nodes.some((node) => node.name === name && node.lock === 'held');

/** Phases in which all voters are detached, and the old primary may still be asked a last time. */
const FENCED: ReadonlySet<Phase> = new Set(['looking', 'draining', 'arming', 'attaching', 'refusing']);
const BEFORE_CHOICE: ReadonlySet<Phase> = new Set(['fencing', 'looking', 'draining']);

/** What the change from one phase to the next leaves behind. */
function enter(state: SupervisorState, phase: Phase, nowMs: number): SupervisorState {
  const cancelled = phase === 'watching' && BEFORE_CHOICE.has(state.phase);
  const promoted = phase === 'watching' && state.phase === 'opening';
  return {
    ...state,
    phase,
    fencedAtMs: FENCED.has(phase) ? (state.fencedAtMs ?? nowMs) : null,
    lastCancelAtMs: cancelled ? nowMs : state.lastCancelAtMs,
    lastPromotionAtMs: promoted ? nowMs : state.lastPromotionAtMs,
  };
}

/** Without these, who was acknowledged what is not known, or somebody else may act at the same time. */
function whyRefused(
  voters: readonly NodeReport[],
  epoch: number,
  state: SupervisorState,
  underWay: boolean,
): Explained[] {
  const refusals: Explained[] = [];
  for (const { name, state: voter, failure, lock } of voters) {
    if (voter === null || failure !== null) {
      refusals.push({
        reason: 'voter-silent',
        detail: `${name} does not answer: it may hold acknowledged writes`,
      });
    } else if (lock !== 'held') {
      refusals.push({ reason: 'voter-not-locked', detail: `the lock of ${name} is not held here` });
    }
  }
  if (!underWay && state.armedEpoch !== epoch) {
    const detail = `the primary of epoch ${epoch} was not seen waiting for a replica: what it acknowledged may be nowhere else`;
    refusals.push({ reason: 'never-armed', detail });
  }
  return refusals;
}

const NEVER_ARMED: Explained = { reason: 'never-armed', detail: 'the present reign was not seen armed yet' };

/** What would keep a failover from being made, if the primary died now. */
function whyUnarmed(
  primary: NodeReport,
  nodes: readonly NodeReport[],
  epoch: number,
  state: SupervisorState,
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
  for (const { name, state: voter, failure } of nodes) {
    if (name === primary.name) continue;
    if (failure !== null || voter === null) {
      reasons.push({ reason: 'voter-silent', detail: `${name} does not answer` });
    } else if (voter.applyTrouble !== null) {
      reasons.push({ reason: 'apply-trouble', detail: `${name}: ${voter.applyTrouble}` });
    }
  }
  return reasons;
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

/** The row that begins the reign is there: it lets clients in once its commits are confirmed. */
function opening(
  primary: NodeReport,
  voters: readonly NodeReport[],
  epoch: number,
  step: (phase: Phase, actions: readonly Action[], reasons?: readonly Explained[]) => Step,
): Step {
  if (primary.state!.quorum.armed && isConfirmed(primary.state!, voters))
    return step('opening', [{ do: 'open', node: primary.name, epoch }]);
  const detail = `${primary.name} stays closed until a replica confirms its commits`;
  return step('opening', [], [{ reason: 'not-armed', detail }]);
}
