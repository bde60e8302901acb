import type { Logger } from 'pino';
import { EventLog } from './event-log.ts';
import type { EventPage, LoggedEvent, SupervisorEvent } from './events.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { Notices, type NoticesParts } from './notices/notices.ts';

export interface AnnouncerParts extends Omit<NoticesParts, 'registry'> {}

/** All that a supervisor tells the world goes through here: log, kept events, metrics, notices. Needs `close`. */
export class Announcer {
  readonly metrics: Metrics;
  readonly #log: Logger;
  readonly #events: EventLog;
  readonly #notices: Notices;

  constructor(parts: AnnouncerParts) {
    this.#log = parts.log;
    this.#events = new EventLog(parts.supervisor);
    this.metrics = createMetrics(parts.status);
    this.#notices = new Notices({ ...parts, registry: this.metrics.registry });
  }

  /** `agoMs`: so long ago it happened. Never throws, and does not wait. */
  tell(event: SupervisorEvent, agoMs = 0): void {
    this.metrics.observe(event);
    const logged = this.#events.add(event, agoMs);
    if (!logged) return;
    this.#write(logged);
    this.#notices.event(logged);
  }

  eventsAfter(seq: number): EventPage {
    return this.#events.after(seq);
  }

  close(): void {
    this.#notices.close();
  }

  /** The event log once more, where it outlives this process: one line an event, readable by a person. */
  #write({ text, ...event }: LoggedEvent): void {
    this.#log[levelOf(event)](event, text);
  }
}

function levelOf(event: SupervisorEvent): 'info' | 'warn' | 'error' {
  if (event.what === 'switched') return event.outcome.ok ? 'info' : 'warn';
  if (event.what === 'phase') return event.to === 'refusing' ? 'error' : 'info';
  if (event.what === 'overruled') return 'error';
  if (event.what === 'order') return event.outcome === 'done' ? 'info' : 'warn';
  return event.what === 'suspected' || event.what === 'confirmed' || event.what === 'unarmed'
    ? 'warn'
    : 'info';
}
