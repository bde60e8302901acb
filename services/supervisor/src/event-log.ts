import { randomUUID } from 'node:crypto';
import { textOf } from './event-text.ts';
import type { EventPage, LoggedEvent, SupervisorEvent } from './events.ts';

/** A failover takes about 40 events. */
const KEPT = 512;
/** The same failure of the same order is told once in so long: a node that comes and goes would push out all else. */
const REPEAT_MS = 1_000;

/** The last events of this process, numbered. Bounded; lost with the process, as the log is not. */
export class EventLog {
  readonly #name: string;
  readonly #bootId = randomUUID();
  readonly #events: LoggedEvent[] = [];
  readonly #failed = new Map<string, { key: string; atMs: number; repeated: number }>();
  #seq = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** What was kept of it; null: it is not worth telling. `agoMs`: so long ago it happened. */
  add(event: SupervisorEvent, agoMs = 0): LoggedEvent | null {
    const told = this.#withoutRepeats(event);
    if (told === null) return null;
    const at = new Date(Date.now() - Math.round(agoMs)).toISOString();
    const logged: LoggedEvent = { seq: ++this.#seq, at, ...told, text: textOf(told) };
    this.#events.push(logged);
    if (this.#events.length > KEPT) this.#events.shift();
    return logged;
  }

  /** Those with a `seq` above `after`, in the order in which they were told. */
  after(after: number): EventPage {
    const events = this.#events.filter(({ seq }) => seq > after);
    const missed = Math.max(0, (events[0]?.seq ?? this.#seq + 1) - after - 1);
    return { name: this.#name, bootId: this.#bootId, next: this.#seq, missed, events };
  }

  #withoutRepeats(event: SupervisorEvent): SupervisorEvent | null {
    if (event.what !== 'order') return event;
    const { action, outcome, error, node } = event;
    // Locks are tried several times a second by those who do not hold them; who acts is told by the phase.
    if (outcome === 'done') return action.do === 'lock' || action.do === 'unlock' ? null : event;
    const nowMs = performance.now();
    const key = `${JSON.stringify(action)} ${error}`;
    const last = this.#failed.get(node);
    if (last?.key === key && nowMs - last.atMs < REPEAT_MS) {
      last.repeated++;
      return null;
    }
    this.#failed.set(node, { key, atMs: nowMs, repeated: 0 });
    return last?.key === key && last.repeated > 0 ? { ...event, repeated: last.repeated } : event;
  }
}
