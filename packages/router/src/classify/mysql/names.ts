import type { Cursor } from './cursor.ts';
import { refuse } from './refused.ts';
import type { Token } from './token.ts';
import { setOf } from './words.ts';

/** A name that stands alone: quoted, or no reserved word. */
export function isFreeName(c: Cursor, token: Token): boolean {
  if (token.kind === 'word') return !c.dialect.reserved.has(token.text);
  return token.kind === 'name' || token.kind === 'dquoted';
}

export function name(c: Cursor): string {
  if (!isFreeName(c, c.peek())) refuse('unparsable');
  return c.next().text;
}

/** Directly after a dot every word is a name, `t.update` too; with a gap before it, it is read as a keyword. */
export function nameAfterDot(c: Cursor): string {
  const token = c.peek();
  if (token.kind === 'word' && token.glued) return c.next().text;
  return name(c);
}

/** `t`, `s.t`. */
export function qualifiedName(c: Cursor): string[] {
  const parts = [name(c)];
  if (c.takeOp('.')) parts.push(nameAfterDot(c));
  return parts;
}

/** `(a, b)` */
export function nameList(c: Cursor): void {
  c.needOp('(');
  c.list(name);
  c.needOp(')');
}

const SYSTEM_SCHEMAS = setOf('mysql performance_schema sys information_schema ndbinfo');

/**
 * What replication keeps alike on all nodes. The rest tells about one server (threads, caches, plugins, estimates) or about the
 * session's account, which is another one for reads than for writes (privileges, roles).
 */
const SAME_EVERYWHERE = setOf(`
  character_sets check_constraints collation_character_set_applicability collations columns columns_extensions
  geometry_columns json_duality_views key_column_usage key_period_usage keywords libraries parameters partitions periods
  referential_constraints routines schemata schemata_extensions sequences st_geometry_columns st_spatial_reference_systems
  st_units_of_measure statistics table_constraints tables tables_extensions triggers view_routine_usage view_table_usage
  views`);

/** A table to be read: `system-catalog` when its schema is the server's own. */
export function tableToRead(c: Cursor): void {
  checkTable(qualifiedName(c));
}

export function checkTable(parts: readonly string[]): void {
  const [schema, table] = parts.length > 1 ? [fold(parts[0]), fold(parts[1])] : [null, null];
  if (schema === null || !SYSTEM_SCHEMAS.has(schema)) return;
  if (schema !== 'information_schema' || !SAME_EVERYWHERE.has(table)) refuse('system-catalog');
}

export function checkSchema(schema: string): void {
  const folded = fold(schema);
  if (SYSTEM_SCHEMAS.has(folded) && folded !== 'information_schema') refuse('system-catalog');
}

/** The servers compare names with more letters alike than A and a: accents, the long s. Too many alike does no harm here. */
function fold(text = ''): string {
  const plain = text.normalize('NFKD').replace(/\p{M}/gu, '');
  return plain.toUpperCase().toLowerCase().trim();
}
