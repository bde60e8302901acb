import type { RouterCore } from './core.ts';
import type { SessionState } from './session.ts';
import type { OpenedToken } from './token.ts';

/**
 * Who a call is for: where its session comes from, and where what it has seen goes. A token in a request's hand, or a
 * session object that outlives the call.
 */
export interface Bearer {
  /** What the client has seen so far; null when this is its first call. */
  readonly state: SessionState | null;
  /** Keeps what the call has seen, and returns how to get the token for it. Sealing is put off: few look at every token. */
  advance(base: SessionState | null, next: SessionState | null): () => string;
  /** What it has seen is gone: begin anew. */
  reset(): void;
}

/** How a call finds whom it is for: by its own token, or by the session it is made in. */
export type FindBearer = (token: string | undefined) => Bearer;

/** A token of the caller's, or none. Throws RouterError `invalid-token`. */
export function tokenBearer(core: RouterCore, token: string | undefined): Bearer {
  const opened = core.openToken(token);
  if (opened === null) return new NewcomerBearer(core);
  return new TokenBearer(core, opened);
}

class TokenBearer implements Bearer {
  readonly #core: RouterCore;
  readonly #opened: OpenedToken;
  constructor(core: RouterCore, opened: OpenedToken) {
    this.#core = core;
    this.#opened = opened;
  }
  get state(): SessionState {
    return this.#opened.state;
  }
  advance(_base: SessionState | null, next: SessionState | null): () => string {
    return () => this.#core.sealToken(next ?? this.#opened.state, this.#opened);
  }
  reset(): void {} // the caller's to replace: the error brings the new one
}

class NewcomerBearer implements Bearer {
  readonly state = null;
  readonly #core: RouterCore;
  constructor(core: RouterCore) {
    this.#core = core;
  }
  advance(_base: SessionState | null, next: SessionState | null): () => string {
    return () => this.#core.sealToken(next ?? this.#core.newSession(), null);
  }
  reset(): void {} // has seen nothing
}
