import type { SwitchoverRefusal } from './core/switchover.ts';
import type { Step, Wish } from './core/types.ts';

/** A successor that was armed is promoted, however long that takes; the one who asked is not kept for longer. */
const LIMIT_MS = 30_000;

export type SwitchoverOutcome =
  | {
      readonly ok: true;
      readonly from: string;
      readonly to: string;
      readonly epoch: number;
      /** From the order to close the old primary until the new one was seen open. */
      readonly closedMs: number;
    }
  | { readonly ok: false; readonly code: SwitchoverCode; readonly detail: string };

export type SwitchoverCode =
  | SwitchoverRefusal['code']
  | 'lagging' //            the replicas did not catch up in time; nothing was closed
  | 'not-ready' //          a voter was silent or did not follow; nothing was closed
  | 'writes-under-way' //   they did not end in time; the primary is open again
  | 'undone' //             the primary was closed, could not hand over in time, and is open again
  | 'another-promoted' //   something failed meanwhile, and another node is the primary
  | 'lost-office' //        another supervisor acts now, and finishes or undoes it
  | 'unfinished'; //        still under way after so long: the status tells

/** Follows one switchover from step to step, for the one who asked for it. */
export class SwitchoverRun {
  readonly #wish: Wish;
  readonly #from: string;
  readonly #startedMs: number;
  readonly #ended = Promise.withResolvers<SwitchoverOutcome>();
  #closedAtMs: number | null = null;
  #failure: string | null = null;
  #waitedFor = '';
  #isLagging = true;

  constructor(wish: Wish, from: string, startedMs: number) {
    this.#wish = wish;
    this.#from = from;
    this.#startedMs = startedMs;
  }

  get outcome(): Promise<SwitchoverOutcome> {
    return this.#ended.promise;
  }

  closingFailed(why: string | null): void {
    this.#failure ??= why ?? 'the order to close it failed';
  }

  /** What came of it, if this step has ended it. */
  saw(step: Step, nowMs: number): SwitchoverOutcome | null {
    if (step.actions.some((action) => action.do === 'close')) this.#closedAtMs ??= nowMs;
    if (step.state.phase === 'closing' && step.reasons.length > 0) {
      this.#waitedFor = step.reasons.map(({ detail }) => detail).join('; ');
      this.#isLagging = step.reasons.every(({ reason }) => reason === 'lagging');
    }
    const outcome = this.#judge(step, nowMs);
    if (outcome) this.#ended.resolve(outcome);
    return outcome;
  }

  #judge({ state, primary, epoch }: Step, nowMs: number): SwitchoverOutcome | null {
    const failed = (code: SwitchoverCode, detail: string) => ({ ok: false, code, detail }) as const;
    const { to } = this.#wish;
    if (state.phase === 'passive') {
      return failed('lost-office', 'another supervisor acts now: it finishes what was begun, or undoes it');
    }
    if (nowMs - this.#startedMs > LIMIT_MS) return failed('unfinished', `it is ${state.phase} still`);
    if (state.phase !== 'watching') return null;
    if (epoch > this.#wish.epoch) {
      if (primary !== to) return failed('another-promoted', `${primary} is the primary now`);
      return { ok: true, from: this.#from, to, epoch, closedMs: nowMs - (this.#closedAtMs ?? nowMs) };
    }
    if (state.wish !== null) return null;
    if (this.#failure !== null) return failed('writes-under-way', this.#failure);
    if (this.#closedAtMs !== null)
      return failed(
        'undone',
        `${this.#from} is open again: ${this.#waitedFor || `${to} could not take over in time`}`,
      );
    return failed(
      this.#isLagging ? 'lagging' : 'not-ready',
      this.#waitedFor || 'the replicas have not caught up',
    );
  }
}
