/** Reading a parse tree as the parser hands it out: nested objects, defaults left out. */

export type Fields = Readonly<Record<string, unknown>>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `{Kind: {…fields}}` taken apart; `nothing` for `{}`, which stands for an empty place in a list; null: not a node. */
export function unwrap(node: unknown): readonly [kind: string, fields: Fields] | 'nothing' | null {
  if (!isFields(node)) return null;
  const entries = Object.entries(node);
  if (entries.length === 0) return 'nothing';
  const [kind, fields] = entries[0]!;
  return entries.length === 1 && isFields(fields) ? [kind, fields] : null;
}

/** The kind of a node, or null when it is none. */
export function kindOf(node: unknown): string | null {
  const item = unwrap(node);
  return item === null || item === 'nothing' ? null : item[0];
}

/** The texts of a list of String nodes, the way names are written; null when anything else is among them. */
export function namesIn(list: unknown): readonly string[] | null {
  if (!Array.isArray(list)) return null;
  const names = list.map(stringOf);
  return names.every((name) => name !== null) ? names : null;
}

/** The text of a String node, else null. */
export function stringOf(node: unknown): string | null {
  const item = unwrap(node);
  if (item === null || item === 'nothing' || item[0] !== 'String') return null;
  const { sval } = item[1];
  return typeof sval === 'string' ? sval : '';
}
