import { setTimeout as sleep } from 'node:timers/promises';
import { CHANNEL_IDLE_MS, CHANNEL_RENEW_MS } from '../failover.ts';
import { Deadline } from '../session/deadline.ts';
import { OpenedAhead } from '../session/opened-ahead.ts';
import {
  type CallOptions,
  type Connection,
  type Credentials,
  type Endpoint,
  EngineError,
  type Row,
} from '../types.ts';
import { connect, sessionOf } from './client.ts';
import { splitEpoch } from './epoch.ts';
import type { Dialect } from './session.ts';

/** Of a connection beside a channel. The server counts in whole seconds. */
const SIDE_IDLE_MS = 1_000;

/** What a channel was opened with, for the one beside it: see `beside`. */
const openers = new WeakMap<Connection, (connectTimeoutMs: number) => Promise<Connection>>();

/**
 * Throws EngineError `connect-failed`, `access-denied` … within `connectTimeoutMs`. The session's waits for locks are short,
 * because the server does not notice a silent client while one of its statements runs. In no database: a node that was made
 * anew has none yet.
 */
export async function openChannel(
  dialect: Dialect,
  endpoint: Endpoint,
  credentials: Credentials,
  { connectTimeoutMs }: { readonly connectTimeoutMs: number },
  idleMs = CHANNEL_IDLE_MS,
): Promise<Connection> {
  const deadline = new Deadline({ timeoutMs: connectTimeoutMs });
  const channel = await connect(endpoint, credentials, { connectTimeoutMs }, dialect);
  try {
    await channel.query(
      `SET SESSION wait_timeout = ${idleMs / 1000}, lock_wait_timeout = 1, innodb_lock_wait_timeout = 1`,
      [],
      { timeoutMs: deadline.remainingMs() },
    );
  } catch (error) {
    channel.destroy();
    throw error;
  }
  openers.set(channel, (limitMs) =>
    openChannel(dialect, endpoint, credentials, { connectTimeoutMs: limitMs }, SIDE_IDLE_MS),
  );
  return channel;
}

/** One round trip: the rows of each of `statements`, then those of the engine's probe. */
export function ask(
  channel: Connection,
  statements: readonly string[],
  probe: readonly string[],
  options: CallOptions,
): Promise<{ own: readonly (readonly Row[])[]; probed: readonly (readonly Row[])[]; epoch: number }> {
  return sessionOf(channel).run(async (session) => {
    // The driver would leave the question on a closed connection without an answer.
    if (session.broken) throw new EngineError('connection-lost', 'the channel has ended');
    const all = [...statements, ...probe];
    const { answers, epoch } = splitEpoch(await session.queryMany(all), all.length);
    return { own: answers.slice(0, statements.length), probed: answers.slice(statements.length), epoch };
  }, options);
}

/**
 * Does `work` on another connection, for statements that may outlast the channel or must not keep its lock. That connection is
 * opened while the channel is alive (this asks), and the server ends it after a shorter silence; so a supervisor that was
 * frozen has lost it before its lock can be somebody else's. The channel is kept alive meanwhile; when it ends, so does
 * the work.
 */
export async function beside(
  channel: Connection,
  deadline: Deadline,
  work: (side: Connection) => Promise<void>,
): Promise<void> {
  const side = await takeBeside(channel, deadline.remainingMs());
  const isDone = new AbortController();
  let renewing: Promise<void> | null = null;
  try {
    await channel.query('DO 1', [], { timeoutMs: deadline.remainingMs() });
    renewing = renew(channel, isDone.signal, () => side.destroy());
    await deadline.race(work(side), () => side.destroy());
  } finally {
    isDone.abort();
    await renewing;
    side.destroy();
  }
}

/** Opened ahead, by channel: see `openBesideAhead`. */
const ahead = new OpenedAhead<Connection, Connection>();

/**
 * Begins to open the connection of the next `beside`, so that nobody waits for its login then. As ever the server ends it when it is
 * silent for long, so it is used at once or not at all.
 */
export function openBesideAhead(channel: Connection, connectTimeoutMs: number): void {
  ahead.begin(channel, () => openBeside(channel, connectTimeoutMs));
}

async function takeBeside(channel: Connection, connectTimeoutMs: number): Promise<Connection> {
  return (await ahead.take(channel, SIDE_IDLE_MS / 2)) ?? openBeside(channel, connectTimeoutMs);
}

/** A connection beside the channel that is used for longer than one call. The caller destroys it. */
export function openBeside(channel: Connection, connectTimeoutMs: number): Promise<Connection> {
  const openAnother = openers.get(channel);
  if (!openAnother) throw new EngineError('bad-statement', 'this connection is not a channel');
  return openAnother(connectTimeoutMs);
}

async function renew(channel: Connection, isDone: AbortSignal, onLost: () => void): Promise<void> {
  try {
    while (!isDone.aborted) {
      await sleep(CHANNEL_RENEW_MS / 2, undefined, { signal: isDone });
      await channel.query('DO 1', [], { timeoutMs: CHANNEL_RENEW_MS });
    }
  } catch {
    if (!isDone.aborted) onLost();
  }
}
