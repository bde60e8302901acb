import { loadModule, scanSync } from 'libpg-query';

const SPACES = [' ', '\n', '\t', '\r\n ', '  ', '\f'];
const COMMENTS = ['/**/', ' /* FOR UPDATE; */ ', " -- it's a comment\n", '/* a /* b */ c */'];

/** For each gap between two tokens a number that chooses what stands there, for each word one that chooses its case. */
export interface Layout {
  readonly gaps: readonly number[];
  readonly cases: readonly number[];
}

await loadModule();

/**
 * The same statement with other white space, comments and upper or lower case. Null for what has no tokens or no whole text. The parser
 * does not understand a comment inside NOT IN and its like, as servers do: leave `comments` out where that matters.
 */
export function relaid(sql: string, { gaps, cases }: Layout, comments: boolean): string | null {
  if (!sql.isWellFormed() || sql.includes('\0')) return null;
  let tokens: readonly { readonly text: string }[];
  try {
    ({ tokens } = scanSync(sql));
  } catch {
    return null;
  }
  const choices = comments ? [...SPACES, ...COMMENTS] : SPACES;
  const gapAt = (i: number): string => choices[(gaps[i % gaps.length] ?? 0) % choices.length]!;
  const written = tokens.map(({ text }) => text).filter((text) => !/^(?:--|\/\*)/.test(text));
  return written
    .map((text, i) => {
      const isOneWithThis = i === 0 || (text.startsWith("'") && /^n$/i.test(written[i - 1]!)); // N'…'
      return (isOneWithThis ? '' : gapAt(i)) + inCase(text, cases[i % cases.length] ?? 0);
    })
    .join('');
}

/** Words only: what stands in quotes means what it says. */
function inCase(text: string, choice: number): string {
  if (!/^[a-z_][a-z0-9_]*$/i.test(text)) return text;
  if (choice % 3 === 0) return text.toLowerCase();
  if (choice % 3 === 1) return text.toUpperCase();
  return [...text].map((letter, i) => (i % 2 ? letter.toUpperCase() : letter.toLowerCase())).join('');
}
