import { type Endpoint, type EngineClient, Halt, type NodePool } from '@replication-lab/engines';
import { DEFAULTS, type Settings } from './settings.ts';
import type { RouterOptions } from './types.ts';

/** As many as let the first writes through to a new primary, until there are more. */
const WARM_CONNECTIONS = 2;

/**
 * The ways into one node: a pool for reads, with the read-only account, and one for writes. Reads never take a
 * connection that a write could need, also on the primary.
 */
export class NodeAccess {
  readonly endpoint: Endpoint;
  readonly readPool: NodePool;
  readonly writePool: NodePool;
  #halt = new Halt();

  constructor(endpoint: Endpoint, client: EngineClient, options: RouterOptions, settings: Settings) {
    const { database, accounts } = options;
    const { connectTimeoutMs, acquireTimeoutMs } = DEFAULTS;
    const common = { database, connectTimeoutMs, acquireTimeoutMs, queueLimit: settings.queueLimit };
    this.endpoint = endpoint;
    this.readPool = client.createPool(endpoint, accounts.appReadOnly, {
      ...common,
      mode: 'read',
      size: settings.readPoolSize,
    });
    this.writePool = client.createPool(endpoint, accounts.app, {
      ...common,
      mode: 'write',
      size: settings.writePoolSize,
    });
  }

  /**
   * Opens a few connections for writes where there is none, in case this node is the next primary: a login costs some ms, more
   * when everybody needs one at the same moment. A node that refuses them is none.
   */
  warmWrites(): void {
    if (this.writePool.stats().size > 0) return;
    for (let i = 0; i < WARM_CONNECTIONS; i++) {
      this.writePool.read('SELECT 1', [], { timeoutMs: DEFAULTS.connectTimeoutMs }).catch(() => {});
    }
  }

  /** What ends the reads of this node when it falls silent. */
  get halt(): Halt {
    return this.#halt;
  }

  /** Ends the reads that wait for a node which does not answer, so that they can be asked elsewhere. */
  abandonReads(): void {
    const halt = this.#halt;
    this.#halt = new Halt();
    halt.end();
  }

  async close(): Promise<void> {
    await Promise.all([this.readPool.close(), this.writePool.close()]);
  }
}
