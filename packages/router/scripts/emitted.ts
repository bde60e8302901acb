import { dirname, relative, resolve, sep } from 'node:path';

/**
 * Where a module names another: `import … from '…'`, `export … from '…'`, `import '…'`, `import('…')`, `require('…')`. The first
 * three are statements: the word `from` alone may be in any text, above all in one about SQL.
 */
const SPECIFIER =
  /((?<=^|;[ \t]*)(?:import|export)\b[^'";]*?\bfrom\s*|(?<=^|;[ \t]*)import\s*|\bimport\s*\(\s*|\brequire\s*\(\s*)(['"])([^'"\n]+)\2/gm;

export interface Specifier {
  readonly name: string;
  readonly isStatic: boolean;
}

export const specifiersOf = (text: string): Specifier[] =>
  [...text.matchAll(SPECIFIER)].map(([, before, , name]) => ({
    name: name!,
    isStatic: !before!.trimEnd().endsWith('('),
  }));

/**
 * Replaces bare names of `targets` by relative paths, as seen from `file`, and the ending `.ts` of relative ones, which the
 * compiler leaves in types, by `.js`.
 */
export function linkSpecifiers(text: string, file: string, targets: ReadonlyMap<string, string>): string {
  return text.replace(SPECIFIER, (whole, before: string, quote: string, name: string) => {
    const target = targets.get(name);
    if (target !== undefined) return `${before}${quote}${relativePath(file, target)}${quote}`;
    return name.startsWith('.') ? `${before}${quote}${name.replace(/\.ts$/, '.js')}${quote}` : whole;
  });
}

function relativePath(from: string, to: string): string {
  const path = relative(dirname(from), to).split(sep).join('/');
  return path.startsWith('.') ? path : `./${path}`;
}

/**
 * The files that `entries` reach by relative names. `read` gives a file's text; of a `.d.ts` the names end in `.js` all the
 * same, and mean the `.d.ts` beside it.
 */
export function reachable(entries: readonly string[], read: (file: string) => string): Set<string> {
  const found = new Set<string>();
  const left = [...entries];
  for (let file = left.pop(); file !== undefined; file = left.pop()) {
    if (found.has(file)) continue;
    found.add(file);
    for (const { name } of specifiersOf(read(file))) {
      if (!name.startsWith('.')) continue;
      const target = resolve(dirname(file), name);
      left.push(file.endsWith('.d.ts') ? target.replace(/\.js$/, '.d.ts') : target);
    }
  }
  return found;
}
