import type { Endpoint, EngineClient, NodePool } from '@replication-lab/engines';
import { DEFAULTS, type Settings } from './settings.ts';
import type { RouterOptions } from './types.ts';

/** A read that runs on a node now. */
export interface Lease {
  readonly signal: AbortSignal;
  /** True when the router took the node away from the read, not its caller. */
  readonly nodeWasSilent: () => boolean;
  end(): void;
}

/**
 * The ways into one node: a pool for reads, with the read-only account, and one for writes. Reads never take a
 * connection that a write could need, also on the primary.
 */
export class NodeAccess {
  readonly endpoint: Endpoint;
  readonly readPool: NodePool;
  readonly writePool: NodePool;
  readonly #running = new Set<AbortController>();

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

  get readsInFlight(): number {
    return this.#running.size;
  }

  beginRead(caller: AbortSignal | undefined): Lease {
    const controller = new AbortController();
    const passOn = () => controller.abort(caller?.reason);
    if (caller?.aborted) passOn();
    caller?.addEventListener('abort', passOn, { once: true });
    this.#running.add(controller);
    return {
      signal: controller.signal,
      nodeWasSilent: () => controller.signal.reason === NODE_SILENT,
      end: () => {
        caller?.removeEventListener('abort', passOn);
        this.#running.delete(controller);
      },
    };
  }

  /** Ends the reads that wait for a node which does not answer, so that they can be asked elsewhere. */
  abandonReads(): void {
    for (const controller of this.#running) controller.abort(NODE_SILENT);
  }

  async close(): Promise<void> {
    await Promise.all([this.readPool.close(), this.writePool.close()]);
  }
}

const NODE_SILENT = new Error('the node fell silent');
