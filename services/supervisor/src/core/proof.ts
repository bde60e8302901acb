import type { Position } from '@replication-lab/engines';
import type { NodeFailure, NodeReport, SupervisorState } from './types.ts';

/**
 * What a successor was chosen by. All voters are detached from the old primary, and `held` of the chosen one covers what the
 * others hold: so it has every write that was acknowledged. Kept for whoever asks afterwards why nothing was lost.
 */
export interface Choice {
  readonly candidate: string;
  /** The reign that ends. */
  readonly epoch: number;
  readonly voters: readonly ChoiceVoter[];
  readonly old: {
    readonly name: string;
    /** The last that it told of itself to this supervisor, and when it was asked; null: it never answered here. */
    readonly held: Position | null;
    readonly askedAtMs: number | null;
    /** Why it does not answer now; null: it does (it booted again, closed). */
    readonly failure: NodeFailure | null;
  };
}

export interface ChoiceVoter {
  readonly name: string;
  readonly held: Position;
  /** The newest reign that it tells of. */
  readonly epoch: number;
  /** When it was asked what it holds. */
  readonly askedAtMs: number;
  /** Since when it has been seen to receive from nobody; null: it follows the candidate already. */
  readonly detachedSinceMs: number | null;
}

/** Of voters that all answer. */
export function choiceOf(
  candidate: string,
  primary: NodeReport,
  voters: readonly NodeReport[],
  epoch: number,
  { detachedSinceMs }: Pick<SupervisorState, 'detachedSinceMs'>,
): Choice {
  return {
    candidate,
    epoch,
    voters: voters.map(({ name, state, reign, askedAtMs }) => ({
      name,
      held: state!.held,
      epoch: reign?.epoch ?? 0,
      askedAtMs,
      detachedSinceMs: detachedSinceMs[name] ?? null,
    })),
    old: {
      name: primary.name,
      held: primary.state?.held ?? null,
      askedAtMs: primary.state && primary.askedAtMs,
      failure: primary.failure,
    },
  };
}
