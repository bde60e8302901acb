export type TokenKind =
  | 'word' //    an unquoted name or keyword
  | 'name' //    a name in backticks: never a keyword
  | 'dquoted' // in double quotes: a string, or with sql_mode ANSI_QUOTES a name. Good only where both readings are harmless
  | 'text' //    a string or hexadecimal string
  | 'number'
  | 'op' //      an operator or a punctuation mark
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** Words with their ASCII letters in lower case, quoted names without their quotes, operators; empty for literals. */
  readonly text: string;
  /** Neither white space nor a comment stands before it. */
  readonly glued: boolean;
}

export const END: Token = { kind: 'end', text: '', glued: false };

export const isOp = (token: Token | undefined, text: string): boolean =>
  token?.kind === 'op' && token.text === text;

/** An unquoted word; a quoted `select` is a name. */
export const isWord = (token: Token | undefined, text: string): boolean =>
  token?.kind === 'word' && token.text === text;

export const isName = ({ kind }: Token): boolean => kind === 'word' || kind === 'name' || kind === 'dquoted';

/**
 * Only A to Z: the servers fold keywords so. JavaScript's own lower case also turns the Kelvin sign into a k, which would
 * make a keyword of a word that the server takes for a name.
 */
export const lowerAscii = (text: string): string =>
  text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
