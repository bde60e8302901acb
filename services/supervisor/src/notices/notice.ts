import type { Evidence } from '../core/evidence.ts';
import type { Proof } from '../events.ts';

/**
 * `failover`: a new primary is open. `refused`: one would be needed, and is not made. `overruled`: a person
 * has given up what the nodes hold that are away. `unarmed`: the death of the primary
 * would not be answered now. `armed`: it would be again.
 */
export type NoticeKind = 'failover' | 'refused' | 'overruled' | 'unarmed' | 'armed';

/** What a person is told: the body of the webhook. Fields may be added, not renamed. */
export interface Notice {
  /** The same for every try to send it, and over every channel. */
  readonly id: string;
  readonly kind: NoticeKind;
  /** When it happened, ISO 8601 in UTC. */
  readonly at: string;
  readonly supervisor: string;
  readonly engine: string;
  /** One line. */
  readonly title: string;
  /** Who had the office before; null where this supervisor has not seen it, and in notices of other kinds. */
  readonly from: string | null;
  /** Who has it now. */
  readonly to: string | null;
  readonly epoch: number;
  readonly evidence: Evidence | null;
  /** How long nobody could write, as this supervisor saw it. */
  readonly outageMs: number | null;
  /** By what the new primary was chosen. */
  readonly proof: Proof | null;
  readonly reasons: readonly string[];
  /** What to do now. */
  readonly next: string;
  /** Where more is said about that. */
  readonly runbook: string;
}

export const NEXT: Readonly<Record<NoticeKind, string>> = {
  failover:
    'Nothing is needed for clients. See that the old primary comes back as a replica (./lab status): until it does, the death of another node is not answered.',
  refused:
    'Writes are refused until this is mended. Bring back what the reasons name (./lab heal); a replica that is silent may hold the only copy of an acknowledged write.',
  overruled:
    'Acknowledged writes may be lost: the reasons say what is known. Writes are refused until a second node is back, which is made anew. Do not let the nodes that were given up serve anybody; keep a copy of their data first if you may need it.',
  unarmed: 'Clients notice nothing yet. Mend what the reasons name (./lab status, ./lab heal).',
  armed: 'Nothing: this ends the notice before.',
};

/** The notice as the text of a mail. */
export function noticeText(notice: Notice): string {
  const { at, supervisor, engine, from, to, epoch, evidence, outageMs, reasons } = notice;
  const facts: readonly (readonly [string, string | null])[] = [
    ['when', at],
    ['said by', `${supervisor} (${engine})`],
    ['primary before', from],
    ['primary now', to],
    ['epoch', String(epoch)],
    ['evidence', evidence],
    ['outage', outageMs === null ? null : `${outageMs} ms without a primary that answers`],
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  const table = facts.flatMap(([name, value]) => (value === null ? [] : [`${name.padEnd(width)}  ${value}`]));
  const why = reasons.length > 0 ? ['', 'Why:', ...reasons.map((reason) => `- ${reason}`)] : [];
  const proof = notice.proof ? ['', 'Proof:', ...proofLines(notice.proof)] : [];
  return [notice.title, '', ...table, ...why, ...proof, '', `Next: ${notice.next}`, notice.runbook, ''].join(
    '\n',
  );
}

function proofLines({ node, voters, old }: Proof): string[] {
  const voted = voters.map(({ name, held, detachedAt }) => {
    const since = detachedAt === null ? `follows ${node}` : `receives from nobody since ${detachedAt}`;
    return `- ${name} held ${held}, ${since}${name === node ? ' (chosen: holds all that any of them holds)' : ''}`;
  });
  const last = old.held === null ? 'told nothing' : `told last (${old.askedAt}) that it held ${old.held}`;
  return [...voted, `- ${old.name}, the old primary, ${last}`];
}
