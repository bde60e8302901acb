import { refuse } from './refused.ts';

/**
 * The place after the quoted text that begins at `start`. With sql_mode NO_BACKSLASH_ESCAPES, and in names, a backslash is
 * an ordinary character; without, it hides the character after it. Nothing here tells which, so both readings must
 * end at the same place.
 */
export function endOfQuoted(sql: string, start: number, quote: string): number {
  const plain = endWithoutEscapes(sql, start, quote);
  const mayEscape = quote !== '`' && sql.slice(start, plain ?? undefined).includes('\\');
  if (mayEscape && endWithEscapes(sql, start, quote) !== plain) refuse('ambiguous-text');
  if (plain === null) refuse('unparsable');
  return plain;
}

/** Null when it never ends. A doubled quote is one quote of the text. */
function endWithoutEscapes(sql: string, start: number, quote: string): number | null {
  for (let at = start + 1; ; ) {
    const found = sql.indexOf(quote, at);
    if (found === -1) return null;
    if (sql[found + 1] !== quote) return found + 1;
    at = found + 2;
  }
}

function endWithEscapes(sql: string, start: number, quote: string): number | null {
  for (let at = start + 1; at < sql.length; at++) {
    const character = sql[at];
    if (character === '\\') at++;
    else if (character === quote) {
      if (sql[at + 1] !== quote) return at + 1;
      at++;
    }
  }
  return null;
}

/** What may stand in `x'…'` (whole bytes) and `b'…'`. */
export const isHexText = (text: string, prefix: string): boolean =>
  prefix === 'x' ? /^(?:[0-9A-Fa-f]{2})*$/.test(text) : /^[01]*$/.test(text);
