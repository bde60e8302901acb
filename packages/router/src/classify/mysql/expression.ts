import { call, qualifiedCall, quotedCall } from './calls.ts';
import type { Cursor } from './cursor.ts';
import { isFreeName, name, nameAfterDot } from './names.ts';
import { queryInParentheses, startsQuery, tailOfQuery } from './query.ts';
import { refuse } from './refused.ts';
import { END } from './token.ts';
import { CLOCK_WORDS, setOf, UNITS } from './words.ts';

// Expressions are recognised, not understood: which operator binds tighter makes no difference to what a statement does.

const OPERATORS = new Set('|| && + - * / % ^ | & << >> = <=> <> != < <= > >='.split(' '));
const WORD_OPERATORS = setOf('and or xor div mod like rlike regexp in between escape');
const NEGATABLE = setOf('like rlike regexp in between');
const PREFIXES = setOf('not binary');
const PREFIX_OPERATORS = new Set(['-', '+', '~', '!']);
const QUANTIFIERS = setOf('any some all exists');
const CONSTANTS = setOf('null true false');

export function expression(c: Cursor): void {
  c.nested(() => {
    operand(c);
    restOfExpression(c);
  });
}

/** What may follow an operand. */
export function restOfExpression(c: Cursor): void {
  for (;;) {
    postfixes(c);
    if (!takeOperator(c)) return;
    operand(c);
  }
}

export const expressions = (c: Cursor): number => c.list(expression);

function takeOperator(c: Cursor): boolean {
  const token = c.peek();
  if (token.kind === 'op') return OPERATORS.has(token.text) && c.takeOp(token.text);
  // IN BOOLEAN MODE and IN NATURAL LANGUAGE MODE end the text of a full-text search.
  if (c.isWord('in') && (c.isWord('boolean', 1) || c.isWord('natural', 1))) return false;
  if (c.takeOneOf(WORD_OPERATORS)) return true;
  if (c.takeWords('sounds', 'like')) return true;
  if (c.dialect.jsonOperators && (c.takeWords('member', 'of') || takeMember(c))) return true;
  if (!c.isWord('not')) return false;
  if (!c.isOneOf(NEGATABLE, 1)) return false;
  c.next();
  c.next();
  return true;
}

/** `MEMBER (…)`, where OF is left out. */
const takeMember = (c: Cursor): boolean => c.isOp('(', 1) && c.takeWords('member');

function postfixes(c: Cursor): void {
  for (;;) {
    if (c.takeWords('is')) {
      c.takeWords('not');
      if (!c.takeOneOf(CONSTANTS) && !c.takeWords('unknown')) refuse('unparsable');
    } else if (c.takeWords('collate')) {
      if (!c.takeWords('binary')) name(c);
    } else if (c.dialect.jsonOperators && (c.takeOp('->') || c.takeOp('->>'))) {
      if (!takeText(c)) refuse('unparsable');
    } else return;
  }
}

function operand(c: Cursor): void {
  for (;;) {
    const token = c.peek();
    const isPrefix =
      token.kind === 'op'
        ? PREFIX_OPERATORS.has(token.text)
        : token.kind === 'word' && PREFIXES.has(token.text);
    if (!isPrefix) break;
    c.next();
  }
  primary(c);
}

function primary(c: Cursor): void {
  const token = c.peek();
  switch (token.kind) {
    case 'number':
      c.next();
      return;
    case 'text':
      texts(c);
      return;
    case 'op':
      primaryOperator(c);
      return;
    case 'word':
      primaryWord(c);
      return;
    case 'dquoted':
      // A string, or with ANSI_QUOTES a name.
      if (c.isOp('.', 1) || c.isOp('(', 1)) column(c);
      else texts(c);
      return;
    case 'name':
      column(c);
      return;
    case 'end':
      refuse('unparsable');
  }
}

/** Strings side by side are one string. */
function texts(c: Cursor): void {
  while (takeText(c));
}

export function takeText(c: Cursor): boolean {
  const { kind } = c.peek();
  if (kind !== 'text' && kind !== 'dquoted') return false;
  c.next();
  return true;
}

function primaryOperator(c: Cursor): void {
  if (c.takeOp('?')) return;
  if (c.takeOp('{')) {
    // {d '2026-01-31'}, as ODBC writes it
    name(c);
    expression(c);
    c.needOp('}');
    return;
  }
  if (!c.isOp('(')) refuse('unparsable');
  parenthesised(c);
}

/**
 * A parenthesis of an expression, a row or a query; which of them shows only inside. Says whether it was a query, because
 * UNION may follow on one.
 */
export function parenthesised(c: Cursor): boolean {
  return c.nested(() => {
    if (startsQuery(c, 1)) {
      queryInParentheses(c);
      return true;
    }
    c.needOp('(');
    let isQuery = false;
    if (c.isOp('(')) {
      isQuery = parenthesised(c);
      if (isQuery && tailOfQuery(c)) {
        c.needOp(')');
        return true;
      }
      if (!c.isOp(')')) isQuery = false;
      restOfExpression(c);
    } else expression(c);
    if (c.takeOp(',')) {
      isQuery = false;
      expressions(c);
    }
    c.needOp(')');
    return isQuery;
  });
}

function primaryWord(c: Cursor): void {
  const special =
    c.takeOneOf(CONSTANTS) ||
    takePrefixedLiteral(c) ||
    takeCase(c) ||
    takeMatch(c) ||
    takeInterval(c) ||
    takeClock(c) ||
    takeQuantified(c) ||
    takeRow(c);
  if (special) return;
  if (c.isOp('(', 1)) call(c);
  else column(c);
}

const MOMENTS = setOf('date time timestamp');

/** `_utf8mb4'a'`, `_binary 0xff`, `DATE '2026-01-31'` */
function takePrefixedLiteral(c: Cursor): boolean {
  const after = c.peek(1).kind;
  const charset = c.peek().text.startsWith('_') && (after === 'text' || after === 'number');
  const moment = c.isOneOf(MOMENTS) && (after === 'text' || after === 'dquoted');
  if (!charset && !moment) return false;
  c.next();
  c.next();
  texts(c);
  return true;
}

/** `EXISTS (SELECT …)`, `= ANY (SELECT …)` */
function takeQuantified(c: Cursor): boolean {
  if (!c.isOneOf(QUANTIFIERS) || !c.isOp('(', 1)) return false;
  c.next();
  if (!parenthesised(c)) refuse('unparsable');
  return true;
}

const ROWS = setOf('row values value');

/** `ROW(1, 2)`, `VALUES(a)` */
function takeRow(c: Cursor): boolean {
  if (!c.isOneOf(ROWS) || !c.isOp('(', 1)) return false;
  c.next();
  c.needOp('(');
  expressions(c);
  c.needOp(')');
  return true;
}

/** `a`, `t.a`, `s.t.a`, or a function called as `s.f(…)`. */
function column(c: Cursor): void {
  if (!isFreeName(c, c.peek())) refuse('unparsable');
  if (c.isOp('(', 1)) {
    quotedCall(c);
    return;
  }
  const parts = [name(c)];
  while (c.isOp('.') && parts.length < 3) {
    c.next();
    parts.push(nameAfterDot(c));
  }
  if (c.isOp('(')) qualifiedCall(c, parts);
}

function takeCase(c: Cursor): boolean {
  if (!c.takeWords('case')) return false;
  if (!c.isWord('when')) expression(c);
  if (!c.isWord('when')) refuse('unparsable');
  while (c.takeWords('when')) {
    expression(c);
    c.needWords('then');
    expression(c);
  }
  if (c.takeWords('else')) expression(c);
  c.needWords('end');
  return true;
}

/** `INTERVAL 1 DAY`, or the function `INTERVAL(n, a, b)`. */
function takeInterval(c: Cursor): boolean {
  if (!c.takeWords('interval')) return false;
  expression(c);
  c.takeOneOf(UNITS);
  return true;
}

function takeClock(c: Cursor): boolean {
  if (!c.takeOneOf(CLOCK_WORDS)) return false;
  if (c.takeOp('(')) {
    if (c.peek().kind === 'number') c.next();
    c.needOp(')');
  }
  return true;
}

function takeMatch(c: Cursor): boolean {
  if (!c.takeWords('match')) return false;
  const inParentheses = c.takeOp('(');
  c.list(() => {
    name(c);
    for (let dots = 0; dots < 2 && c.takeOp('.'); dots++) nameAfterDot(c);
  });
  if (inParentheses) c.needOp(')');
  c.needWords('against');
  c.needOp('(');
  expression(c);
  if (!c.takeWords('in', 'boolean', 'mode')) {
    c.takeWords('in', 'natural', 'language', 'mode');
    c.takeWords('with', 'query', 'expansion');
  }
  c.needOp(')');
  return true;
}

/** `ORDER BY a DESC, b`, behind ORDER BY or GROUP BY. */
export function sortedBy(c: Cursor): void {
  c.list(() => {
    expression(c);
    if (!c.takeWords('asc')) c.takeWords('desc');
  });
}

/** `5`, `?` */
export function count(c: Cursor): void {
  const token = c.peek();
  if (token === END || (token.kind !== 'number' && !c.isOp('?'))) refuse('unparsable');
  c.next();
}
