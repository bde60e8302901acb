import type { Logger } from 'pino';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Step } from '../core/types.ts';
import type { LoggedEvent } from '../events.ts';
import { type DeskParts, NoticeDesk } from './desk.ts';
import type { Notice } from './notice.ts';
import { type Channel, Outbox } from './outbox.ts';

const TICK_MS = 250;

export interface NoticesParts extends DeskParts {
  readonly channels: readonly Channel[];
  readonly status: () => Step | null;
  readonly registry: Registry;
  readonly log: Logger;
}

/** Sends what a person should know, over every channel at once. Needs `close`. */
export class Notices {
  readonly #desk: NoticeDesk;
  readonly #outboxes: readonly Outbox[];
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;

  constructor({ channels, status, registry, log, ...desk }: NoticesParts) {
    this.#desk = new NoticeDesk(desk);
    const tell = countOutcomes(registry, log);
    this.#outboxes = channels.map((channel) => new Outbox(channel, tell(channel.name)));
    showWaiting(registry, this.#outboxes);
    this.#log = log;
    this.#timer = setInterval(() => {
      const at = new Date().toISOString();
      this.#send(() => this.#desk.tick(status(), performance.now(), at));
    }, TICK_MS).unref();
  }

  /** Never throws, and does not wait. */
  event(event: LoggedEvent): void {
    this.#send(() => this.#desk.event(event));
  }

  close(): void {
    clearInterval(this.#timer);
    for (const outbox of this.#outboxes) outbox.close();
  }

  #send(write: () => readonly Notice[] | Notice | null): void {
    try {
      const notices = [write() ?? []].flat();
      for (const notice of notices) for (const outbox of this.#outboxes) outbox.add(notice);
    } catch (error) {
      // Whatever is wrong with a notice, the failover that it tells of must go on.
      this.#log.error(error, 'a notice could not be written');
    }
  }
}

function countOutcomes(registry: Registry, log: Logger) {
  const outcomes = new Counter({
    name: 'supervisor_notices_total',
    help: 'Notices by channel: sent, or dropped after all tries, or because too many waited.',
    labelNames: ['channel', 'outcome'],
    registers: [registry],
  });
  const failures = new Counter({
    name: 'supervisor_notice_failures_total',
    help: 'Tries to send a notice that failed and are made again.',
    labelNames: ['channel'],
    registers: [registry],
  });
  return (channel: string): ConstructorParameters<typeof Outbox>[1] => {
    for (const outcome of ['sent', 'dropped']) outcomes.inc({ channel, outcome }, 0);
    failures.inc({ channel }, 0);
    return (news, { id, title }, why) => {
      if (news === 'failed') failures.inc({ channel });
      else outcomes.inc({ channel, outcome: news });
      const level = news === 'sent' ? 'info' : news === 'failed' ? 'warn' : 'error';
      log[level]({ channel, notice: id, why }, `notice ${news}: ${title}`);
    };
  };
}

function showWaiting(registry: Registry, outboxes: readonly Outbox[]): void {
  new Gauge({
    name: 'supervisor_notices_waiting',
    help: 'Notices that wait to be sent, without the one under way.',
    labelNames: ['channel'],
    registers: [registry],
    collect() {
      for (const { name, waiting } of outboxes) this.set({ channel: name }, waiting);
    },
  });
}
