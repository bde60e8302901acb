import { ANY, type Classification, type Classifier, type ClassifyReason, toPrimary } from '../types.ts';
import { contextFor } from './declared.ts';
import { parse, tokensOf } from './parser.ts';
import { statementDoubt } from './statements.ts';
import { textDoubt } from './text.ts';
import { unwrap } from './tree.ts';

export { isParserReady, loadPostgresParser } from './parser.ts';

type Doubt = Exclude<ClassifyReason, 'pure-read'>;

/**
 * Is this text, on PostgreSQL 15 or newer, proved to read and do nothing else? Uses PostgreSQL's own grammar, of version 18;
 * what only another version understands is `unparsable`, and so is everything before `loadPostgresParser` has resolved.
 *
 * A text cannot show what a schema hides: a view or a row-security policy that calls a writing function, a user's function in
 * the guise of a column (`t.f`), a user's operator of a built-in symbol, a user's function that is found before a built-in
 * one of the same name (see SAFE_FUNCTIONS), a name that is a temporary or unlogged table's or a sequence's. Sessions for
 * reads are therefore opened read-only as well. `safeFunctions` may also name types that are cast to, fields of composite
 * types that are taken with `(x).field`, and operators. Never throws.
 */
export const classifyPostgres: Classifier = (sql, { safeFunctions }): Classification => {
  try {
    const doubt = doubtOf(sql, safeFunctions);
    return doubt ? toPrimary(doubt) : ANY;
  } catch {
    return UNPARSABLE; // a caller that has used up its stack: not a call more
  }
};

const UNPARSABLE = toPrimary('unparsable');

function doubtOf(sql: string, safeFunctions: readonly string[]): Doubt | null {
  const inText = textDoubt(sql);
  if (inText) return inText;
  if (sql.trim() === '') return 'empty';
  const parsed = parse(sql);
  if (parsed === 'syntax' || parsed === 'absent') return 'unparsable';
  if (parsed.statements.length === 0) return 'empty';
  if (sql.includes('\\') && !backslashesAreClear(sql)) return 'ambiguous-text';
  const context = contextFor(safeFunctions);
  for (const { stmt } of parsed.statements) {
    const statement = unwrap(stmt);
    if (statement === null || statement === 'nothing') return 'unparsable';
    const doubt = statementDoubt(statement, context);
    if (doubt) return doubt;
  }
  return null;
}

/**
 * With standard_conforming_strings off, a backslash in a plain '…' literal escapes what follows it, the closing quote too, so
 * that the rest of the text reads differently. E'…', U&'…' and $$…$$ mean the same either way or are refused.
 */
function backslashesAreClear(sql: string): boolean {
  const tokens = tokensOf(sql);
  if (typeof tokens === 'string') return false;
  return !tokens.some((token) => token.startsWith("'") && token.includes('\\'));
}
