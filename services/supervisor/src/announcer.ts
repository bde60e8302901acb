import type { Logger } from 'pino';
import type { Step } from './core/types.ts';
import { EventLog } from './event-log.ts';
import type { EventPage, LoggedEvent, SupervisorEvent } from './events.ts';
import { createMetrics, type Metrics } from './metrics.ts';

/** Everything that a supervisor tells the world goes through here: the log, the kept events, the metrics. */
export class Announcer {
  readonly metrics: Metrics;
  readonly #log: Logger;
  readonly #events: EventLog;

  constructor(parts: { readonly name: string; readonly log: Logger; readonly status: () => Step | null }) {
    this.#log = parts.log;
    this.#events = new EventLog(parts.name);
    this.metrics = createMetrics(parts.status);
  }

  /** `agoMs`: so long ago it happened. Never throws, and does not wait. */
  tell(event: SupervisorEvent, agoMs = 0): void {
    this.metrics.observe(event);
    const logged = this.#events.add(event, agoMs);
    if (logged) this.#write(logged);
  }

  eventsAfter(seq: number): EventPage {
    return this.#events.after(seq);
  }

  /** The event log once more, where it outlives this process: one line an event, readable by a person. */
  #write({ text, ...event }: LoggedEvent): void {
    this.#log[levelOf(event)](event, text);
  }
}

function levelOf(event: SupervisorEvent): 'info' | 'warn' | 'error' {
  if (event.what === 'phase') return event.to === 'refusing' ? 'error' : 'info';
  if (event.what === 'order') return event.outcome === 'done' ? 'info' : 'warn';
  return event.what === 'suspected' || event.what === 'confirmed' || event.what === 'unarmed'
    ? 'warn'
    : 'info';
}
