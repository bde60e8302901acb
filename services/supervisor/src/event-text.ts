import type { SupervisorEvent } from './events.ts';
import type { SwitchoverOutcome } from './switchover-run.ts';

/** The event in one line, for people. */
export function textOf(event: SupervisorEvent): string {
  switch (event.what) {
    case 'started':
      return `started: ${event.engine} on ${event.nodes.join(', ')}`;
    case 'phase':
      return `${event.from} -> ${event.to}${because(event.why)}`;
    case 'order':
      return orderText(event);
    case 'suspected':
      return `${event.primary} is suspected: ${event.failure ?? 'it answers, and cannot do its work'}${colon(event.error)}`;
    case 'cleared':
      return `${event.primary} keeps the office: it answers again after ${event.afterMs} ms`;
    case 'confirmed':
      return `${event.primary} is taken for dead (${event.evidence} evidence) after ${event.afterMs} ms`;
    case 'chosen':
      return chosenText(event);
    case 'promoted':
      return `${event.node} is promoted, for epoch ${event.epoch}`;
    case 'opened':
      return openedText(event);
    case 'wished':
      return `a switchover from ${event.from} to ${event.to} is wished for`;
    case 'switched':
      return switchedText(event.outcome);
    case 'overruled':
      return `DATA LOSS ACCEPTED by a person: ${event.to} is to begin a reign in place of ${event.from}. ${event.loss}`;
    case 'armed':
      return 'armed: if the primary died now, a replica would take its place';
    case 'unarmed':
      return `not armed: if the primary died now, nobody would take its place${because(event.reasons)}`;
  }
}

type Of<W extends SupervisorEvent['what']> = Extract<SupervisorEvent, { what: W }>;

const colon = (text: string | null): string => (text ? `: ${text}` : '');
const because = (reasons: readonly string[]): string =>
  reasons.length > 0 ? ` (${reasons.join('; ')})` : '';

function orderText({ action, outcome, ms, error, repeated }: Of<'order'>): string {
  const { do: verb, node, ...rest } = action;
  const how = Object.entries(rest).map(
    ([key, value]) => `${key} ${Array.isArray(value) ? value.join(',') : value}`,
  );
  const order = [verb, node, ...how].join(' ');
  const again = repeated ? `, ${repeated} times more` : '';
  return `${order}: ${outcome} in ${Math.round(ms)} ms${again}${colon(error)}`;
}

function chosenText({ node, voters, old }: Of<'chosen'>): string {
  const held = voters.map((voter) => `${voter.name} holds ${voter.held}`).join('; ');
  const before = old.held === null ? 'nothing is known of' : `last known: ${old.held}`;
  return `${node} is chosen, it holds all that any voter holds: ${held}; ${old.name} ${before}`;
}

function openedText({ node, epoch, from, outageMs }: Of<'opened'>): string {
  const instead = from === null ? '' : ` in place of ${from}`;
  const after = outageMs === null ? '' : `, ${outageMs} ms after the first failed question`;
  return `${node} is open to clients${instead}, epoch ${epoch}${after}`;
}

function switchedText(outcome: SwitchoverOutcome): string {
  if (!outcome.ok) return `no switchover (${outcome.code}): ${outcome.detail}`;
  const { from, to, closedMs } = outcome;
  return `switched over from ${from} to ${to}, closed to writes for ${Math.round(closedMs)} ms`;
}
