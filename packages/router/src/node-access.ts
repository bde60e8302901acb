import { setMaxListeners } from 'node:events';
import type { Endpoint, EngineClient, NodePool } from '@replication-lab/engines';
import { DEFAULTS, type Settings } from './settings.ts';
import type { RouterOptions } from './types.ts';

/**
 * The ways into one node: a pool for reads, with the read-only account, and one for writes. Reads never take a
 * connection that a write could need, also on the primary.
 */
export class NodeAccess {
  readonly endpoint: Endpoint;
  readonly readPool: NodePool;
  readonly writePool: NodePool;
  #silence = newSilence();

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

  /** Aborts when the caller gives up, or with `NODE_SILENT` when this node falls silent. */
  readSignal(caller: AbortSignal | undefined): AbortSignal {
    return caller ? AbortSignal.any([caller, this.#silence.signal]) : this.#silence.signal;
  }

  /** Ends the reads that wait for a node which does not answer, so that they can be asked elsewhere. */
  abandonReads(): void {
    this.#silence.abort(NODE_SILENT);
    this.#silence = newSilence();
  }

  async close(): Promise<void> {
    await Promise.all([this.readPool.close(), this.writePool.close()]);
  }
}

const NODE_SILENT = new Error('the node fell silent');

export const wasSilent = (signal: AbortSignal): boolean => signal.reason === NODE_SILENT;

/** One signal for all the reads of a node: each listens to it while it runs. */
function newSilence(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}
