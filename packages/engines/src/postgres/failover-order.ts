import { CHANNEL_IDLE_MS, STATEMENT_MS } from '../failover.ts';
import { OpenedAhead } from '../session/opened-ahead.ts';
import { ToolConnection } from '../session/tool-connection.ts';
import { type CallOptions, type Connection, type Credentials, type Endpoint, EngineError } from '../types.ts';
import { waitFor } from '../wait-for.ts';
import { openSession, sessionOf } from './pool.ts';
import type { OpenOptions, PostgresSession } from './session.ts';

/** A node that answers, but not what is waited for, is given up so much earlier: its channel, and the lock, live on. */
const MARGIN_MS = 50;

/** How each channel has logged in: for the second session that some orders need for a moment. */
const logins = new WeakMap<PostgresSession, OpenOptions>();

/** By channel: a second session that was opened ahead. */
const witnesses = new OpenedAhead<PostgresSession, PostgresSession>();

/** Warnings must come through: one of them says that a commit was not confirmed. */
const SETTINGS: Readonly<Record<string, string>> = {
  idle_session_timeout: `${CHANNEL_IDLE_MS}ms`,
  idle_in_transaction_session_timeout: `${CHANNEL_IDLE_MS}ms`,
  statement_timeout: `${2 * STATEMENT_MS}ms`,
  client_min_messages: 'warning',
};

/** `EngineFailover.openChannel`. */
export async function openChannel(
  endpoint: Endpoint,
  credentials: Credentials,
  { database, connectTimeoutMs }: { readonly database: string; readonly connectTimeoutMs: number },
): Promise<Connection> {
  const login = { endpoint, credentials, database, purpose: 'tool' as const };
  const endsAtMs = performance.now() + connectTimeoutMs;
  const session = await openSession(login, connectTimeoutMs);
  const channel = new ToolConnection(session);
  try {
    const settings = Object.entries(SETTINGS).map(
      ([name, value]) => `set_config('${name}', '${value}', false)`,
    );
    const timeoutMs = endsAtMs - performance.now();
    await channel.query(`SELECT ${settings.join(', ')}`, [], { timeoutMs });
  } catch (error) {
    channel.destroy();
    throw error;
  }
  logins.set(session, login);
  return channel;
}

/**
 * One order on a channel. A connection like any other, but every statement on it ends with the order's time, whichever helper
 * sends it. A statement that gets no answer costs the channel, as everywhere.
 */
export class Order extends ToolConnection<PostgresSession> {
  readonly #options: CallOptions;
  readonly #endsAtMs: number;

  constructor(channel: Connection, options: CallOptions = {}, defaultMs: number = STATEMENT_MS) {
    super(sessionOf(channel).session);
    this.#options = options;
    this.#endsAtMs = performance.now() + (options.timeoutMs ?? defaultMs);
  }

  remainingMs(): number {
    return Math.max(0, this.#endsAtMs - performance.now());
  }

  /** The order's limits as they are now. */
  limits(): CallOptions {
    return { ...this.#options, timeoutMs: this.remainingMs() };
  }

  override run<T>(work: (session: PostgresSession) => Promise<T>): Promise<T> {
    return super.run(work, this.limits());
  }

  /** Asks until `check` is true; EngineError `timeout`, with what is so `otherwise`, shortly before the order's end. */
  async until(check: () => Promise<unknown>, otherwise: string): Promise<void> {
    const timeoutMs = Math.max(0, this.remainingMs() - MARGIN_MS);
    // An abort shows in the next statement.
    if (await waitFor(async () => (await check()) === true, { timeoutMs, everyMs: 2 })) return;
    const { endpoint } = this;
    throw new EngineError('timeout', `${endpoint.name} ${otherwise}`, { endpoint });
  }

  refuse(why: string): EngineError {
    const { endpoint } = this;
    return new EngineError('other', `${endpoint.name} ${why}`, { endpoint });
  }

  /** A second session of the same account on the same node, not under its lock. The caller destroys it. */
  async openWitness(): Promise<ToolConnection<PostgresSession>> {
    const witness = await witnesses.take(this.session);
    return witness && !witness.broken ? new ToolConnection(witness) : new ToolConnection(await this.#login());
  }

  /** Begins to open the witness of a later order, while this one has to wait anyway. It ends with the channel at the latest. */
  openWitnessAhead(): void {
    witnesses.begin(this.session, () => this.#login());
  }

  #login(): Promise<PostgresSession> {
    const login = logins.get(this.session);
    if (!login) throw this.refuse('was not reached through openChannel');
    return openSession(login, this.remainingMs());
  }
}
