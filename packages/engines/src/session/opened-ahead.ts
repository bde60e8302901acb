interface Owner {
  onClose(listener: () => void): void;
}

interface Destroyable {
  destroy(): void;
}

/**
 * Connections that are opened before somebody needs them, so that nobody waits for their logins: one an owner, used at most once.
 * One that is not used ends with its owner, also when it was still being opened then.
 */
export class OpenedAhead<O extends Owner, C extends Destroyable> {
  readonly #opening = new WeakMap<O, { readonly connection: Promise<C>; readonly atMs: number }>();

  /** Does not wait, and tells no errors: whoever takes it opens another one then. */
  begin(owner: O, open: () => Promise<C>): void {
    if (this.#opening.has(owner)) return;
    const connection = open();
    this.#opening.set(owner, { connection, atMs: performance.now() });
    connection.catch(() => {});
    owner.onClose(() => void connection.then((opened) => opened.destroy()).catch(() => {}));
  }

  /** Null when there is none, or it is older than `maxAgeMs`. */
  async take(owner: O, maxAgeMs = Number.POSITIVE_INFINITY): Promise<C | null> {
    const opening = this.#opening.get(owner);
    if (!opening) return null;
    this.#opening.delete(owner);
    const connection = await opening.connection.catch(() => null);
    if (performance.now() - opening.atMs < maxAgeMs) return connection;
    connection?.destroy();
    return null;
  }
}
