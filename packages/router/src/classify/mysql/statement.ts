import type { Cursor } from './cursor.ts';
import { parenthesised, takeText } from './expression.ts';
import { checkTable, isFreeName, qualifiedName } from './names.ts';
import { query, startsQuery, tailOfQuery } from './query.ts';
import { refuse } from './refused.ts';
import { show } from './show.ts';
import { OTHER_STATEMENTS, setOf } from './words.ts';

/** One statement, which must be a pure read from its first token to its last. */
export function statement(c: Cursor): void {
  if (c.isOp('(')) parenthesisedQuery(c);
  else if (startsQuery(c)) query(c);
  else if (c.takeOneOf(EXPLAINERS)) explain(c);
  else if (c.takeWords('show')) show(c);
  else refuse(c.isOneOf(OTHER_STATEMENTS) ? 'not-a-read' : 'unparsable');
  if (!c.atEnd) refuse('unparsable');
}

function parenthesisedQuery(c: Cursor): void {
  if (!parenthesised(c)) refuse('unparsable');
  tailOfQuery(c);
}

const EXPLAINERS = setOf('explain describe desc');
const FORMATS = setOf('traditional json tree');

/** Behind EXPLAIN, DESCRIBE or DESC: a query's plan, or a table's columns. */
function explain(c: Cursor): void {
  if (c.isWord('analyze')) refuse('explain-analyze');
  // What another connection runs is that server's matter.
  if (c.takeWords('for')) refuse('system-catalog');
  if (c.isWord('format') && c.isOp('=', 1)) {
    c.next();
    c.next();
    if (!c.takeOneOf(FORMATS) && !takeText(c)) refuse('unparsable');
    explained(c);
  } else if (c.takeWords('extended') || c.takeWords('partitions')) explained(c);
  else if (c.isOp('(') || startsQuery(c)) explained(c);
  else describedTable(c);
}

/** `t`, `t c`, `t 'c%'` */
function describedTable(c: Cursor): void {
  if (!isFreeName(c, c.peek())) refuse('not-a-read');
  checkTable(qualifiedName(c));
  if (c.peek().kind === 'text' || isFreeName(c, c.peek())) c.next();
}

function explained(c: Cursor): void {
  if (c.isOp('(')) parenthesisedQuery(c);
  else if (startsQuery(c)) query(c);
  else refuse('not-a-read');
}
