import type { SqlValue } from '@replication-lab/router';

/** A statement with its values still apart from its text. Nests, so that a column list is written once. */
export interface Sql {
  readonly strings: readonly string[];
  readonly values: readonly (SqlValue | Sql)[];
}

export interface Statement {
  readonly text: string;
  readonly params: readonly SqlValue[];
}

/** `` sql`select … where id = ${id}` ``: every value becomes a parameter, never a part of the text. */
export function sql(strings: TemplateStringsArray, ...values: readonly (SqlValue | Sql)[]): Sql {
  return { strings, values };
}

/** `` sql`… in (${list([1, 2])})` ``: as many parameters as values; at least one. */
export function list(values: readonly SqlValue[]): Sql {
  if (values.length === 0) throw new RangeError('an SQL list needs at least one value');
  return { strings: ['', ...values.slice(1).map(() => ', '), ''], values };
}

/**
 * Text and parameters as one engine wants them.
 * @param placeholder the text of the n-th parameter, from 1: `?` or `$1`
 */
export function render(query: Sql, placeholder: (index: number) => string): Statement {
  const params: SqlValue[] = [];
  const write = (part: Sql): string =>
    part.strings.reduce((text, piece, i) => {
      const value = part.values[i - 1] as SqlValue | Sql;
      if (isSql(value)) return text + write(value) + piece;
      params.push(value);
      return text + placeholder(params.length) + piece;
    });
  return { text: write(query), params };
}

const isSql = (value: SqlValue | Sql): value is Sql =>
  typeof value === 'object' && value !== null && 'strings' in value;

/** Escape character of every LIKE of this service: the engines' defaults differ, so it is always named. */
export const LIKE_ESCAPE = '!';

/** A LIKE pattern that finds `text` anywhere, with its `%` and `_` taken literally. */
export function containsPattern(text: string): string {
  return `%${text.replace(/[!%_]/g, (char) => LIKE_ESCAPE + char)}%`;
}
