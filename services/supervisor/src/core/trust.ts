import type { Position } from '@replication-lab/engines';
import type { NodeReport, StepContext, SupervisorState } from './types.ts';

/** One life of a node's server, from one start to the next. */
export interface Life {
  readonly bootId: string;
  /** When it was first seen. */
  readonly sinceMs: number;
  /** What the open primary held when it was asked after that; null: not asked yet. */
  readonly goal: Position | null;
  /** It has held all of that since: whatever it confirmed in an earlier life, it has (again). */
  readonly isCaughtUp: boolean;
}

/**
 * Watches who has caught up since it was started. A server may forget, with a restart, what it had received and not applied
 * (`StepContext.forgetsReceived`), and may have confirmed some of that after it was asked last. The primary still has it; so
 * who has caught up with the primary since, has it again.
 */
export function rememberLives(
  lives: SupervisorState['lives'],
  nodes: readonly NodeReport[],
  primary: NodeReport | undefined,
  nowMs: number,
  { positions }: Pick<StepContext, 'positions'>,
): SupervisorState['lives'] {
  const next: Record<string, Life> = {};
  for (const { name, state } of nodes) {
    if (state === null) continue;
    const { bootId, held } = state;
    const known = lives[name];
    const life = known?.bootId === bootId ? known : { bootId, sinceMs: nowMs, goal: null, isCaughtUp: false };
    const asked = primary && primary.name !== name && isOpen(primary) && primary.askedAtMs > life.sinceMs;
    const goal = life.goal ?? (asked ? primary.state!.held : null);
    next[name] = {
      ...life,
      goal,
      isCaughtUp: life.isCaughtUp || (goal !== null && positions.covers(held, goal)),
    };
  }
  return next;
}

const isOpen = ({ state, failure }: NodeReport): boolean =>
  failure === null && state !== null && state.promoted && !state.readOnly;

/** May it have forgotten what it had confirmed? */
export function mayHaveForgotten(
  { name, state }: NodeReport,
  { lives }: Pick<SupervisorState, 'lives'>,
  { forgetsReceived }: Pick<StepContext, 'forgetsReceived'>,
): boolean {
  if (!forgetsReceived || state === null) return false;
  const life = lives[name];
  return life?.bootId !== state.bootId || !life.isCaughtUp;
}
