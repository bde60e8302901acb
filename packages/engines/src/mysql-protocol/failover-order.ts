import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeState } from '../failover.ts';
import { Deadline } from '../session/deadline.ts';
import {
  type CallOptions,
  type Connection,
  type Endpoint,
  EngineError,
  type PositionOps,
  type ReplicationAccount,
  type SqlResult,
  type SqlValue,
} from '../types.ts';
import type { SemiSync } from './semi-sync.ts';
import type { Dialect } from './session.ts';

/** For calls that name no limit of their own. */
const ORDER_TIMEOUT_MS = 5_000;
const POLL_MS = 10;
/** A wait gives up so long before its call's end, because the end of a call destroys the channel. */
const MARGIN_MS = 100;

/** What a node says of itself, and what only its own driver needs to know. */
export interface Look {
  readonly state: NodeState;
  /** Whom it is set to follow. */
  readonly following: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    /** The file with whose certificates it verifies its source; empty when it does not. */
    readonly verifiesWith: string;
  } | null;
  readonly receiver: 'on' | 'trying' | 'stopped';
  readonly applier: 'on' | 'stopped';
  readonly semiSync: SemiSync;
}

/** What MySQL and MariaDB say differently. Statements that stop or start a thread change nothing when it is so already. */
export interface Words {
  readonly dialect: Dialect;
  readonly positions: PositionOps;
  /** In one round trip. */
  look(channel: Connection, options: CallOptions): Promise<Look>;
  readonly stopReceiver: string;
  readonly startApplier: string;
  readonly start: string;
  /** Starting a thread when both are stopped throws away what was received and not applied (mariadb). */
  readonly startForgets: boolean;
  /** See `EngineFailover.fencesSlowly`. */
  readonly fencesSlowly: boolean;
  changeSource(
    connection: Pick<Connection, 'query'>,
    source: Endpoint,
    replication: ReplicationAccount,
  ): Promise<void>;
  readonly stop: string;
  /**
   * The applier's session (`id`), while it is in the midst of a transaction of which the rest has not been received. To be told
   * to stop, it waits for the rest a whole minute (mysql). Null where it does not.
   */
  readonly halfApplied: string | null;
  /** Semi-sync with no way out, from now on: one statement, because clients may wait for it. */
  readonly enableSemiSync: string;
  /** No semi-sync as a source, and confirms as a replica. */
  readonly becomeReplica: readonly string[];
  readonly promote: string;
  readonly demote: string;
}

/** One call: all that it does ends with its deadline, on a channel that is destroyed by it when it is in the middle of something. */
export class Order {
  readonly words: Words;
  readonly channel: Connection;
  readonly deadline: Deadline;
  readonly #options: CallOptions;

  constructor(words: Words, channel: Connection, options: CallOptions = {}) {
    this.words = words;
    this.channel = channel;
    this.#options = { timeoutMs: ORDER_TIMEOUT_MS, ...options };
    this.deadline = new Deadline(this.#options);
  }

  get rest(): CallOptions {
    return { ...this.#options, timeoutMs: this.deadline.remainingMs() };
  }

  query(sql: string, params: readonly SqlValue[] = []): Promise<SqlResult> {
    return this.channel.query(sql, params, this.rest);
  }

  look(): Promise<Look> {
    return this.words.look(this.channel, this.rest);
  }

  /** Looks until `isThere`, at most `withinMs`. Null: it is not, and the channel is still good. */
  async until(isThere: (look: Look) => boolean, withinMs = Number.POSITIVE_INFINITY): Promise<Look | null> {
    const giveUpMs = performance.now() + Math.min(withinMs, this.deadline.remainingMs() - MARGIN_MS);
    for (;;) {
      const look = await this.look();
      if (isThere(look)) return look;
      if (performance.now() >= giveUpMs) return null;
      await sleep(POLL_MS);
    }
  }

  error(code: EngineError['code'], why: string, cause?: unknown): EngineError {
    const { endpoint } = this.channel;
    return new EngineError(code, `${endpoint.name} ${why}`, { endpoint, cause });
  }
}
