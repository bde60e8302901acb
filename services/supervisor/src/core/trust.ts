import type { NodeState, Position } from '@replication-lab/engines';
import type { NodeReport, StepContext, SupervisorState } from './types.ts';

/**
 * One life of what a node has received: from one start of its server to the next, where a start may forget; else as long as it
 * has the same data. Data that was lost and made anew has forgotten all that the node ever confirmed.
 */
export interface Life {
  readonly id: string;
  /** When it was first seen. */
  readonly sinceMs: number;
  /** What the open primary held when it was asked after that; null: not asked yet. */
  readonly goal: Position | null;
  /** It has held all of that since: whatever it confirmed in an earlier life, it has (again). */
  readonly isCaughtUp: boolean;
}

type Memory = Pick<StepContext, 'forgetsReceived'>;

const lifeOf = ({ bootId, serverId }: NodeState, { forgetsReceived }: Memory): string =>
  forgetsReceived ? bootId : serverId;

/**
 * Watches who has caught up since its life began. A server may forget, with a restart, what it had received and not applied
 * (`StepContext.forgetsReceived`), and may have confirmed some of that after it was asked last. The primary still has it; so
 * who has caught up with the primary since, has it again. The same goes for one whose data was lost. (A copy of the primary,
 * postgres, keeps its server id, and lacks nothing.)
 */
export function rememberLives(
  lives: SupervisorState['lives'],
  nodes: readonly NodeReport[],
  primary: NodeReport | undefined,
  nowMs: number,
  { positions, ...memory }: Pick<StepContext, 'positions'> & Memory,
): SupervisorState['lives'] {
  const next: Record<string, Life> = {};
  for (const { name, state } of nodes) {
    if (state === null) continue;
    const { held } = state;
    const id = lifeOf(state, memory);
    const known = lives[name];
    const life = known?.id === id ? known : { id, sinceMs: nowMs, goal: null, isCaughtUp: false };
    const asked = primary && primary.name !== name && isOpen(primary) && primary.askedAtMs > life.sinceMs;
    const goal = life.goal ?? (asked ? primary.state!.held : null);
    next[name] = {
      ...life,
      goal,
      // While it is the open primary it has everything.
      isCaughtUp:
        life.isCaughtUp ||
        (goal !== null && positions.covers(held, goal)) ||
        (primary?.name === name && isOpen(primary)),
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
  memory: Memory,
): boolean {
  if (state === null) return false;
  const life = lives[name];
  return life?.id !== lifeOf(state, memory) || !life.isCaughtUp;
}
