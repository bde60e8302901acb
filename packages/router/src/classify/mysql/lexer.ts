import { skipGap } from './gaps.ts';
import { endOfQuoted, isHexText } from './quotes.ts';
import { refuse } from './refused.ts';
import { lowerAscii, type Token, type TokenKind } from './token.ts';
import { setOf } from './words.ts';

const WORD = /[A-Za-z0-9_$\u0080-\uffff]+/y;
const NUMBER = /0x[0-9A-Fa-f]+|0b[01]+|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?/y;
const OPERATOR = /<=>|->>|->|:=|<=|<>|<<|>=|>>|!=|\|\||&&|[-+*/%^~!=<>&|(),;.{}?@:]/y;
/** `DATE'2026-01-31'` */
const MOMENTS = setOf('date time timestamp');
/** Every character from 0x80 on is part of a name for the servers, the no-break space too. */
const WORD_CHARACTER = /[A-Za-z0-9_$\u0080-\uffff]/;

/**
 * Cuts a text into the tokens that every supported server would cut it into, whatever its sql_mode. Throws `Refused` where
 * servers, or their modes, would differ, and for what no server accepts. Linear in the text's length.
 */
export function tokenise(sql: string, reserved: ReadonlySet<string>): Token[] {
  // NUL ends a comment for the servers and is a plain character elsewhere; half a surrogate pair is no character at all.
  if (sql.includes('\0') || !sql.isWellFormed()) refuse('ambiguous-text');
  const lexer = new Lexer(sql, reserved);
  return lexer.run();
}

class Lexer {
  readonly #sql: string;
  readonly #reserved: ReadonlySet<string>;
  readonly #tokens: Token[] = [];
  #at = 0;
  #glued = false;

  constructor(sql: string, reserved: ReadonlySet<string>) {
    this.#sql = sql;
    this.#reserved = reserved;
  }

  run(): Token[] {
    for (;;) {
      const start = skipGap(this.#sql, this.#at);
      this.#glued = start === this.#at && start > 0;
      this.#at = start;
      const character = this.#sql[start];
      if (character === undefined) return this.#tokens;
      this.#next(character);
    }
  }

  #next(character: string): void {
    if (character === "'" || character === '"' || character === '`') this.#quoted(character);
    else if (isDigit(character)) this.#number();
    else if (character === '.' && isDigit(this.#sql[this.#at + 1])) this.#fraction();
    // `$$` and `$tag$` open a string in newer servers and a name in older ones.
    else if (character === '$') refuse('ambiguous-text');
    else if (WORD_CHARACTER.test(character)) this.#word();
    else this.#operator(character);
  }

  #operator(character: string): void {
    const operator = this.#match(OPERATOR);
    if (operator === null) refuse(character === '[' || character === ']' ? 'unparsable' : 'ambiguous-text');
    this.#push('op', operator);
  }

  #quoted(quote: string): void {
    const end = endOfQuoted(this.#sql, this.#at, quote);
    if (quote === "'") {
      this.#at = end;
      this.#push('text', '');
      return;
    }
    const value = this.#sql.slice(this.#at + 1, end - 1).replaceAll(quote + quote, quote);
    if (quote === '`' && value === '') refuse('unparsable');
    this.#at = end;
    this.#push(quote === '`' ? 'name' : 'dquoted', value);
  }

  #number(): void {
    const start = this.#at;
    this.#match(NUMBER);
    const next = this.#sql[this.#at] ?? ' ';
    // `2020_sales` is a name. Other names that begin with a digit (`1e`, `0X1F`) hang on details: not worth it.
    if (next === '_' && /^[0-9]+$/.test(this.#sql.slice(start, this.#at))) {
      this.#at = start;
      this.#word();
      return;
    }
    if (next === '.' || next === "'" || next === '"' || next === '`' || WORD_CHARACTER.test(next)) {
      refuse('ambiguous-text');
    }
    this.#push('number', '');
  }

  /** `.5`. Directly after a name it depends on the quoting of that name whether this is a number or a column. */
  #fraction(): void {
    const before = this.#tokens.at(-1);
    const afterOperator = before === undefined || before.kind === 'op';
    if (this.#glued && !afterOperator) refuse('ambiguous-text');
    this.#number();
  }

  #word(): void {
    const text = lowerAscii(this.#match(WORD) ?? '');
    const quote = this.#sql[this.#at];
    if (quote === "'" && (text === 'n' || text === 'x' || text === 'b')) {
      this.#prefixedText(text);
      return;
    }
    const meetsText = quote === "'" || quote === '"';
    // A word before a string may be a prefix on some server (`q'[…]'`), except keywords and character sets (`_utf8mb4'…'`).
    if (meetsText && !this.#isNoPrefix(text)) refuse('ambiguous-text');
    this.#push('word', text);
  }

  #isNoPrefix(text: string): boolean {
    return this.#reserved.has(text) || text.startsWith('_') || MOMENTS.has(text);
  }

  #prefixedText(prefix: string): void {
    const start = this.#at;
    const end = endOfQuoted(this.#sql, start, "'");
    if (prefix !== 'n' && !isHexText(this.#sql.slice(start + 1, end - 1), prefix)) refuse('ambiguous-text');
    this.#at = end;
    this.#push('text', '');
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#sql)?.[0] ?? null;
    this.#at += found?.length ?? 0;
    return found;
  }

  #push(kind: TokenKind, text: string): void {
    this.#tokens.push({ kind, text, glued: this.#glued });
  }
}

const isDigit = (character: string | undefined): boolean =>
  character !== undefined && character >= '0' && character <= '9';
