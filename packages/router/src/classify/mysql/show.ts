import type { Cursor } from './cursor.ts';
import { expression, takeText } from './expression.ts';
import { checkSchema, checkTable, name, qualifiedName } from './names.ts';
import { type RefusalReason, refuse } from './refused.ts';
import { setOf } from './words.ts';

/** What SHOW … says of one server or one connection only; everything that `show` does not know is `system-catalog`. */
const REASONS: ReadonlyMap<string, RefusalReason> = new Map([
  ['variables', 'system-variable'],
  ['status', 'system-variable'],
  ['global', 'system-variable'],
  ['session', 'system-variable'],
  ['local', 'system-variable'],
  ['warnings', 'session-function'],
  ['errors', 'session-function'],
  ['count', 'session-function'],
]);

/** Behind SHOW: the definitions, which replication keeps alike on all nodes. */
export function show(c: Cursor): void {
  const reason = c.peek().kind === 'word' ? REASONS.get(c.peek().text) : undefined;
  if (reason) refuse(reason);
  if (c.takeWords('create')) showCreate(c);
  else if (takeSchemaList(c)) filter(c);
  else if (c.takeOneOf(INDEXES)) ofTable(c);
  else {
    c.takeWords('extended');
    c.takeWords('full');
    if (c.takeOneOf(OF_SCHEMA)) ofSchema(c);
    else if (c.takeOneOf(OF_TABLE)) ofTable(c);
    else refuse('system-catalog');
  }
}

const INDEXES = setOf('index indexes keys');
const OF_SCHEMA = setOf('tables triggers');
const OF_TABLE = setOf('columns fields index indexes keys');
const SCHEMAS = setOf('databases schemas');

function takeSchemaList(c: Cursor): boolean {
  return (
    c.takeOneOf(SCHEMAS) ||
    c.takeWords('character', 'set') ||
    c.takeWords('charset') ||
    c.takeWords('collation') ||
    c.takeWords('procedure', 'status') ||
    c.takeWords('function', 'status')
  );
}

/** Not EVENT and USER: replicas keep events switched off, and accounts may differ. */
const CREATED = setOf('table view database schema procedure function trigger sequence package');

function showCreate(c: Cursor): void {
  if (!c.takeOneOf(CREATED)) refuse('system-catalog');
  c.takeWords('body');
  c.takeWords('if', 'not', 'exists');
  checkTable(qualifiedName(c));
}

function ofSchema(c: Cursor): void {
  if (takeFrom(c)) checkSchema(name(c));
  filter(c);
}

/** `FROM t FROM s LIKE 'a%'` */
function ofTable(c: Cursor): void {
  if (!takeFrom(c)) refuse('unparsable');
  const table = qualifiedName(c);
  if (takeFrom(c)) checkTable([name(c), table.at(-1) ?? '']);
  else checkTable(table);
  filter(c);
}

const takeFrom = (c: Cursor): boolean => c.takeWords('from') || c.takeWords('in');

function filter(c: Cursor): void {
  if (c.takeWords('like')) {
    if (!takeText(c)) refuse('unparsable');
  } else if (c.takeWords('where')) expression(c);
}
