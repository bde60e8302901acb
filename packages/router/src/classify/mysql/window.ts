import type { Cursor } from './cursor.ts';
import { expression, expressions, sortedBy } from './expression.ts';
import { isFreeName, name } from './names.ts';
import { refuse } from './refused.ts';
import { setOf } from './words.ts';

/** What may stand between a function call and the next operator. */
export function overClause(c: Cursor): void {
  if (c.dialect.withinGroup && c.takeWords('within', 'group')) {
    c.needOp('(');
    c.needWords('order', 'by');
    sortedBy(c);
    c.needOp(')');
  }
  if (!c.takeWords('respect', 'nulls')) c.takeWords('ignore', 'nulls');
  if (!c.takeWords('over')) return;
  if (c.isOp('(')) windowSpecification(c);
  else name(c);
}

/** `(w PARTITION BY a ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)` */
export function windowSpecification(c: Cursor): void {
  c.needOp('(');
  if (isFreeName(c, c.peek()) && !c.isOneOf(FRAME_UNITS)) name(c);
  if (c.takeWords('partition', 'by')) expressions(c);
  if (c.takeWords('order', 'by')) sortedBy(c);
  if (c.takeOneOf(FRAME_UNITS)) frame(c);
  c.needOp(')');
}

const FRAME_UNITS = setOf('rows range groups');

function frame(c: Cursor): void {
  if (c.takeWords('between')) {
    bound(c);
    c.needWords('and');
  }
  bound(c);
  if (!c.takeWords('exclude')) return;
  const known =
    c.takeWords('current', 'row') ||
    c.takeWords('group') ||
    c.takeWords('ties') ||
    c.takeWords('no', 'others');
  if (!known) refuse('unparsable');
}

function bound(c: Cursor): void {
  if (c.takeWords('current', 'row')) return;
  if (!c.takeWords('unbounded')) expression(c);
  if (!c.takeWords('preceding') && !c.takeWords('following')) refuse('unparsable');
}
