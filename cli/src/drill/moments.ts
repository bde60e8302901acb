import type { EventPage, LoggedEvent } from '@replication-lab/supervisor';
import type { LabRuntime } from '../runtime.ts';
import { pause } from '../wait.ts';

/** When a supervisor was sure, and when it had let clients in. Milliseconds since 1970; null: nobody tells of it. */
export interface Moments {
  readonly confirmedAtMs: number | null;
  readonly evidence: string | null;
  readonly openedAtMs: number | null;
}

/** Of the first failover since then, from the event logs of all supervisors that answer. */
export async function momentsSince(lab: LabRuntime, sinceMs: number): Promise<Moments> {
  return firstFailover(await allEvents(lab), sinceMs);
}

/** Waits until no supervisor tells of a promotion in the last `calmMs`. */
export async function untilCalm(lab: LabRuntime, calmMs: number, signal: AbortSignal): Promise<void> {
  const opened = (await allEvents(lab))
    .filter(({ what }) => what === 'opened')
    .map(({ at }) => Date.parse(at));
  const leftMs = Math.max(...opened, 0) + calmMs - Date.now();
  if (leftMs > 0) await pause(leftMs, signal);
}

async function allEvents(lab: LabRuntime): Promise<LoggedEvent[]> {
  const pages = Object.values(await lab.askSupervisors(() => '/events?after=0')) as (EventPage | null)[];
  return pages.flatMap((page) => page?.events ?? []);
}

/** Pure. A successor of the supervisor that was sure may be the one that opens. */
export function firstFailover(events: readonly LoggedEvent[], sinceMs: number): Moments {
  const later = events
    .map((event) => ({ event, atMs: Date.parse(event.at) }))
    .filter(({ atMs }) => atMs >= sinceMs)
    .sort((a, b) => a.atMs - b.atMs);
  const confirmed = later.find(({ event }) => event.what === 'confirmed');
  const opened = later.find(({ event }) => event.what === 'opened');
  return {
    confirmedAtMs: confirmed?.atMs ?? null,
    evidence: confirmed?.event.what === 'confirmed' ? confirmed.event.evidence : null,
    openedAtMs: opened?.atMs ?? null,
  };
}
