import type { Cursor } from './cursor.ts';
import { count, expression, expressions, sortedBy, takeText } from './expression.ts';
import { ARGUMENT_COUNTS, TIGHT_FUNCTIONS } from './functions-safe.ts';
import { UNSAFE_FUNCTIONS } from './functions-unsafe.ts';
import { refuse } from './refused.ts';
import { lowerAscii } from './token.ts';
import { characterSet, type } from './types-of-values.ts';
import { overClause } from './window.ts';
import { setOf, UNITS } from './words.ts';

/** A call by an unquoted name, reserved or not. */
export function call(c: Cursor): void {
  const { text } = c.peek();
  if (!c.dialect.safeFunctions.has(text)) {
    declaredCall(c, text);
    return;
  }
  // A built-in with a gap before its parenthesis may be somebody's function.
  if (TIGHT_FUNCTIONS.has(text) && !c.peek(1).glued) refuse('ambiguous-text');
  c.next();
  c.needOp('(');
  const form = FORMS.get(text);
  if (form) form(c);
  else plainArguments(c, text);
  c.needOp(')');
  if (text === 'nth_value' && !c.takeWords('from', 'first')) c.takeWords('from', 'last');
  overClause(c);
}

function plainArguments(c: Cursor, text: string): void {
  const arguments_ = c.isOp(')') ? 0 : expressions(c);
  const [least, most] = ARGUMENT_COUNTS.get(text) ?? [0, Number.POSITIVE_INFINITY];
  if (arguments_ < least || arguments_ > most) refuse('unknown-function');
}

/** A call by a quoted name. Whether `count` in backticks is the built-in depends on the name: not worth a table. */
export function quotedCall(c: Cursor): void {
  const text = lowerAscii(c.peek().text);
  if (c.dialect.safeFunctions.has(text)) refuse('unknown-function');
  declaredCall(c, text);
}

function declaredCall(c: Cursor, text: string): void {
  if (c.peek().kind === 'word' && c.dialect.reserved.has(text)) refuse('unparsable');
  if (!c.declaredSafe.has(text) || UNSAFE_FUNCTIONS.has(text)) refuse('unknown-function');
  c.next();
  argumentsInParentheses(c);
}

/** `s.f(…)`: a stored function even if it is called `s.abs`. */
export function qualifiedCall(c: Cursor, parts: readonly string[]): void {
  if (parts.length !== 2 || !c.declaredSafe.has(lowerAscii(parts.join('.')))) refuse('unknown-function');
  argumentsInParentheses(c);
}

function argumentsInParentheses(c: Cursor): void {
  c.needOp('(');
  if (!c.isOp(')')) expressions(c);
  c.needOp(')');
}

// The built-ins whose arguments are more than expressions with commas between them.

type Form = (c: Cursor) => void;

const asType = (c: Cursor): void => {
  c.needWords('as');
  type(c);
};

const aggregate: Form = (c) => {
  if (c.takeOp('*')) return;
  if (!c.takeWords('distinct')) c.takeWords('all');
  expressions(c);
  if (c.takeWords('order', 'by')) sortedBy(c);
  if (c.takeWords('separator') && !takeText(c)) refuse('unparsable');
  if (c.dialect.withinGroup && c.takeWords('limit')) {
    count(c);
    if (c.takeOp(',') || c.takeWords('offset')) count(c);
  }
};

const cast: Form = (c) => {
  expression(c);
  if (c.takeWords('at', 'time', 'zone')) {
    c.takeWords('interval');
    if (!takeText(c)) refuse('unparsable');
  }
  asType(c);
  c.takeWords('array');
};

const convert: Form = (c) => {
  expression(c);
  if (c.takeWords('using')) characterSet(c);
  else {
    c.needOp(',');
    type(c);
  }
};

const unit = (c: Cursor): void => {
  if (!c.takeOneOf(UNITS)) refuse('unparsable');
};

const unitFirst: Form = (c) => {
  unit(c);
  c.needOp(',');
  expressions(c);
};

const extract: Form = (c) => {
  unit(c);
  c.needWords('from');
  expression(c);
};

const TRIM_SIDES = setOf('both leading trailing');

const trim: Form = (c) => {
  c.takeOneOf(TRIM_SIDES);
  if (!c.isWord('from')) expression(c);
  if (c.takeWords('from')) expression(c);
};

const substring: Form = (c) => {
  expression(c);
  if (c.takeOp(',')) {
    expressions(c);
    return;
  }
  c.needWords('from');
  expression(c);
  if (c.takeWords('for')) expression(c);
};

const char: Form = (c) => {
  expressions(c);
  if (c.takeWords('using')) characterSet(c);
};

const MOMENTS = setOf('date time datetime timestamp');

const getFormat: Form = (c) => {
  if (!c.takeOneOf(MOMENTS)) refuse('unparsable');
  c.needOp(',');
  expression(c);
};

const weightString: Form = (c) => {
  expression(c);
  if (c.isWord('as')) asType(c);
  if (c.takeOp(',')) expressions(c);
};

const jsonValue: Form = (c) => {
  expressions(c);
  if (c.takeWords('returning')) type(c);
  onEmptyOnError(c);
};

/** `NULL ON EMPTY DEFAULT '0' ON ERROR` */
export function onEmptyOnError(c: Cursor): void {
  for (let clauses = 0; clauses < 2; clauses++) {
    if (c.takeWords('default')) expression(c);
    else if (!(c.isWord('on', 1) && (c.takeWords('null') || c.takeWords('error')))) return;
    c.needWords('on');
    if (!c.takeWords('empty') && !c.takeWords('error')) refuse('unparsable');
  }
}

/** COLUMN_CREATE('a', 1 AS INT), COLUMN_GET(x, 'a' AS INT) */
const dynamicColumns: Form = (c) => {
  c.list(() => {
    expression(c);
    if (c.isWord('as')) asType(c);
  });
};

const AGGREGATES = setOf(`
  avg bit_and bit_or bit_xor count group_concat json_arrayagg json_objectagg max min st_collect std stddev stddev_pop
  stddev_samp sum var_pop var_samp variance`);

const FORMS: ReadonlyMap<string, Form> = new Map<string, Form>([
  ...[...AGGREGATES].map((text) => [text, aggregate] as const),
  ['cast', cast],
  ['convert', convert],
  ['extract', extract],
  ['timestampadd', unitFirst],
  ['timestampdiff', unitFirst],
  ['trim', trim],
  ['substring', substring],
  ['substr', substring],
  ['mid', substring],
  ['char', char],
  ['get_format', getFormat],
  ['weight_string', weightString],
  ['json_value', jsonValue],
  ['column_create', dynamicColumns],
  ['column_add', dynamicColumns],
  ['column_get', dynamicColumns],
]);
