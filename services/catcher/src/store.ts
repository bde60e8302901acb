/** A notice as it arrived. */
export interface Caught {
  /** Counts up by one, from 1, in one life of the process. */
  readonly seq: number;
  /** ISO 8601 in UTC. */
  readonly receivedAt: string;
  readonly via: 'webhook' | 'mail';
  readonly title: string;
  /** Of a mail; null for a webhook. */
  readonly to: string | null;
  /** Of a mail the text, of a webhook the JSON as it was sent. */
  readonly text: string;
}

const KEPT = 200;

/** The last notices, in memory. */
export class Store {
  readonly #caught: Caught[] = [];
  readonly #onCaught: (caught: Caught) => void;
  #seq = 0;

  constructor(onCaught: (caught: Caught) => void = () => {}) {
    this.#onCaught = onCaught;
  }

  add(notice: Omit<Caught, 'seq' | 'receivedAt'>): void {
    const caught = { seq: ++this.#seq, receivedAt: new Date().toISOString(), ...notice };
    this.#caught.push(caught);
    if (this.#caught.length > KEPT) this.#caught.shift();
    this.#onCaught(caught);
  }

  /** The newest first. */
  list(): Caught[] {
    return this.#caught.toReversed();
  }
}
