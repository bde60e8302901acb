import type { NodeReport, Observation, StepContext, SupervisorState } from './types.ts';

/** What an observation adds to a supervisor's memory: an active one's and a passive one's alike. */
export function remember(
  state: SupervisorState,
  { nodes, lateMs }: Observation,
  nowMs: number,
  { positions, limits }: Pick<StepContext, 'positions' | 'limits'>,
): SupervisorState {
  const signs = { ...state.signs };
  const epoch = Math.max(0, ...nodes.map(({ reign }) => reign?.epoch ?? 0));
  // What a node held of an older reign, and lost since, was nobody's: only this one's counts.
  const highWater = state.markedEpoch === epoch ? { ...state.highWater } : {};
  for (const { name, state: node } of nodes) {
    if (node === null) continue;
    const sign = signs[name];
    if (sign?.sign !== node.sourceSign) signs[name] = { sign: node.sourceSign, changedAtMs: nowMs };
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
    armedEpoch: armedEpoch(nodes) ?? state.armedEpoch,
    lateAtMs: lateMs > limits.lateMs ? nowMs : state.lateAtMs,
  };
}

/** The epoch of the open primary whose commits are seen to wait for a replica that confirms them. */
function armedEpoch(nodes: readonly NodeReport[]): number | null {
  let newest: number | null = null;
  for (const { state, reign, name, failure } of nodes) {
    const isArmed =
      state?.promoted && !state.readOnly && state.quorum.armed && state.quorum.confirming.length > 0;
    if (!isArmed || failure !== null || reign?.node !== name) continue;
    if (newest === null || reign.epoch > newest) newest = reign.epoch;
  }
  return newest;
}
