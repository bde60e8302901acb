import { follows, hostOf } from './nodes.ts';
import type { Explained, NodeReport, StepContext, SupervisorState } from './types.ts';

/**
 * What is to be thought of the primary.
 *
 * `dead` needs witnesses: this process's own silence with it proves nothing, because the fault may be here. Every voter has to
 * say for itself that it hears nothing either, and all have to be asked, since all are needed for a failover anyway.
 */
export type Verdict =
  | { readonly kind: 'open' }
  | { readonly kind: 'closed-to-clients' } // promoted, and the last step of a promotion is missing
  | { readonly kind: 'suspected'; readonly why: readonly Explained[] }
  | { readonly kind: 'dead'; readonly by: Evidence };

/**
 * What a dead primary was known by. `locked`: it lives, and no voter hears it, so that nobody can confirm its commits. `gray`: it
 * answers, and cannot write. `fenced`: no voter receives from it any more, whoever saw to that.
 */
export const EVIDENCE = ['hard', 'soft', 'closed', 'fenced', 'locked', 'gray'] as const;
export type Evidence = (typeof EVIDENCE)[number];

/** Milliseconds since the voter's source gave a sign of life, as seen from here. */
export function silentMs(state: SupervisorState, voter: string, nowMs: number): number {
  const sign = state.signs[voter];
  return sign ? nowMs - sign.changedAtMs : 0;
}

export function judgePrimary(
  primary: NodeReport,
  voters: readonly NodeReport[],
  state: SupervisorState,
  context: Pick<StepContext, 'limits' | 'endpoints'>,
  nowMs: number,
): Verdict {
  const { limits } = context;
  const { failure } = primary;
  if (failure === null && primary.state !== null) {
    if (!primary.state.promoted) return { kind: 'dead', by: 'closed' };
    if (state.lockedAtMs !== null) return { kind: 'dead', by: 'locked' };
    if (state.grayAtMs !== null) return { kind: 'dead', by: 'gray' };
    return { kind: primary.state.readOnly ? 'closed-to-clients' : 'open' };
  }
  const why: Explained[] = [];
  for (const { name, failure: silent, state: voter } of voters) {
    if (silent === null && voter !== null) continue;
    why.push({ reason: 'voter-silent', detail: `${name} does not answer (${silent?.error ?? 'never did'})` });
  }
  if (why.length > 0 || failure === null) return { kind: 'suspected', why };
  if (voters.every((voter) => voter.state!.detached)) return { kind: 'dead', by: 'fenced' };

  const host = hostOf(context, primary.name);
  // One that follows somebody else says nothing of the primary.
  const unlinked = (voter: NodeReport) => !follows(voter, host);
  const silentFor = (ms: number) => (voter: NodeReport) =>
    unlinked(voter) || silentMs(state, voter.name, nowMs) >= ms;
  const refused = failure.attempts >= limits.hardAttempts && nowMs - failure.sinceMs >= limits.hardMs;
  if (refused) {
    // An address that is gone refuses nothing: then the voters' own broken links are the proof.
    const hard = failure.kind === 'refused' ? silentFor(limits.hardSilentMs) : unlinked;
    if (voters.every(hard)) return { kind: 'dead', by: 'hard' };
  }
  const hearing = voters.filter((voter) => !silentFor(limits.softSilentMs)(voter));
  for (const { name } of hearing) {
    why.push({ reason: 'voter-sees-primary', detail: `${name} hears from ${primary.name}` });
  }
  if (hearing.length > 0) return { kind: 'suspected', why };
  const neededMs = nowMs - state.lastCancelAtMs < limits.cancelMs ? 2 * limits.softMs : limits.softMs;
  if (nowMs - primary.askedAtMs < neededMs) return { kind: 'suspected', why };
  if (nowMs - state.lateAtMs < neededMs) {
    return { kind: 'suspected', why: [{ reason: 'own-delay', detail: 'this process was late itself' }] };
  }
  if (nowMs - state.lastPromotionAtMs < limits.calmMs) {
    const detail = `the last promotion was less than ${limits.calmMs} ms ago`;
    return { kind: 'suspected', why: [{ reason: 'too-soon', detail }] };
  }
  return { kind: 'dead', by: 'soft' };
}

/** So long a failover on this evidence may take; then the voters are given back. */
const LOCKED_MS = 5_000;

/**
 * Since when the open primary is known to be cut off from its voters: it has answered here all the time, and every voter, which
 * follows it, has heard nothing from it for `lockedMs`. The voters lose their source in the fence, so this has to be
 * remembered; null: it is not so.
 */
export function rememberLocked(
  before: SupervisorState,
  nodes: readonly NodeReport[],
  primary: NodeReport | undefined,
  nowMs: number,
  context: Pick<StepContext, 'limits' | 'endpoints'>,
): number | null {
  const { lockedMs, calmMs } = context.limits;
  if (!primary?.state?.promoted || primary.state.readOnly || primary.failure !== null) return null;
  const isSameReign = primary.reign?.epoch === before.markedEpoch;
  if (before.lockedAtMs !== null)
    return isSameReign && nowMs - before.lockedAtMs < LOCKED_MS ? before.lockedAtMs : null;
  const since = Math.max(before.answeringSinceMs ?? nowMs, before.lateAtMs);
  if (nowMs - since < lockedMs || nowMs - before.lastPromotionAtMs < calmMs) return null;
  const host = hostOf(context, primary.name);
  const voters = nodes.filter((node) => node !== primary);
  const isCutOff = voters.every(
    ({ name, state, failure }) =>
      failure === null &&
      state !== null &&
      !state.detached &&
      state.source === host &&
      silentMs(before, name, nowMs) >= lockedMs,
  );
  return isCutOff ? nowMs : null;
}
