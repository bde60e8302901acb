import type { RouterCore } from './core.ts';
import { type SessionState, withId } from './session.ts';
import type { OpenedToken } from './token.ts';

/**
 * Who a call is for: where its session comes from, and where what it has seen goes. A token in a request's hand, or a
 * session object that outlives the call.
 */
export interface Bearer {
  /** What the client has seen so far; null when this is its first call. */
  readonly state: SessionState | null;
  /** Keeps what the call has seen, and returns the token for it. */
  advance(base: SessionState | null, next: SessionState | null): Sealed;
  /** What it has seen is gone: begin anew. */
  reset(): void;
}

/**
 * A token that is there, how to get it (sealing is put off: few look at every token), or the session object that keeps it
 * anyway.
 */
export type Sealed = string | (() => string) | { readonly token: string };

export function tokenOf(sealed: Sealed): string {
  if (typeof sealed === 'string') return sealed;
  return typeof sealed === 'function' ? sealed() : sealed.token;
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
  readonly state: SessionState;
  constructor(core: RouterCore, opened: OpenedToken) {
    this.#core = core;
    this.#opened = opened;
    this.state = withId(opened.state);
  }
  advance(_base: SessionState | null, next: SessionState | null): Sealed {
    const { state } = this;
    const { current, text } = this.#opened;
    // The usual read changes nothing: no cipher, and cookies stay as they are.
    if (current && (next === null || next === state)) return text;
    return () => this.#core.sealToken(next ?? state);
  }
  reset(): void {} // the caller's to replace: the error brings the new one
}

class NewcomerBearer implements Bearer {
  readonly state = null;
  readonly #core: RouterCore;
  constructor(core: RouterCore) {
    this.#core = core;
  }
  advance(_base: SessionState | null, next: SessionState | null): Sealed {
    return next === null ? this.#core.newcomerToken() : () => this.#core.sealToken(next);
  }
  reset(): void {} // has seen nothing
}
