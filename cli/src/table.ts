import { pc } from './colours.ts';

/** Columns as wide as their widest cell. Colours in a cell do not count. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((cell, i) => Math.max(width(cell), ...rows.map((row) => width(row[i] ?? ''))));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => cell + ' '.repeat(widths[i]! - width(cell)))
      .join('  ')
      .trimEnd();
  return [pc.dim(line(head)), ...rows.map(line)];
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
const width = (text: string) => text.replaceAll(/\x1b\[\d+m/g, '').length;
