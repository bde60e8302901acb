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

/** Decides what is worth a person's attention. No I/O and no clock; only what the supervisor that acts tells counts. */
export class NoticeDesk {
  readonly #parts: DeskParts;
  #proof: Proof | null = null;
  #unarmedSinceMs: number | null = null;
  #refusing: Trouble | null = null;
  /** What was told of the present trouble; empty while all is well, or nothing was told. */
  readonly #told = new Set<string>();

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  event(event: LoggedEvent): Notice | null {
    if (event.what === 'chosen') {
      const { node, epoch, voters, old } = event;
      this.#proof = { node, epoch, voters, old };
    }
    if (event.what !== 'opened') return null;
    const { node: to, epoch, from, evidence, outageMs, at, text } = event;
    const proof = this.#proof?.epoch === epoch - 1 ? this.#proof : null;
    return this.#notice('failover', at, { title: text, from, to, epoch, evidence, outageMs, proof });
  }

  /** To be called some times a second; `at` is the present moment in words. */
  tick(step: Step | null, nowMs: number, at: string): Notice[] {
    const phase = step?.state.phase ?? 'passive';
    if (step === null || phase === 'passive' || phase === 'unfounded') {
      this.#unarmedSinceMs = null;
      this.#refusing = null;
      this.#told.clear();
      return [];
    }
    if (phase === 'watching' && step.unarmed.length === 0) return this.#armed(step, at);
    this.#unarmedSinceMs ??= nowMs;
    const refused = phase === 'refusing' ? this.#refused(step, nowMs, at) : null;
    if (phase !== 'refusing') this.#refusing = null;
    if (refused) return [refused];
    const isLong = nowMs - this.#unarmedSinceMs >= UNARMED_MS;
    return isLong && this.#told.size === 0 ? [this.#unarmed(step, at)] : [];
  }

  #armed({ epoch, primary }: Step, at: string): Notice[] {
    this.#unarmedSinceMs = null;
    this.#refusing = null;
    if (this.#told.size === 0) return [];
    this.#told.clear();
    const title = `armed again: if ${primary} died now, a replica would take its place`;
    return [this.#notice('armed', at, { title, to: primary, epoch })];
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

const inWords = ({ reason, detail }: { reason: string; detail: string }): string => `${reason}: ${detail}`;
