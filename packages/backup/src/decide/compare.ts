import type { TableSum } from '../types.ts';

export interface Comparison {
  readonly tables: number;
  readonly rows: number;
  /** Each difference in words; none: all tables have the same rows. */
  readonly differences: readonly string[];
}

/** `restored` beside what there was at the same position. */
export function compareSums(restored: readonly TableSum[], expected: readonly TableSum[]): Comparison {
  const wanted = new Map(expected.map((sum) => [sum.table, sum]));
  const differences: string[] = [];
  for (const { table, rows, checksum } of restored) {
    const other = wanted.get(table);
    wanted.delete(table);
    if (!other) differences.push(`${table} should not be there`);
    else if (other.rows !== rows) differences.push(`${table} has ${rows} rows, not ${other.rows}`);
    else if (other.checksum !== checksum) differences.push(`${table} has other values in its ${rows} rows`);
  }
  for (const table of wanted.keys()) differences.push(`${table} is missing`);
  return {
    tables: restored.length,
    rows: restored.reduce((sum, { rows }) => sum + rows, 0),
    differences,
  };
}
