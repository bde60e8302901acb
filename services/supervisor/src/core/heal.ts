import { healErrant, isErrant } from './errant.ts';
import { holdsForeign, hostOf, reignsAfter } from './nodes.ts';
import { isGivenUp } from './override.ts';
import type { Action, Explained, NodeReport, StepContext, SupervisorState } from './types.ts';

export interface HealContext extends Pick<StepContext, 'endpoints' | 'positions' | 'limits'> {
  readonly state: SupervisorState;
  readonly epoch: number;
  readonly nowMs: number;
}

/**
 * Brings nodes that do not follow the open primary back to it. One that holds more than the primary is made anew where it is
 * certain that this was acknowledged to nobody.
 */
export function heal(
  primary: NodeReport,
  voters: readonly NodeReport[],
  context: HealContext,
): { actions: Action[]; reasons: Explained[] } {
  const actions: Action[] = [];
  const reasons: Explained[] = [];
  const host = hostOf(context, primary.name);
  for (const voter of voters) {
    const { name, state, failure } = voter;
    const wasGivenUp = isGivenUp(context.state, name, primary);
    // Said only where the primary is not open yet: beside an open one the agent judges as ever.
    const forced = wasGivenUp && primary.state?.readOnly ? { isGivenUp: true } : {};
    const order = { source: primary.name, epoch: context.epoch, ...forced };
    if (voter.isEmpty && failure?.kind === 'refused') {
      const detail = `${name} has no data, lost or only half made: it is made anew`;
      reasons.push({ reason: 'needs-rebuild', detail });
      actions.push({ do: 'rebuild', node: name, ...order });
      continue;
    }
    if (failure === null && isErrant(voter, context.positions.covers)) {
      const settled = isSettled(voter, primary, context);
      const errant = healErrant(voter, primary, voters, order, settled, context);
      actions.push(...errant.actions);
      reasons.push(errant.reason);
      continue;
    }
    // MySQL and MariaDB remember a source that they do not receive from.
    if (failure !== null || state === null || (state.source === host && !state.detached)) continue;
    if (state.promoted && state.demotable) {
      actions.push({ do: 'demote', node: name });
    } else if (state.promoted) {
      // An old primary that woke up. It boots closed, and is looked at again then.
      const detail = `${name} still takes itself for the primary; it can acknowledge nothing, and is started again`;
      reasons.push({ reason: 'needs-restart', detail });
      actions.push({ do: 'restart', node: name, ...order });
    } else if (!holdsForeign(voter, primary, context.positions.covers)) {
      actions.push({ do: 'follow', node: name, source: primary.name });
    } else if (!state.detached) {
      // It receives from somebody else, and may only be some moments ahead of what was last heard from the primary.
      actions.push({ do: 'detach', node: name });
    } else {
      const isJust = wasGivenUp || mayBeMadeAnew(voter, primary);
      const then = isJust
        ? 'it is made anew'
        : 'nobody proved that this was never acknowledged, so a person has to decide';
      const detail = `${name} holds what ${primary.name} does not (${state.held}): ${then}`;
      reasons.push({ reason: 'needs-rebuild', detail });
      if (isJust && isSettled(voter, primary, context)) actions.push({ do: 'rebuild', node: name, ...order });
    }
  }
  return { actions, reasons };
}

/**
 * Every promotion that it missed kept all that was acknowledged, so what only it holds was not. A lab that was opened again
 * after a stop proves no such thing, and a node that missed no promotion and holds more than the primary tells of a loss.
 */
function mayBeMadeAnew({ state }: NodeReport, primary: NodeReport): boolean {
  const missed = reignsAfter(primary, state!.epoch);
  return missed.length > 0 && missed.every(({ lossless }) => lossless);
}

/**
 * Both were asked again since it was first seen, and it went on: a node that has just been detached may be ahead of an
 * older answer of the primary, and holds nothing that the primary lacks.
 */
function isSettled(
  voter: NodeReport,
  primary: NodeReport,
  { state, limits, nowMs }: Pick<HealContext, 'state' | 'limits' | 'nowMs'>,
): boolean {
  const sinceMs = state.divergedSinceMs[voter.name];
  if (sinceMs === undefined || nowMs - sinceMs < limits.divergedMs) return false;
  return voter.askedAtMs > sinceMs && primary.askedAtMs > sinceMs;
}
