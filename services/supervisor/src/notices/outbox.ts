import { setTimeout as sleep } from 'node:timers/promises';
import type { Notice } from './notice.ts';

/** A way to a person. */
export interface Channel {
  readonly name: 'webhook' | 'mail';
  /** Resolves when the other side has taken it. Throws, `PermanentFailure` when to try again would change nothing. */
  send(notice: Notice, signal: AbortSignal): Promise<void>;
}

/** The other side has answered, and does not want it. */
export class PermanentFailure extends Error {}

export interface OutboxLimits {
  readonly queued: number;
  readonly attempts: number;
  readonly attemptMs: number;
  /** Before the second try; twice as long before each one after it. */
  readonly pauseMs: number;
}

/** A notice is given up after about a minute. */
export const OUTBOX_LIMITS: OutboxLimits = { queued: 32, attempts: 6, attemptMs: 5_000, pauseMs: 1_000 };

export type OutboxNews = 'sent' | 'failed' | 'dropped';

/**
 * Notices on their way over one channel: one at a time, tried again for a while, then dropped. Of a full queue the oldest is
 * dropped. Nobody ever waits for it.
 */
export class Outbox {
  readonly #channel: Channel;
  readonly #limits: OutboxLimits;
  readonly #tell: (news: OutboxNews, notice: Notice, why: string | null) => void;
  readonly #stop = new AbortController();
  readonly #waiting: Notice[] = [];
  #isBusy = false;

  constructor(
    channel: Channel,
    tell: (news: OutboxNews, notice: Notice, why: string | null) => void,
    limits: OutboxLimits = OUTBOX_LIMITS,
  ) {
    this.#channel = channel;
    this.#tell = tell;
    this.#limits = limits;
  }

  get name(): Channel['name'] {
    return this.#channel.name;
  }

  /** Notices not sent yet, without the one under way. */
  get waiting(): number {
    return this.#waiting.length;
  }

  add(notice: Notice): void {
    if (this.#stop.signal.aborted) return;
    this.#waiting.push(notice);
    if (this.#waiting.length > this.#limits.queued) {
      this.#tell('dropped', this.#waiting.shift()!, 'too many notices wait');
    }
    if (!this.#isBusy) void this.#run();
  }

  /** What was not sent yet is not sent any more. */
  close(): void {
    this.#stop.abort();
    this.#waiting.length = 0;
  }

  async #run(): Promise<void> {
    this.#isBusy = true;
    for (let notice = this.#waiting.shift(); notice; notice = this.#waiting.shift())
      await this.#deliver(notice);
    this.#isBusy = false;
  }

  async #deliver(notice: Notice): Promise<void> {
    const { attempts, attemptMs, pauseMs } = this.#limits;
    const { signal } = this.#stop;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#channel.send(notice, AbortSignal.any([signal, AbortSignal.timeout(attemptMs)]));
        this.#tell('sent', notice, null);
        return;
      } catch (error) {
        if (signal.aborted) return;
        const why = error instanceof Error ? error.message : String(error);
        const isLast = attempt >= attempts || error instanceof PermanentFailure;
        this.#tell(isLast ? 'dropped' : 'failed', notice, why);
        if (isLast) return;
      }
      await sleep(pauseMs * 2 ** (attempt - 1), undefined, { signal, ref: false }).catch(() => {});
    }
  }
}
