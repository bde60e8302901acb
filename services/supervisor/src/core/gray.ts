import type { Position } from '@replication-lab/engines';
import { follows, hostOf, isConfirmed } from './nodes.ts';
import type { NodeReport, StepContext, SupervisorState } from './types.ts';

/** What the heartbeats of one node came to. */
export interface Pulse {
  /** When the first was sent that has not been acknowledged since; null: the last was, or none was sent. */
  readonly unansweredSinceMs: number | null;
  /** How many were sent since then. */
  readonly beats: number;
}

/** The open primary acknowledges nothing that is written to it, and what it holds has not changed since. */
export interface Stall {
  readonly epoch: number;
  readonly held: Position;
  readonly sinceMs: number;
}

/** So long a failover on this evidence may take; then the voters are given back, and it begins anew. */
const GRAY_MS = 5_000;

/**
 * GRAY: the primary answers, and cannot write: its disk stands still, or somebody holds a lock. Nobody else notices, and it would
 * last as long as that does.
 *
 * Three things tell it from a primary that only waits. What it holds does not change, by anybody's writes. No commit waits for a
 * voter: where one does, it was written down, and it is the voters who do not confirm; another primary would have no others. And
 * a voter is there that confirms. The voters lose their source in the fence, so it has to be remembered.
 */
export function rememberGray(
  before: SupervisorState,
  nodes: readonly NodeReport[],
  primary: NodeReport | undefined,
  nowMs: number,
  context: Pick<StepContext, 'limits' | 'endpoints'>,
): Pick<SupervisorState, 'stall' | 'grayAtMs'> {
  const none = { stall: null, grayAtMs: null };
  if (!primary?.state?.promoted || primary.state.readOnly || primary.failure !== null) return none;
  if (before.grayAtMs !== null) {
    const isSame = primary.reign?.epoch === before.stall?.epoch;
    return isSame && nowMs - before.grayAtMs < GRAY_MS
      ? { stall: before.stall, grayAtMs: before.grayAtMs }
      : none;
  }
  const stall = stallOf(before, primary, nowMs);
  if (stall === null) return none;
  const { grayMs, grayBeats, calmMs, cancelMs } = context.limits;
  const neededMs = nowMs - before.lastCancelAtMs < cancelMs ? 2 * grayMs : grayMs;
  const lastedMs = nowMs - Math.max(stall.sinceMs, before.lateAtMs);
  const isLong = lastedMs >= neededMs && (primary.pulse?.beats ?? 0) >= grayBeats;
  const isCalm = nowMs - before.lastPromotionAtMs >= calmMs;
  return { stall, grayAtMs: isLong && isCalm && voterHelps(primary, nodes, context) ? nowMs : null };
}

function stallOf(
  { stall, wish }: SupervisorState,
  { state, reign, pulse }: NodeReport,
  nowMs: number,
): Stall | null {
  const sinceMs = pulse?.unansweredSinceMs ?? null;
  // Who closes a primary has its writes wait.
  if (sinceMs === null || wish !== null || state!.waiting > 0) return null;
  const { held } = state!;
  const epoch = reign?.epoch ?? 0;
  if (stall === null || stall.epoch !== epoch) return { epoch, held, sinceMs };
  return stall.held === held ? stall : { epoch, held, sinceMs: nowMs };
}

/** All follow it and one confirms, so that it is not for them that it cannot write. */
function voterHelps(
  primary: NodeReport,
  nodes: readonly NodeReport[],
  context: Pick<StepContext, 'endpoints'>,
): boolean {
  const host = hostOf(context, primary.name);
  const voters = nodes.filter((node) => node !== primary);
  return voters.every((voter) => follows(voter, host)) && isConfirmed(primary.state!, voters);
}
