import { type Connection, type EngineClient, EngineError } from '@replication-lab/engines';

export interface SettlerOptions {
  readonly client: EngineClient;
  /** A new connection of the monitor account to a node. */
  readonly connect: (node: string) => Promise<Connection>;
  readonly timeoutMs: number;
}

/** Connections nobody has asked for so long are closed. */
const IDLE_MS = 10_000;

/**
 * Waits until the primary shows all that a replica may have shown, for sessions that leave the replica for the primary.
 * One question at a time for each pair of nodes; whoever comes while it is asked shares the next one, because a question
 * covers only what was shown before it began.
 */
export class Settler {
  readonly #options: SettlerOptions;
  readonly #pairs = new Map<string, Pair>();
  #closed = false;

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  /** `witness`: the replica that was left, null when it does not answer. Rejects when the primary does not get there. */
  settle(primary: string, witness: string | null): Promise<void> {
    if (this.#closed) return Promise.reject(new EngineError('aborted', 'the router was closed'));
    const key = `${primary} ${witness ?? ''}`;
    let pair = this.#pairs.get(key);
    if (!pair) {
      pair = new Pair(this.#options, primary, witness);
      this.#pairs.set(key, pair);
    }
    return pair.settle();
  }

  close(): void {
    this.#closed = true;
    for (const pair of this.#pairs.values()) pair.close();
    this.#pairs.clear();
  }
}

class Pair {
  readonly #options: SettlerOptions;
  readonly #primary: string;
  readonly #witness: string | null;
  #connections: { primary: Connection; witness: Connection | null } | null = null;
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  #idle: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: SettlerOptions, primary: string, witness: string | null) {
    this.#options = options;
    this.#primary = primary;
    this.#witness = witness;
  }

  settle(): Promise<void> {
    if (!this.#running) return this.#start();
    const again = () => {
      this.#next = null;
      return this.#start();
    };
    this.#next ??= this.#running.then(again, again);
    return this.#next;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#idle);
    this.#drop();
  }

  #start(): Promise<void> {
    clearTimeout(this.#idle);
    const run = this.#ask().finally(() => {
      this.#running = null;
      if (!this.#closed) this.#idle = setTimeout(() => this.#drop(), IDLE_MS).unref();
    });
    this.#running = run;
    return run;
  }

  async #ask(): Promise<void> {
    const { client, timeoutMs } = this.#options;
    if (this.#closed) throw new EngineError('aborted', 'the router was closed');
    try {
      this.#connections ??= await this.#connect();
      if (this.#closed) throw new EngineError('aborted', 'the router was closed');
      const { primary, witness } = this.#connections;
      await client.settle(primary, witness, { timeoutMs });
    } catch (error) {
      // Whatever it was: the next one begins with connections that nothing has happened to.
      this.#drop();
      throw error;
    }
  }

  async #connect(): Promise<{ primary: Connection; witness: Connection | null }> {
    const { connect } = this.#options;
    const [primary, witness] = await Promise.allSettled([
      connect(this.#primary),
      this.#witness === null ? null : connect(this.#witness),
    ]);
    const failed = [primary, witness].find((result) => result.status === 'rejected');
    if (primary.status === 'fulfilled' && witness.status === 'fulfilled') {
      return { primary: primary.value, witness: witness.value };
    }
    for (const result of [primary, witness]) {
      if (result.status === 'fulfilled') result.value?.destroy();
    }
    throw failed?.reason;
  }

  #drop(): void {
    this.#connections?.primary.destroy();
    this.#connections?.witness?.destroy();
    this.#connections = null;
  }
}
