import type { Cursor } from './cursor.ts';
import { count, expression, expressions, parenthesised, sortedBy } from './expression.ts';
import { isFreeName, name, nameAfterDot, nameList, tableToRead } from './names.ts';
import { refuse } from './refused.ts';
import { tables } from './tables.ts';
import { windowSpecification } from './window.ts';
import { setOf } from './words.ts';

const QUERY_WORDS = setOf('select with values');
const SET_OPERATORS = setOf('union except intersect');
const TAIL_WORDS = setOf('union except intersect order limit offset fetch');
const WRITERS = setOf('insert update delete replace merge');

export const startsQuery = (c: Cursor, ahead = 0): boolean =>
  (ahead === 0 || c.isOp('(', ahead - 1)) &&
  (c.isOneOf(QUERY_WORDS, ahead) || (c.dialect.tableStatement && c.isWord('table', ahead)));

/** A whole query expression, WITH and ORDER BY included, up to where it ends. */
export function query(c: Cursor): void {
  c.nested(() => {
    if (c.takeWords('with')) commonTables(c);
    queryTerm(c);
    tailOfQuery(c);
  });
}

export function queryInParentheses(c: Cursor): void {
  c.needOp('(');
  query(c);
  c.needOp(')');
}

function queryTerm(c: Cursor): void {
  if (c.isOp('(')) {
    if (!parenthesised(c)) refuse('unparsable');
  } else if (c.takeWords('select')) select(c);
  else if (c.takeWords('values')) valueRows(c);
  else if (c.dialect.tableStatement && c.takeWords('table')) tableToRead(c);
  else refuse(c.isOneOf(WRITERS) ? 'writing-cte' : 'unparsable');
}

/** UNION and so on, then ORDER BY and LIMIT; says whether there was any of it. */
export function tailOfQuery(c: Cursor): boolean {
  if (!c.isOneOf(TAIL_WORDS)) return false;
  while (c.takeOneOf(SET_OPERATORS)) {
    if (!c.takeWords('all')) c.takeWords('distinct');
    queryTerm(c);
  }
  // After each SELECT of a UNION these belong to the whole; a nested one has taken its own already.
  if (c.takeWords('order', 'by')) sortedBy(c);
  limits(c);
  return true;
}

/** Behind WITH. */
function commonTables(c: Cursor): void {
  c.takeWords('recursive');
  c.list(() => {
    name(c);
    if (c.isOp('(')) nameList(c);
    c.needWords('as');
    if (!startsQuery(c, 1) && !c.isOp('(', 1)) refuse(c.isOneOf(WRITERS, 1) ? 'writing-cte' : 'unparsable');
    if (!parenthesised(c)) refuse('unparsable');
    if (c.dialect.cycle && c.takeWords('cycle')) {
      c.list(name);
      c.needWords('restrict');
    }
  });
}

const SELECT_OPTIONS = setOf(`
  all distinct distinctrow high_priority straight_join sql_small_result sql_big_result sql_buffer_result sql_no_cache
  sql_cache`);

/** Behind SELECT. */
function select(c: Cursor): void {
  while (c.takeOneOf(SELECT_OPTIONS));
  c.list(selectItem);
  if (c.takeWords('from')) tables(c);
  if (c.takeWords('where')) expression(c);
  if (c.takeWords('group', 'by')) grouping(c);
  if (c.takeWords('having')) expression(c);
  if (c.takeWords('window')) {
    c.list(() => {
      name(c);
      c.needWords('as');
      windowSpecification(c);
    });
  }
  if (c.dialect.qualify && c.takeWords('qualify')) expression(c);
}

function selectItem(c: Cursor): void {
  if (c.takeOp('*') || takeAllOfTable(c)) return;
  expression(c);
  if (c.takeWords('as')) {
    if (c.peek().kind === 'text') c.next();
    else name(c);
  } else if (c.peek().kind === 'text' || isFreeName(c, c.peek())) c.next();
}

/** `t.*`, `s.t.*` */
function takeAllOfTable(c: Cursor): boolean {
  const dots = isStarAt(c, 1) ? 1 : isStarAt(c, 3) && c.isOp('.', 1) ? 2 : 0;
  if (dots === 0) return false;
  name(c);
  c.needOp('.');
  if (dots === 2) {
    nameAfterDot(c);
    c.needOp('.');
  }
  c.needOp('*');
  return true;
}

const isStarAt = (c: Cursor, dot: number): boolean => c.isOp('.', dot) && c.isOp('*', dot + 1);

function grouping(c: Cursor): void {
  const supersets = c.dialect.qualify && (c.isWord('rollup') || c.isWord('cube')) && c.isOp('(', 1);
  if (supersets) {
    c.next();
    parenthesised(c);
    return;
  }
  sortedBy(c);
  c.takeWords('with', 'rollup');
}

/** Behind VALUES: `ROW(1, 2), ROW(3, 4)` or `(1, 2), (3, 4)`. */
function valueRows(c: Cursor): void {
  c.list(() => {
    if (c.dialect.tableStatement) c.needWords('row');
    c.needOp('(');
    expressions(c);
    c.needOp(')');
  });
}

function limits(c: Cursor): void {
  if (c.takeWords('limit')) {
    if (!takeRowsExamined(c)) {
      count(c);
      if (c.takeOp(',') || c.takeWords('offset')) count(c);
      takeRowsExamined(c);
    }
    return;
  }
  if (!c.dialect.offsetFetch) return;
  if (c.takeWords('offset')) {
    count(c);
    rowOrRows(c);
  }
  if (!c.takeWords('fetch')) return;
  if (!c.takeWords('first') && !c.takeWords('next')) refuse('unparsable');
  if (!c.isWord('row') && !c.isWord('rows')) count(c);
  rowOrRows(c);
  if (!c.takeWords('only') && !c.takeWords('with', 'ties')) refuse('unparsable');
}

function takeRowsExamined(c: Cursor): boolean {
  if (!c.dialect.offsetFetch || !c.takeWords('rows', 'examined')) return false;
  count(c);
  return true;
}

function rowOrRows(c: Cursor): void {
  if (!c.takeWords('row') && !c.takeWords('rows')) refuse('unparsable');
}
