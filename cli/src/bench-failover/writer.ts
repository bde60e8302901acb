import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { waitFor } from '../wait.ts';
import type { BenchNode, Login } from './types.ts';

export const TABLE = 'failover_bench';
/** Without a unique index: a write that was done twice shall be seen, not refused. */
export const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS ${TABLE} (id text NOT NULL)`;

const WRITE_EVERY_MS = 20;
const LOOK_EVERY_MS = 10;
const CONNECT_MS = 1_000;
/** No answer by then: the connection is thrown away, and what became of the write is not known. */
const ANSWER_MS = 15_000;
const WRITABLE = `SELECT NOT pg_is_in_recovery() AND current_setting('default_transaction_read_only') = 'off' AS writable`;
/** PostgreSQL says "done" and adds this warning when a wait for the standbys was cut short: then nobody knows. */
const NOT_CONFIRMED = 'SyncRepWaitForLSN';

/** `failed`: the server said no. Times in ms of this process's monotonic clock. */
export interface Write {
  readonly id: string;
  readonly node: string;
  /** The number of the connection, from 1. */
  readonly connection: number;
  readonly sentMs: number;
  readonly endedMs: number;
  readonly outcome: 'ok' | 'failed' | 'unknown';
}

interface Session {
  readonly node: string;
  readonly client: Client;
  broken: boolean;
  unconfirmed: boolean;
}

/**
 * The client, alike for all contenders: a row of its own every 20 ms, one after the other, straight to the databases. When
 * its connection is gone it asks all nodes every 10 ms until one says that it takes writes. No write is ever repeated.
 */
export class Writer {
  readonly writes: Write[] = [];
  readonly #nodes: readonly BenchNode[];
  readonly #login: Login;
  readonly #prefix: string;
  readonly #stop = new AbortController();
  #ended: Promise<void> | null = null;
  #connection = 0;

  constructor(nodes: readonly BenchNode[], login: Login, prefix: string) {
    this.#nodes = nodes;
    this.#login = login;
    this.#prefix = prefix;
  }

  start(): void {
    this.#ended = this.#run();
  }

  /** The number of the newest connection; 0: none yet. */
  get connection(): number {
    return this.#connection;
  }

  /** Waits for that many acknowledgements on connections from that number on. Throws LabError `bench-no-writes`. */
  async untilServing(
    from: number,
    { count, timeoutMs, signal }: { count: number; timeoutMs: number; signal: AbortSignal },
  ): Promise<void> {
    const isServing = () =>
      this.writes.filter(({ outcome, connection }) => outcome === 'ok' && connection >= from).length >= count;
    const what = 'writes to be acknowledged';
    await waitFor(isServing, { what, timeoutMs, everyMs: 20, signal, code: 'bench-no-writes' });
  }

  /** Ends writing; safe to call twice. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    let session: Session | null = null;
    for (let n = 0; !signal.aborted; n++) {
      if (session === null) {
        session = await findWritable(this.#nodes, this.#login, signal);
        if (session === null) break;
        this.#connection++;
      }
      const sentMs = performance.now();
      await this.#write(session, `${this.#prefix}-${n}`);
      if (session.broken) {
        destroy(session.client);
        session = null;
      }
      await sleep(Math.max(0, sentMs + WRITE_EVERY_MS - performance.now()));
    }
    if (session) destroy(session.client);
  }

  async #write(session: Session, id: string): Promise<void> {
    const connection = this.#connection;
    const sentMs = performance.now();
    const outcome = await insert(session, id);
    const endedMs = performance.now();
    this.writes.push({ id, node: session.node, connection, sentMs, endedMs, outcome });
  }
}

async function insert(session: Session, id: string): Promise<Write['outcome']> {
  session.unconfirmed = false;
  try {
    await session.client.query(`INSERT INTO ${TABLE} (id) VALUES ($1)`, [id]);
    return session.unconfirmed ? 'unknown' : 'ok';
  } catch (error) {
    session.broken = true;
    // A code of five characters that does not end the session is the server's own "no".
    const code = (error as { code?: string }).code ?? '';
    const isAnswer = /^[0-9A-Z]{5}$/.test(code) && !code.startsWith('57P') && !code.startsWith('08');
    return isAnswer ? 'failed' : 'unknown';
  }
}

/** A session on the first node that says that it takes writes; null after the signal. */
export async function findWritable(
  nodes: readonly BenchNode[],
  login: Login,
  signal: AbortSignal,
): Promise<Session | null> {
  const found = new AbortController();
  const stop = AbortSignal.any([signal, found.signal]);
  let session: Session | null = null;
  const look = async (node: BenchNode): Promise<void> => {
    let asked: Session | null = null;
    while (!stop.aborted) {
      asked ??= await connect(node, login);
      const writable = asked !== null && (await isWritable(asked));
      if (asked && writable && session === null) {
        session = asked;
        found.abort();
        return;
      }
      if (asked?.broken) {
        destroy(asked.client);
        asked = null;
      }
      if (!stop.aborted) await sleep(LOOK_EVERY_MS);
    }
    if (asked) destroy(asked.client);
  };
  await Promise.race([
    Promise.all(nodes.map(look)),
    new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve(), { once: true })),
  ]);
  return session;
}

async function connect(node: BenchNode, login: Login): Promise<Session | null> {
  const { host, port } = node;
  const client = new Client({
    ...{ host, port, ...login },
    ...(node.tls && { ssl: { ca: node.tls.ca } }),
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: ANSWER_MS,
  });
  const session: Session = { node: node.name, client, broken: false, unconfirmed: false };
  client.on('error', () => {
    session.broken = true;
  });
  client.on('notice', (notice) => {
    session.unconfirmed ||= notice.routine === NOT_CONFIRMED;
  });
  try {
    await client.connect();
    return session;
  } catch {
    destroy(client);
    return null;
  }
}

async function isWritable(session: Session): Promise<boolean> {
  try {
    const { rows } = await session.client.query<{ writable: boolean }>(WRITABLE);
    return rows[0]?.writable === true;
  } catch {
    session.broken = true;
    return false;
  }
}

/** At once, and without a word to the server: asking it to cancel would make it acknowledge what nobody confirmed. */
function destroy(client: Client): void {
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}

/** How often each row of this trial is in the table, by a node that takes writes. Throws LabError `bench-no-writes`. */
export async function readRows(
  nodes: readonly BenchNode[],
  login: Login,
  prefix: string,
  signal: AbortSignal,
): Promise<Map<string, number>> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
  const session = await waitFor(() => findWritable(nodes, login, deadline), {
    ...{ what: 'a node to read the rows from', timeoutMs: ANSWER_MS, signal, code: 'bench-no-writes' },
  });
  try {
    const { rows } = await session.client.query<{ id: string; count: number }>(
      `SELECT id, count(*)::int AS count FROM ${TABLE} WHERE starts_with(id, $1) GROUP BY id`,
      [`${prefix}-`],
    );
    return new Map(rows.map(({ id, count }) => [id, count]));
  } finally {
    destroy(session.client);
  }
}
