import type { RouterEventSource, RouterEvents } from './types.ts';

type Listeners = { [E in keyof RouterEvents]: Set<(detail: RouterEvents[E]) => void> };

/** A typed emitter whose listeners cannot harm a request: what one throws becomes a process warning. */
export class Emitter implements RouterEventSource {
  readonly #listeners: Listeners = {
    'primary-changed': new Set(),
    'node-up': new Set(),
    'node-down': new Set(),
    lag: new Set(),
    decision: new Set(),
  };

  /** Returns the function that takes the listener off again. */
  on<E extends keyof RouterEvents>(event: E, listener: (detail: RouterEvents[E]) => void): () => void {
    this.#listeners[event].add(listener);
    return () => {
      this.#listeners[event].delete(listener);
    };
  }

  /** So that nobody makes details for nobody. */
  isHeard(event: keyof RouterEvents): boolean {
    return this.#listeners[event].size > 0;
  }

  emit<E extends keyof RouterEvents>(event: E, detail: RouterEvents[E]): void {
    for (const listener of this.#listeners[event]) {
      try {
        listener(detail);
      } catch (error) {
        process.emitWarning(`a listener of the router's '${event}' event threw: ${String(error)}`);
      }
    }
  }

  clear(): void {
    for (const listeners of Object.values(this.#listeners)) listeners.clear();
  }
}
