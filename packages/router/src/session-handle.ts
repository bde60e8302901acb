import type { Bearer, Sealed } from './bearer.ts';
import type { RouterCore } from './core.ts';
import { mergeSessions, type SessionState, withId } from './session.ts';
import type { OpenedToken } from './token.ts';

/** The memory of one client's session: what its calls have seen so far. Calls may overlap. */
export class SessionHandle implements Bearer {
  readonly #core: RouterCore;
  #state: SessionState;
  #sealed: { readonly state: SessionState; readonly text: string } | null = null;

  constructor(core: RouterCore, opened: OpenedToken | null) {
    this.#core = core;
    this.#state = opened === null ? core.newSession() : withId(opened.state);
    if (opened?.current) this.#sealed = opened;
  }

  get state(): SessionState {
    return this.#state;
  }

  get token(): string {
    if (this.#sealed?.state !== this.#state) {
      this.#sealed = { state: this.#state, text: this.#core.sealToken(this.#state) };
    }
    return this.#sealed.text;
  }

  /** Begins anew: what it had seen is gone. Calls that began before bring nothing of it back: the id is another. */
  reset(): void {
    this.#state = this.#core.newSession();
  }

  advance(base: SessionState | null, next: SessionState | null): Sealed {
    if (next !== null && next !== base && next.id === this.#state.id) {
      const alone = this.#state === base;
      this.#state = alone ? next : mergeSessions(this.#state, next, this.#core.client.positions);
    }
    return this;
  }
}
