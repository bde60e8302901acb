import { onEmptyOnError } from './calls.ts';
import type { Cursor } from './cursor.ts';
import { expression, parenthesised, takeText } from './expression.ts';
import { isFreeName, name, nameList, tableToRead } from './names.ts';
import { startsQuery, tailOfQuery } from './query.ts';
import { refuse } from './refused.ts';
import { type } from './types-of-values.ts';
import { setOf } from './words.ts';

/** Behind FROM. */
export function tables(c: Cursor): void {
  c.list(joinedTables);
}

function joinedTables(c: Cursor): void {
  tableFactor(c);
  restOfJoins(c);
}

/** Where several ON follow several JOIN, which belongs to which makes no difference here. */
function restOfJoins(c: Cursor): void {
  for (;;) {
    if (takeJoin(c)) tableFactor(c);
    else if (c.takeWords('on')) expression(c);
    else if (c.takeWords('using')) nameList(c);
    else return;
  }
}

function takeJoin(c: Cursor): boolean {
  if (c.takeWords('straight_join')) return true;
  const natural = c.takeWords('natural');
  const kind = c.takeWords('inner') || c.takeWords('cross');
  const side = !kind && (c.takeWords('left') || c.takeWords('right'));
  if (side) c.takeWords('outer');
  if (!natural && !kind && !side) return c.takeWords('join');
  c.needWords('join');
  return true;
}

function tableFactor(c: Cursor): void {
  c.nested(() => {
    if (c.isOp('(')) {
      if (queryOrJoins(c)) aliasWithColumns(c);
    } else if (!takeSpecialTable(c)) plainTable(c);
  });
}

function takeSpecialTable(c: Cursor): boolean {
  if (c.takeWords('dual')) return true;
  if (c.takeOp('{')) {
    // {oj a LEFT JOIN b ON …}, as ODBC writes it
    c.needWords('oj');
    joinedTables(c);
    c.needOp('}');
    return true;
  }
  if (c.dialect.lateral && c.takeWords('lateral')) {
    if (!parenthesised(c)) refuse('unparsable');
    aliasWithColumns(c);
    return true;
  }
  return takeJsonTable(c);
}

/** A derived table, or joined tables. Which of them shows only inside; says whether it was a query. */
function queryOrJoins(c: Cursor): boolean {
  return c.nested(() => {
    if (startsQuery(c, 1)) return parenthesised(c);
    c.needOp('(');
    if (!c.isOp('(')) {
      tables(c);
      c.needOp(')');
      return false;
    }
    let isQuery = queryOrJoins(c);
    if (isQuery) tailOfQuery(c);
    if (!c.isOp(')')) {
      if (isQuery) aliasWithColumns(c);
      isQuery = false;
      restOfJoins(c);
      if (c.takeOp(',')) tables(c);
    }
    c.needOp(')');
    return isQuery;
  });
}

function aliasWithColumns(c: Cursor): void {
  if (takeAlias(c) && c.isOp('(')) nameList(c);
}

function takeAlias(c: Cursor): boolean {
  if (!c.takeWords('as') && !isFreeName(c, c.peek())) return false;
  name(c);
  return true;
}

/** `s.t PARTITION (p) FOR SYSTEM_TIME … AS a USE INDEX (i)` */
function plainTable(c: Cursor): void {
  tableToRead(c);
  if (c.takeWords('partition')) nameList(c);
  if (c.dialect.systemTime && c.takeWords('for', 'system_time')) systemTime(c);
  takeAlias(c);
  indexHints(c);
}

function systemTime(c: Cursor): void {
  if (c.takeWords('all')) return;
  if (c.takeWords('from')) {
    moment(c);
    c.needWords('to');
  } else if (!c.takeWords('as', 'of')) c.needWords('between');
  moment(c); // `a AND b` is one expression
}

function moment(c: Cursor): void {
  if (c.isWord('transaction')) c.next();
  expression(c);
}

const HINTS = setOf('use force ignore');

function indexHints(c: Cursor): void {
  while (c.takeOneOf(HINTS)) {
    if (!c.takeWords('index')) c.needWords('key');
    if (c.takeWords('for')) {
      const known = c.takeWords('join') || c.takeWords('order', 'by') || c.takeWords('group', 'by');
      if (!known) refuse('unparsable');
    }
    c.needOp('(');
    if (!c.isOp(')')) c.list(indexName);
    c.needOp(')');
  }
}

function indexName(c: Cursor): void {
  if (!c.takeWords('primary')) name(c);
}

/** `JSON_TABLE(doc, '$[*]' COLUMNS (id FOR ORDINALITY, name VARCHAR(20) PATH '$.name')) AS t` */
function takeJsonTable(c: Cursor): boolean {
  if (!c.isOp('(', 1) || !c.takeWords('json_table')) return false;
  c.needOp('(');
  expression(c);
  c.needOp(',');
  if (!takeText(c)) refuse('unparsable');
  jsonColumns(c);
  c.needOp(')');
  aliasWithColumns(c);
  return true;
}

function jsonColumns(c: Cursor): void {
  c.needWords('columns');
  c.needOp('(');
  c.list(jsonColumn);
  c.needOp(')');
}

function jsonColumn(c: Cursor): void {
  c.nested(() => {
    const isNested = c.isWord('nested') && (c.isWord('path', 1) || c.peek(1).kind === 'text');
    if (isNested) {
      c.next();
      c.takeWords('path');
      if (!takeText(c)) refuse('unparsable');
      jsonColumns(c);
      return;
    }
    name(c);
    if (c.takeWords('for', 'ordinality')) return;
    type(c);
    c.takeWords('exists');
    if (c.takeWords('path') && !takeText(c)) refuse('unparsable');
    onEmptyOnError(c);
  });
}
