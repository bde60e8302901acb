import {
  ANY,
  type Classification,
  type Classifier,
  type ClassifyOptions,
  type ClassifyReason,
  toPrimary,
} from '../types.ts';
import { Cursor } from './cursor.ts';
import { type Dialect, MARIADB, MYSQL } from './dialect.ts';
import { tokenise } from './lexer.ts';
import { Refused, refuse } from './refused.ts';
import { statement } from './statement.ts';
import { refuseSuspects } from './suspects.ts';
import { isOp, lowerAscii, type Token } from './token.ts';
import { OTHER_STATEMENTS } from './words.ts';

/** In UTF-16 units. */
const MAX_LENGTH = 64 * 1024;

/**
 * Is this text, whatever the server's sql_mode, nothing but pure reads that any node may answer? `any` is a proof by a
 * strict lexer, a list of suspects and a grammar of reading statements; all else goes to the primary. Takes time linear in
 * the text's length and never throws.
 *
 * What no text shows: a view whose definition calls a writing function; a temporary table of the session that hides a
 * table; a default database that is one of the server's own (`mysql`, `sys` …).
 */
export const classifyMysql: Classifier = (sql, options) => classify(sql, options, MYSQL);
export const classifyMariadb: Classifier = (sql, options) => classify(sql, options, MARIADB);

function classify(sql: string, options: Required<ClassifyOptions>, dialect: Dialect): Classification {
  try {
    if (sql.length > MAX_LENGTH) return toPrimary('too-long');
    const statements = split(tokenise(sql, dialect.reserved));
    if (statements.length === 0) return toPrimary('empty');
    const declaredSafe = declared(options.safeFunctions);
    for (const tokens of statements) {
      refuseOtherStatements(tokens);
      refuseSuspects(tokens, dialect);
      statement(new Cursor(tokens, dialect, declaredSafe));
    }
    return ANY;
  } catch (thrown) {
    // Anything else would be a fault of this code, and a fault must not send a write to a replica.
    const reason: ClassifyReason = thrown instanceof Refused ? thrown.reason : 'unparsable';
    return toPrimary(reason as Exclude<ClassifyReason, 'pure-read'>);
  }
}

/** The semicolon ends a statement wherever it stands. */
function split(tokens: readonly Token[]): Token[][] {
  const statements: Token[][] = [[]];
  for (const token of tokens) {
    if (isOp(token, ';')) statements.push([]);
    else statements.at(-1)?.push(token);
  }
  return statements.filter((found) => found.length > 0);
}

/** Before the suspects, so that `SET @x = 1` is no read first of all. */
function refuseOtherStatements([first]: readonly Token[]): void {
  if (first?.kind === 'word' && OTHER_STATEMENTS.has(first.text)) refuse('not-a-read');
}

/** Callers hand over the same list with every statement. */
const declaredLists = new WeakMap<readonly string[], ReadonlySet<string>>();

function declared(safeFunctions: readonly string[]): ReadonlySet<string> {
  let names = declaredLists.get(safeFunctions);
  if (!names) {
    names = new Set(safeFunctions.map(lowerAscii));
    declaredLists.set(safeFunctions, names);
  }
  return names;
}
