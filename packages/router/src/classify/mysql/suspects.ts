import type { Dialect } from './dialect.ts';
import { SESSION_WORDS, UNSAFE_FUNCTIONS } from './functions-unsafe.ts';
import { type RefusalReason, refuse } from './refused.ts';
import { isName, isOp, isWord, lowerAscii, type Token } from './token.ts';

/**
 * The first of two nets: anything by which a statement can do more than read, wherever it stands, without any idea of
 * grammar. The grammar, the second net, accepts none of it either (but for `s.nextval`, which looks like a column); this one
 * knows the better reasons, and does not depend on the grammar being right.
 */
export function refuseSuspects(tokens: readonly Token[], dialect: Dialect): void {
  for (let at = 0; at < tokens.length; at++) {
    const reason = suspect(tokens, at, dialect);
    if (reason) refuse(reason);
  }
}

function suspect(tokens: readonly Token[], at: number, dialect: Dialect): RefusalReason | null {
  const token = tokens[at] as Token;
  if (token.kind === 'op') return suspectOperator(token, tokens[at + 1]);
  if (!isName(token)) return null;
  const afterDot = isOp(tokens[at - 1], '.');
  if (afterDot && dialect.dottedSequences && /^(?:nextval|currval)$/i.test(token.text)) return 'sequence';
  const called = isOp(tokens[at + 1], '(') ? UNSAFE_FUNCTIONS.get(lowerAscii(token.text)) : undefined;
  if (called) return called;
  // A keyword directly after a dot is a name.
  if (token.kind !== 'word' || (afterDot && token.glued)) return null;
  return suspectWord(token, tokens, at);
}

function suspectOperator({ text }: Token, next: Token | undefined): RefusalReason | null {
  if (text === ':=') return 'user-variable';
  if (text === '@') return isOp(next, '@') ? 'system-variable' : 'user-variable';
  return null;
}

function suspectWord({ text }: Token, tokens: readonly Token[], at: number): RefusalReason | null {
  switch (text) {
    case 'into':
    case 'outfile':
      return 'select-into';
    case 'lock':
      return 'locking-clause';
    case 'for':
      return isWord(tokens[at + 1], 'update') || isWord(tokens[at + 1], 'share') ? 'locking-clause' : null;
    case 'next':
    case 'previous':
      return isWord(tokens[at + 1], 'value') && isWord(tokens[at + 2], 'for') ? 'sequence' : null;
    case 'procedure':
      return isWord(tokens[at - 1], 'create') || isWord(tokens[at - 1], 'show') ? null : 'not-a-read';
    case 'sql_calc_found_rows':
      return 'session-function';
    default:
      return SESSION_WORDS.has(text) ? 'session-function' : null;
  }
}
