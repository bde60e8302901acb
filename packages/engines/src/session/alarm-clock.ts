/** Something that wants to be told when its time is up. Times are those of `performance.now()`. */
export interface Alarm {
  readonly endsAtMs: number;
  ring(): void;
}

/** The timer looks at least so often, so that it never keeps a process alive for longer when all alarms are off. */
const LOOK_EVERY_MS = 50;

/**
 * One timer for all calls that are under way, in place of one each: nearly every call ends long before its time, and then
 * setting and clearing an alarm costs two steps in a Set. Alarms ring within a millisecond or two, as timers do.
 */
class AlarmClock {
  readonly #alarms = new Set<Alarm>();
  #timer: NodeJS.Timeout | undefined;
  #looksAtMs = Number.POSITIVE_INFINITY;

  set(alarm: Alarm): void {
    this.#alarms.add(alarm);
    if (this.#timer === undefined || alarm.endsAtMs < this.#looksAtMs) this.#lookAt(alarm.endsAtMs);
  }

  clear(alarm: Alarm): void {
    this.#alarms.delete(alarm);
  }

  #lookAt(endsAtMs: number): void {
    clearTimeout(this.#timer);
    const now = performance.now();
    this.#looksAtMs = Math.min(endsAtMs, now + LOOK_EVERY_MS);
    this.#timer = setTimeout(() => this.#look(), Math.max(1, Math.ceil(this.#looksAtMs - now)));
  }

  #look(): void {
    this.#timer = undefined;
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    for (const alarm of this.#alarms) {
      if (alarm.endsAtMs <= now) {
        this.#alarms.delete(alarm);
        alarm.ring();
      } else if (alarm.endsAtMs < next) {
        next = alarm.endsAtMs;
      }
    }
    if (this.#alarms.size > 0) this.#lookAt(next);
  }
}

export const alarmClock = new AlarmClock();
