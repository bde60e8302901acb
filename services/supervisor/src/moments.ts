import type { Evidence } from './core/evidence.ts';
import type { Choice } from './core/proof.ts';
import type { NodeReport, Step } from './core/types.ts';
import type { Proof, SupervisorEvent } from './events.ts';
import type { OrderEvent } from './node-channel.ts';

/** An event, and when it happened by the process's monotonic clock. */
export interface Moment {
  readonly event: SupervisorEvent;
  readonly atMs: number;
}

/** What became of the primary of one reign since it stopped answering. */
interface Suspicion {
  readonly primary: string;
  readonly epoch: number;
  readonly sinceMs: number;
  readonly evidence: Evidence | null;
  readonly confirmedAtMs: number | null;
}

/**
 * Finds the moments of a failover in the steps and orders of the supervisor that acts; one that only watches tells nothing.
 * A supervisor that takes over in the middle tells the moments that it can still see, with their times. No I/O, no clock.
 */
export class Moments {
  readonly #isoOf: (ms: number) => string;
  #suspicion: Suspicion | null = null;
  #chosen = '';
  #promotedEpoch = 0;
  #openedEpoch = 0;
  #phase = '';
  #armed = '';

  /** `isoOf`: a moment of the monotonic clock in words. */
  constructor(isoOf: (ms: number) => string) {
    this.#isoOf = isoOf;
  }

  step(step: Step, nodes: readonly NodeReport[], nowMs: number): Moment[] {
    const { phase } = step.state;
    const before = this.#phase;
    this.#phase = phase;
    if (phase === 'passive' || phase === 'unfounded') {
      this.#suspicion = null;
      this.#armed = '';
      return [];
    }
    const { choice, epoch, primary } = step;
    const isOpened = phase === 'watching' && before === 'opening' && primary !== null;
    const moments = isOpened ? this.#opened(primary, epoch, nowMs) : [];
    moments.push(...this.#judged(step, nodes, nowMs));
    if (choice) moments.push(...this.#choose(choice, nowMs));
    if (phase === 'establishing' && choice)
      moments.push(...this.#promoted(choice.candidate, epoch + 1, nowMs));
    if (phase === 'watching') moments.push(...this.#arms(step, nowMs));
    return moments;
  }

  /** The orders tell it sooner than the next look at the node. */
  order({ action, outcome }: OrderEvent, epoch: number, nowMs: number): Moment[] {
    if (outcome !== 'done') return [];
    if (action.do === 'promote') return this.#promoted(action.node, epoch + 1, nowMs);
    if (action.do === 'open') return this.#opened(action.node, action.epoch, nowMs);
    return [];
  }

  #judged({ verdict, primary, epoch, state }: Step, nodes: readonly NodeReport[], nowMs: number): Moment[] {
    const moments: Moment[] = [];
    if (primary === null || verdict === null) return moments;
    const known = this.#suspicion;
    if (known && state.phase === 'watching') {
      this.#suspicion = null;
      if (known.epoch !== epoch) return moments;
      const afterMs = Math.round(nowMs - known.sinceMs);
      return [{ event: { what: 'cleared', primary, epoch, afterMs }, atMs: nowMs }];
    }
    if (verdict.kind !== 'suspected' && verdict.kind !== 'dead') return moments;
    if (this.#suspicion?.epoch !== epoch) {
      const { failure = null, pulse } = nodes.find(({ name }) => name === primary) ?? {};
      const isGray = verdict.kind === 'dead' && verdict.by === 'gray';
      const sinceMs = failure?.sinceMs ?? (isGray ? pulse?.unansweredSinceMs : null) ?? nowMs;
      this.#suspicion = { primary, epoch, sinceMs, evidence: null, confirmedAtMs: null };
      const { kind = null, error = null } = failure ?? {};
      moments.push({ event: { what: 'suspected', primary, epoch, failure: kind, error }, atMs: sinceMs });
    }
    if (verdict.kind === 'dead' && this.#suspicion.evidence === null) {
      const evidence = verdict.by;
      this.#suspicion = { ...this.#suspicion, evidence, confirmedAtMs: nowMs };
      const afterMs = Math.round(nowMs - this.#suspicion.sinceMs);
      moments.push({ event: { what: 'confirmed', primary, epoch, evidence, afterMs }, atMs: nowMs });
    }
    return moments;
  }

  #choose(choice: Choice, nowMs: number): Moment[] {
    const key = `${choice.epoch} ${choice.candidate}`;
    if (key === this.#chosen) return [];
    this.#chosen = key;
    return [{ event: { what: 'chosen', ...this.#proofOf(choice) }, atMs: nowMs }];
  }

  #proofOf({ candidate, epoch, voters, old }: Choice): Proof {
    const iso = (ms: number | null) => (ms === null ? null : this.#isoOf(ms));
    return {
      node: candidate,
      epoch,
      voters: voters.map(({ name, held, epoch: knows, askedAtMs, detachedSinceMs }) => ({
        name,
        held,
        epoch: knows,
        askedAt: this.#isoOf(askedAtMs),
        detachedAt: iso(detachedSinceMs),
      })),
      old: {
        name: old.name,
        held: old.held,
        askedAt: iso(old.askedAtMs),
        failure: old.failure && `${old.failure.kind}: ${old.failure.error}`,
      },
    };
  }

  #promoted(node: string, epoch: number, atMs: number): Moment[] {
    if (this.#promotedEpoch === epoch) return [];
    this.#promotedEpoch = epoch;
    return [{ event: { what: 'promoted', node, epoch }, atMs }];
  }

  #opened(node: string, epoch: number, atMs: number): Moment[] {
    if (this.#openedEpoch === epoch) return [];
    this.#openedEpoch = epoch;
    const { primary: from = null, evidence = null, sinceMs, confirmedAtMs } = this.#suspicion ?? {};
    const since = (ms: number | null | undefined) => (ms == null ? null : Math.round(atMs - ms));
    const [outageMs, promotionMs] = [since(sinceMs), since(confirmedAtMs)];
    return [{ event: { what: 'opened', node, epoch, from, evidence, outageMs, promotionMs }, atMs }];
  }

  #arms({ unarmed, epoch }: Step, atMs: number): Moment[] {
    const said = unarmed.length === 0 ? 'armed' : unarmed.map(({ reason }) => reason).join(' ');
    if (said === this.#armed) return [];
    this.#armed = said;
    if (unarmed.length === 0) return [{ event: { what: 'armed', epoch }, atMs }];
    const reasons = unarmed.map(({ reason, detail }) => `${reason}: ${detail}`);
    return [{ event: { what: 'unarmed', epoch, reasons }, atMs }];
  }
}
