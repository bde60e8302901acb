/** Preparing costs a server some memory for as long as the session lasts, so only what is asked repeatedly, and not endlessly. */
const USES_BEFORE_NAMING = 3;
const MAX_NAMES = 256;
const MAX_COUNTED = 1024;

/** Counts how often a session has asked its texts, and names those that shall be prepared. */
export class PreparedNames {
  readonly #names = new Map<string, string>();
  #uses = new Map<string, number>();
  #given = 0;
  #isOff = false;

  /** The name to ask `text` by; undefined: by none. */
  nameOf(text: string): string | undefined {
    return this.#names.get(text);
  }

  /** `text` was answered without a name. */
  used(text: string): void {
    if (this.#isOff || this.#given >= MAX_NAMES) return;
    const uses = (this.#uses.get(text) ?? 0) + 1;
    if (uses < USES_BEFORE_NAMING) {
      if (this.#uses.size >= MAX_COUNTED) this.#uses = new Map();
      this.#uses.set(text, uses);
      return;
    }
    this.#uses.delete(text);
    this.#given += 1;
    this.#names.set(text, `lab_${this.#given}`);
  }

  /** What is prepared under that name is of no more use. A later name for the same text is another. */
  forget(text: string): void {
    this.#names.delete(text);
  }

  /** No names any more: whatever is behind the connection does not keep statements for it. */
  turnOff(): void {
    this.#isOff = true;
    this.#names.clear();
  }
}

/**
 * Whether the failure of a prepared read may be due to its being prepared, so that the same text has to be asked anew: its
 * parameters keep the types, and its result the shape, that they had before somebody changed the table. For a read it
 * does no harm to ask a second time what was wrong in itself.
 */
export function mayBeOutdated(sqlState: string | undefined): boolean {
  return sqlState !== undefined && /^(?:0A|22|42)/.test(sqlState);
}

/** The server does not know the name, or knows it already: a pooler gave us another session than the one before. */
export const isNotOurs = (sqlState: string | undefined): boolean =>
  sqlState === '26000' || sqlState === '42P05';

/** The server has refused a statement, and the session goes on. Else it ends, or the driver has failed, or a type parser has. */
export function isRefusal(error: unknown): boolean {
  const { severity } = error as { readonly severity?: string };
  return severity !== undefined && severity !== 'FATAL' && severity !== 'PANIC';
}
