import { tokenBearer } from './bearer.ts';
import { RouterCore } from './core.ts';
import { SessionHandle } from './session-handle.ts';
import { DEFAULTS } from './settings.ts';
import { RoutedStatements } from './statements.ts';
import type { PoolStats, Router, RouterOptions, RouterSession, Topology } from './types.ts';

/**
 * A router over the nodes of one replicated database. It begins to watch them at once; `ready` waits until it knows
 * them, `close` ends it. Throws RangeError when an option is wrong.
 */
export function createRouter(options: RouterOptions): Router {
  return new RoutedDatabase(new RouterCore(options));
}

class RoutedDatabase extends RoutedStatements implements Router {
  readonly #core: RouterCore;

  constructor(core: RouterCore) {
    super(core, (token) => (token === undefined ? core.calls.session : null) ?? tokenBearer(core, token));
    this.#core = core;
  }

  get engine() {
    return this.#core.client.name;
  }

  get events() {
    return this.#core.events;
  }

  session(token?: string): RouterSession {
    this.#core.assertOpen();
    return new RoutedSession(this.#core, new SessionHandle(this.#core, this.#core.openToken(token)));
  }

  verifyToken(token: string): void {
    this.#core.openToken(token);
  }

  topology(): Topology {
    return this.#core.topology(true);
  }

  poolStats(): Record<string, { read: PoolStats; write: PoolStats }> {
    return Object.fromEntries(
      this.#core.accesses.map(({ endpoint, readPool, writePool }) => [
        endpoint.name,
        { read: readPool.stats(), write: writePool.stats() },
      ]),
    );
  }

  ready(timeoutMs: number = DEFAULTS.readyTimeoutMs): Promise<void> {
    return this.#core.ready(timeoutMs);
  }

  close(): Promise<void> {
    return this.#core.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

class RoutedSession extends RoutedStatements implements RouterSession {
  readonly #core: RouterCore;
  readonly #handle: SessionHandle;

  constructor(core: RouterCore, handle: SessionHandle) {
    super(core, (token) => (token === undefined ? handle : tokenBearer(core, token)));
    this.#core = core;
    this.#handle = handle;
  }

  get token(): string {
    return this.#handle.token;
  }

  run<T>(work: () => T): T {
    return this.#core.calls.insideSession(this.#handle, work);
  }
}
