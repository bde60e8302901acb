import type { Action, Explained, NodeReport, StepContext, SupervisorState } from './types.ts';

/** A lock that was not to be had is tried again after so long. */
const TRY_EVERY_MS = 100;
/** Supervisors that met take their next try so far apart. */
const RETRY_MS = { least: 100, most: 500 } as const;

/**
 * One supervisor acts: the one whose sessions hold the locks of a majority of *all* nodes. Not of those that answer: two
 * halves of a network would each have such a majority.
 */
export function stepLocks(
  state: SupervisorState,
  nodes: readonly NodeReport[],
  nowMs: number,
  { random }: Pick<StepContext, 'random'>,
): {
  readonly state: SupervisorState;
  readonly isActive: boolean;
  readonly actions: readonly Action[];
  readonly reasons: readonly Explained[];
} {
  const majority = Math.floor(nodes.length / 2) + 1;
  const held = nodes.filter(({ lock }) => lock === 'held');
  const others = nodes.filter(({ lock }) => lock === 'other');
  const answering = nodes.filter(({ failure, state: node }) => failure === null && node !== null);
  if (held.length >= majority) return { ...tryFor(state, answering, nowMs), isActive: true, reasons: [] };
  const detail =
    others.length > 0
      ? `${others.map(({ name }) => name).join(', ')}: another supervisor holds the lock`
      : `${held.length} of ${nodes.length} locks, and ${majority} are needed`;
  const reasons: Explained[] = [{ reason: 'no-lock-majority', detail }];
  // Two that hold one lock each would block one another for ever: whoever sees it lets go, and waits for a while of its own.
  if (others.length > 0 && held.length > 0) {
    const waitMs = RETRY_MS.least + random() * (RETRY_MS.most - RETRY_MS.least);
    const actions: Action[] = held.map(({ name }) => ({ do: 'unlock', node: name }));
    return { state: { ...state, lockAgainAtMs: nowMs + waitMs }, isActive: false, actions, reasons };
  }
  return { ...tryFor(state, answering, nowMs), isActive: false, reasons };
}

function tryFor(
  state: SupervisorState,
  answering: readonly NodeReport[],
  nowMs: number,
): { readonly state: SupervisorState; readonly actions: readonly Action[] } {
  const missing = answering.filter(({ lock }) => lock !== 'held');
  if (missing.length === 0 || nowMs < state.lockAgainAtMs) return { state, actions: [] };
  const actions: Action[] = missing.map(({ name }) => ({ do: 'lock', node: name }));
  return { state: { ...state, lockAgainAtMs: nowMs + TRY_EVERY_MS }, actions };
}
