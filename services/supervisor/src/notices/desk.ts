import { randomUUID } from 'node:crypto';
import type { Step } from '../core/types.ts';
import type { LoggedEvent, Proof } from '../events.ts';
import { NEXT, type Notice, type NoticeKind } from './notice.ts';

/** A refusal that passes sooner is none that a person could do anything about. */
const REFUSED_MS = 2_000;
/** After a failover the old primary gets this long to come back before somebody is told that it is missing. */
const UNARMED_MS = 30_000;

export interface DeskParts {
  readonly supervisor: string;
  readonly engine: string;
  /** Where the notices are explained; the kind is added as an anchor. */
  readonly runbook: string;
}

type Facts = Pick<Notice, 'title'> & Partial<Notice>;
interface Trouble {
  readonly key: string;
  readonly sinceMs: number;
}

/** Decides what is worth a person's attention. No I/O and no clock. */
export class NoticeDesk {
  readonly #parts: DeskParts;
  #proof: Proof | null = null;
  /** A switchover was asked for in this reign. */
  #wishedEpoch: number | null = null;
  #unarmedSinceMs: number | null = null;
  #refusing: Trouble | null = null;
  /** What was told of the present trouble; empty while all is well, or nothing was told. */
  readonly #told = new Set<string>();
  /** This one watched while the trouble went on, so another one will have told of it. */
  #isToldElsewhere = false;

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  event(event: LoggedEvent): Notice | null {
    if (event.what === 'chosen') {
      const { node, epoch, voters, old } = event;
      this.#proof = { node, epoch, voters, old };
    }
    if (event.what === 'overruled') {
      const { from, to, epoch, loss, at, text } = event;
      return this.#notice('overruled', at, { title: text, from, to, epoch, reasons: [loss] });
    }
    if (event.what === 'wished') this.#wishedEpoch = event.epoch;
    if (event.what === 'unarmed') return this.#errant(event);
    if (event.what !== 'opened') return null;
    const { node: to, epoch, from, evidence, outageMs, at, text } = event;
    // Whoever wished for it is told what came of it. With evidence it was a failover after all.
    if (evidence === null && this.#wishedEpoch === epoch - 1) return null;
    const proof = this.#proof?.epoch === epoch - 1 ? this.#proof : null;
    return this.#notice('failover', at, { title: text, from, to, epoch, evidence, outageMs, proof });
  }

  /** Mended by itself, most often sooner than a trouble is told of; but somebody did it, and may do it again. */
  #errant({ epoch, reasons, at }: Extract<LoggedEvent, { what: 'unarmed' }>): Notice | null {
    const found = reasons.find((reason) => reason.startsWith('errant-write: '));
    if (found === undefined || this.#told.has(found)) return null;
    this.#told.add(found);
    return this.#notice('unarmed', at, { title: found.slice('errant-write: '.length), epoch, reasons });
  }

  /**
   * To be called some times a second; `at` is the present moment in words. One that only watches keeps count and says nothing:
   * whoever takes over has to know that a trouble was told, to tell its end.
   */
  tick(step: Step | null, nowMs: number, at: string): Notice[] {
    if (step === null || step.state.phase === 'unfounded' || isWhole(step)) return this.#whole(step, at);
    this.#unarmedSinceMs ??= nowMs;
    const isLong = nowMs - this.#unarmedSinceMs >= UNARMED_MS;
    const { phase } = step.state;
    if (phase !== 'refusing') this.#refusing = null;
    if (phase === 'passive') {
      this.#isToldElsewhere ||= isLong;
      return [];
    }
    const refused = phase === 'refusing' ? this.#refused(step, nowMs, at) : null;
    if (refused) return [refused];
    return isLong && this.#told.size === 0 ? [this.#unarmed(step, at)] : [];
  }

  /** Also where nothing can be said: then there is nothing that could end. */
  #whole(step: Step | null, at: string): Notice[] {
    const wasTold = this.#told.size > 0 || this.#isToldElsewhere;
    this.#unarmedSinceMs = null;
    this.#refusing = null;
    this.#isToldElsewhere = false;
    this.#told.clear();
    if (!wasTold || step?.state.phase !== 'watching') return [];
    const { primary: to, epoch } = step;
    const title = `armed again: if ${to} died now, a replica would take its place`;
    return [this.#notice('armed', at, { title, to, epoch })];
  }

  #refused({ reasons, epoch, primary }: Step, nowMs: number, at: string): Notice | null {
    const key = `${epoch} ${[...new Set(reasons.map(({ reason }) => reason))].sort().join(' ')}`;
    if (this.#refusing?.key !== key) this.#refusing = { key, sinceMs: nowMs };
    if (nowMs - this.#refusing.sinceMs < REFUSED_MS || this.#told.has(key)) return null;
    this.#told.add(key);
    const title = `${primary} is gone, and nobody takes its place: ${key.slice(key.indexOf(' ') + 1)}`;
    return this.#notice('refused', at, { title, from: primary, epoch, reasons: reasons.map(inWords) });
  }

  #unarmed({ unarmed, reasons, epoch, primary, state }: Step, at: string): Notice {
    this.#told.add('unarmed');
    const why = state.phase === 'watching' ? unarmed : [...reasons, ...unarmed];
    const title = `not armed for ${UNARMED_MS / 1000} s: if ${primary} died now, nobody would take its place`;
    return this.#notice('unarmed', at, {
      title,
      to: primary,
      epoch,
      reasons: [...new Set(why.map(inWords))],
    });
  }

  #notice(kind: NoticeKind, at: string, facts: Facts): Notice {
    const { supervisor, engine, runbook } = this.#parts;
    return {
      ...{ id: randomUUID(), kind, at, supervisor, engine, from: null, to: null, epoch: 0, evidence: null },
      ...{ outageMs: null, proof: null, reasons: [], next: NEXT[kind], runbook: `${runbook}#${kind}` },
      ...facts,
    };
  }
}

/** Would a failover succeed now? One that watches goes by what it sees of the primary. */
const isWhole = ({ state, unarmed, verdict }: Step): boolean =>
  unarmed.length === 0 && (state.phase === 'passive' ? verdict?.kind === 'open' : state.phase === 'watching');

const inWords = ({ reason, detail }: { reason: string; detail: string }): string => `${reason}: ${detail}`;
