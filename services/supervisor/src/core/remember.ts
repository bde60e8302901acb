import type { NodeState } from '@replication-lab/engines';
import { isErrant } from './errant.ts';
import { rememberLocked } from './evidence.ts';
import { rememberGray } from './gray.ts';
import { holdsForeign, newestReign } from './nodes.ts';
import { isGivenUp, rememberOverride } from './override.ts';
import { rememberWish } from './switchover.ts';
import { rememberLives } from './trust.ts';
import type { NodeReport, Observation, StepContext, SupervisorState } from './types.ts';

/** What an observation adds to a supervisor's memory: an active one's and a passive one's alike. */
export function remember(
  state: SupervisorState,
  { nodes, lateMs }: Observation,
  nowMs: number,
  context: Pick<StepContext, 'positions' | 'limits' | 'endpoints' | 'forgetsReceived'>,
): SupervisorState {
  const { positions, limits } = context;
  const signs = { ...state.signs };
  const lateAtMs = lateMs > limits.lateMs ? nowMs : state.lateAtMs;
  const epoch = Math.max(0, ...nodes.map(({ reign }) => reign?.epoch ?? 0));
  // What a node held of an older reign, and lost since, was nobody's: only this one's counts.
  const highWater = state.markedEpoch === epoch ? { ...state.highWater } : {};
  const divergedSinceMs: Record<string, number> = {};
  const detachedSinceMs: Record<string, number> = {};
  const reign = newestReign(nodes);
  const primary = nodes.find(({ name }) => name === reign?.node);
  for (const report of nodes) {
    const { name, state: node } = report;
    if (node === null) continue;
    const sign = signs[name];
    if (node.detached) detachedSinceMs[name] = state.detachedSinceMs[name] ?? nowMs;
    // To lose one's source is no sign of its life.
    const isSign = sign === undefined || (node.sourceSign !== null && node.sourceSign !== sign.sign);
    if (isSign) signs[name] = { sign: node.sourceSign, changedAtMs: nowMs };
    const knownSinceMs = state.markedEpoch === epoch ? state.divergedSinceMs[name] : undefined;
    // While the primary does not answer, what was known beside it stays so.
    const staysDiverged = primary?.failure !== null && knownSinceMs !== undefined;
    const isForced = primary !== undefined && isGivenUp(state, name, primary);
    if (primary && (staysDiverged || isDiverged(report, primary, positions, isForced))) {
      divergedSinceMs[name] = knownSinceMs ?? nowMs;
      // Nobody's acknowledged write is in what only it holds, and it will be made anew with less.
      if (nowMs - divergedSinceMs[name] >= limits.divergedMs) {
        delete highWater[name];
        continue;
      }
    }
    if (report.failure !== null || holdsNothingOf(epoch, node, positions)) continue;
    const mark = highWater[name];
    // A node that lost what it had received keeps its mark, until it has all of it again.
    if (mark === undefined || positions.covers(node.held, mark.held)) {
      highWater[name] = { bootId: node.bootId, held: node.held };
    }
  }
  return {
    ...state,
    signs,
    highWater,
    markedEpoch: epoch,
    divergedSinceMs,
    detachedSinceMs,
    answeringSinceMs: answeringSinceMs(state, primary, epoch, nowMs),
    lockedAtMs: rememberLocked({ ...state, signs, lateAtMs }, nodes, primary, nowMs, context),
    ...rememberGray({ ...state, lateAtMs }, nodes, primary, nowMs, context),
    lives: rememberLives(state.lives, nodes, primary, nowMs, context),
    override: rememberOverride(state, nodes, reign, nowMs),
    wish: rememberWish(state, nodes, reign, nowMs, { positions, limits }),
    openEpoch: primary?.state?.promoted && !primary.state.readOnly ? epoch : state.openEpoch,
    armedEpoch: armedEpoch(nodes) ?? state.armedEpoch,
    lateAtMs,
  };
}

function answeringSinceMs(
  { answeringSinceMs: sinceMs, markedEpoch }: SupervisorState,
  primary: NodeReport | undefined,
  epoch: number,
  nowMs: number,
): number | null {
  if (!primary?.state || primary.failure !== null) return null;
  return markedEpoch === epoch ? (sinceMs ?? nowMs) : nowMs;
}

/** It has applied all that it received, and that does not include the row which began the reign: an old primary's tail, say. */
const holdsNothingOf = (
  epoch: number,
  { epoch: known, position, received }: NodeState,
  { covers }: StepContext['positions'],
): boolean => known < epoch && covers(position, received);

/** Beside an open primary, by what both said last; `isForced`: beside one that waits to be opened. */
function isDiverged(
  node: NodeReport,
  primary: NodeReport,
  positions: StepContext['positions'],
  isForced: boolean,
): boolean {
  const { state, failure } = primary;
  if (state === null || failure !== null || primary === node || !state.promoted) return false;
  if (state.readOnly && !isForced) return false;
  if (node.state!.promoted || !node.state!.detached) return false;
  return holdsForeign(node, primary, positions.covers) || isErrant(node, positions.covers);
}

/**
 * The epoch of the primary whose commits are seen to wait for a replica that confirms them. One that is not open yet counts: it
 * may boot again, closed, before it is.
 */
function armedEpoch(nodes: readonly NodeReport[]): number | null {
  let newest: number | null = null;
  for (const { state, reign, name, failure } of nodes) {
    const isArmed = state?.promoted && state.quorum.armed && state.quorum.confirming.length > 0;
    if (!isArmed || failure !== null || reign?.node !== name) continue;
    if (newest === null || reign.epoch > newest) newest = reign.epoch;
  }
  return newest;
}
