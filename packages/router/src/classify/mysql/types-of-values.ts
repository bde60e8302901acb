import type { Cursor } from './cursor.ts';
import { isFreeName, name } from './names.ts';
import { refuse } from './refused.ts';
import { TYPE_WORDS } from './words.ts';

/** `CHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`, `SIGNED INTEGER`, `DECIMAL(10, 2)` … */
export function type(c: Cursor): void {
  if (!c.isOneOf(TYPE_WORDS)) refuse('unparsable');
  takeTypeWords(c);
  if (c.takeOp('(')) {
    c.list(sizeOrLabel);
    c.needOp(')');
    takeTypeWords(c);
  }
  if (c.takeWords('character', 'set') || c.takeWords('charset')) characterSet(c);
  if (c.takeWords('collate')) collation(c);
}

function takeTypeWords(c: Cursor): void {
  while (!c.isWord('set', 1) && c.takeOneOf(TYPE_WORDS));
}

/** ENUM and SET have texts for sizes. */
function sizeOrLabel(c: Cursor): void {
  const { kind } = c.next();
  if (kind !== 'number' && kind !== 'text') refuse('unparsable');
}

export function characterSet(c: Cursor): void {
  if (c.takeWords('binary')) return;
  if (isFreeName(c, c.peek())) name(c);
  else refuse('unparsable');
}

const collation = characterSet;
