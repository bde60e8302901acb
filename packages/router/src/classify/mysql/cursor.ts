import type { Dialect } from './dialect.ts';
import { refuse } from './refused.ts';
import { END, isOp, isWord, type Token } from './token.ts';

/** Deeper nesting than any query that a person or a query builder writes; far from the end of the stack. */
const MAX_DEPTH = 100;

/** The place in one statement up to which it is understood. What is not taken is refused. */
export class Cursor {
  readonly dialect: Dialect;
  /** Names in lower case, `name` or `schema.name`. */
  readonly declaredSafe: ReadonlySet<string>;
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], dialect: Dialect, declaredSafe: ReadonlySet<string>) {
    this.#tokens = tokens;
    this.dialect = dialect;
    this.declaredSafe = declaredSafe;
  }

  peek(ahead = 0): Token {
    return this.#tokens[this.#at + ahead] ?? END;
  }

  next(): Token {
    const token = this.peek();
    this.#at++;
    return token;
  }

  get atEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }

  isOp(text: string, ahead = 0): boolean {
    return isOp(this.peek(ahead), text);
  }

  isWord(text: string, ahead = 0): boolean {
    return isWord(this.peek(ahead), text);
  }

  isOneOf(words: ReadonlySet<string>, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === 'word' && words.has(token.text);
  }

  takeOp(text: string): boolean {
    if (!this.isOp(text)) return false;
    this.#at++;
    return true;
  }

  /** Takes all these words in a row, or none of them. */
  takeWords(...words: readonly string[]): boolean {
    if (!words.every((word, i) => this.isWord(word, i))) return false;
    this.#at += words.length;
    return true;
  }

  takeOneOf(words: ReadonlySet<string>): boolean {
    if (!this.isOneOf(words)) return false;
    this.#at++;
    return true;
  }

  needOp(text: string): void {
    if (!this.takeOp(text)) refuse('unparsable');
  }

  needWords(...words: readonly string[]): void {
    if (!this.takeWords(...words)) refuse('unparsable');
  }

  /** `item`, and again after each comma; how many there were. */
  list(item: (c: Cursor) => void): number {
    let count = 0;
    do {
      item(this);
      count++;
    } while (this.takeOp(','));
    return count;
  }

  /** Runs `work`, unless it would be too deep inside itself. */
  nested<T>(work: () => T): T {
    if (++this.#depth > MAX_DEPTH) refuse('unparsable');
    const result = work();
    this.#depth--;
    return result;
  }
}
