import { RouterCore } from './core.ts';
import { explain, read } from './reads.ts';
import { DEFAULTS } from './settings.ts';
import type { Router, RouterOptions } from './types.ts';
import { transaction, write } from './writes.ts';

/**
 * A router over the nodes of one replicated database. It begins to watch them at once; `ready` waits until it knows
 * them, `close` ends it. Throws RangeError when an option is wrong.
 */
export function createRouter(options: RouterOptions): Router {
  const core = new RouterCore(options);
  return {
    read: (sql, params, request = {}) => read(core, sql, params, request),
    write: (sql, params, request = {}) => write(core, sql, params, request),
    transaction: (work, request = {}) => transaction(core, work, request),
    explain: (request) => explain(core, request),
    verifyToken: (token) => void core.openToken(token),
    topology: () => core.topology(),
    poolStats: () =>
      Object.fromEntries(
        core.accesses.map(({ endpoint, readPool, writePool }) => [
          endpoint.name,
          { read: readPool.stats(), write: writePool.stats() },
        ]),
      ),
    on: (event, listener) => core.events.on(event, listener),
    ready: (timeoutMs = DEFAULTS.readyTimeoutMs) => core.ready(timeoutMs),
    close: () => core.close(),
    [Symbol.asyncDispose]: () => core.close(),
  };
}
