import { EngineError, type Heart } from '@replication-lab/engines';
import type { Pulse } from './core/gray.ts';

/** How often a heartbeat is written while all is well, and how soon another one beside those that are not answered. */
const BEAT_EVERY_MS = 500;
/** So many wait for an answer at once at most, each on a connection of its own: one connection may be in trouble by itself. */
const UNDER_WAY_MAX = 3;
const CONNECT_TIMEOUT_MS = 400;

const NO_PULSE: Pulse = { unansweredSinceMs: null, beats: 0 };

export type OpenHeart = (connectTimeoutMs: number) => Promise<Heart>;

/**
 * Writes heartbeats to one node, again and again. One that hangs is never given up for the next: it stays, so that a node
 * on which nothing is acknowledged for hours has three sessions of this process at most.
 */
export class Heartbeat {
  readonly #open: OpenHeart;
  readonly #idle: Heart[] = [];
  readonly #underWay = new Set<Promise<void>>();
  readonly #hearts = new Set<Heart>();
  #pulse: Pulse = NO_PULSE;
  #timer: NodeJS.Timeout | undefined;

  constructor(open: OpenHeart) {
    this.#open = open;
  }

  get pulse(): Pulse {
    return this.#pulse;
  }

  start(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#tick(), BEAT_EVERY_MS);
    this.#tick();
  }

  /** Ends at once, whatever is under way. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#pulse = NO_PULSE;
    this.#idle.length = 0;
    for (const heart of this.#hearts) heart.destroy();
    this.#hearts.clear();
  }

  /** Sends none any more, and waits a moment for what is under way: an order follows that nothing may be written after. */
  async rest(withinMs: number): Promise<void> {
    clearInterval(this.#timer);
    const timer = Promise.withResolvers<void>();
    const ends = setTimeout(timer.resolve, withinMs);
    await Promise.race([Promise.all(this.#underWay), timer.promise]);
    clearTimeout(ends);
    this.stop();
  }

  #tick(): void {
    if (this.#underWay.size >= UNDER_WAY_MAX) return;
    const beating = this.#beat().finally(() => this.#underWay.delete(beating));
    this.#underWay.add(beating);
  }

  async #beat(): Promise<void> {
    const heart = this.#idle.pop() ?? (await this.#openAnother());
    if (heart === null) return;
    const { unansweredSinceMs, beats } = this.#pulse;
    this.#pulse = { unansweredSinceMs: unansweredSinceMs ?? performance.now(), beats: beats + 1 };
    try {
      await heart.beat();
      if (!this.#hearts.has(heart)) return; // stopped meanwhile
      this.#pulse = NO_PULSE;
      this.#idle.push(heart);
    } catch (error) {
      heart.destroy();
      this.#hearts.delete(heart);
      // Anything else says nothing of what is written on other connections.
      if (!isRefusal(error) && this.#underWay.size <= 1) this.#pulse = NO_PULSE;
    }
  }

  /** Null where none can be had: whoever asks the node notices that, too. */
  async #openAnother(): Promise<Heart | null> {
    try {
      const heart = await this.#open(CONNECT_TIMEOUT_MS);
      if (this.#timer === undefined) {
        heart.destroy();
        return null;
      }
      this.#hearts.add(heart);
      return heart;
    } catch {
      return null;
    }
  }
}

/** The server says that it cannot write this now: somebody holds a lock, or the disk is full. */
const isRefusal = (error: unknown): boolean =>
  error instanceof EngineError && (error.code === 'deadlock' || error.code === 'other');
