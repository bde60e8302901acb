import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { linkSpecifiers, reachable, specifiersOf } from '../scripts/emitted.ts';

test('finds what a compiled module names', () => {
  const text = [
    `import a from './a.js';`,
    `import * as b from "b";`,
    `import { c } from '../c.js'; import type { D } from 'd';`,
    `import 'side-effect';`,
    `export {\n  j,\n} from './j.js';`,
    `export * from './e.js';`,
    `const f = await import('f');`,
    `const g = createRequire(import.meta.url)('x'), h = require('h');`,
    `type I = import("./i.js").I;`,
    `const from = 'nowhere', words = ['from', 'where', 'import', 'x'];`,
  ].join('\n');
  expect(specifiersOf(text)).toEqual([
    { name: './a.js', isStatic: true },
    { name: 'b', isStatic: true },
    { name: '../c.js', isStatic: true },
    { name: 'd', isStatic: true },
    { name: 'side-effect', isStatic: true },
    { name: './j.js', isStatic: true },
    { name: './e.js', isStatic: true },
    { name: 'f', isStatic: false },
    { name: 'h', isStatic: false },
    { name: './i.js', isStatic: false },
  ]);
});

test('links a package by relative paths, and leaves the others alone', () => {
  const targets = new Map([['@lab/engines', '/dist/engines/index.js']]);
  const text = `import { a } from '@lab/engines';\nconst b = import("@lab/engines");\nimport c from 'c';`;
  expect(linkSpecifiers(text, '/dist/router/deep/file.js', targets)).toBe(
    `import { a } from '../../engines/index.js';\nconst b = import("../../engines/index.js");\nimport c from 'c';`,
  );
  expect(linkSpecifiers(text, '/dist/engines/file.js', targets)).toContain(`from './index.js'`);
  const types = `export * from './types.ts'; export type T = import("../a.ts").T; import 'b.ts';`;
  expect(linkSpecifiers(types, '/dist/file.d.ts', targets)).toBe(
    `export * from './types.js'; export type T = import("../a.js").T; import 'b.ts';`,
  );
});

test('follows relative names, those of types to the types beside them', () => {
  const files = new Map([
    [resolve('/p/index.js'), `import './deep/a.js'; import 'pg';`],
    [resolve('/p/deep/a.js'), `export * from '../index.js';`],
    [resolve('/p/index.d.ts'), `export * from './types.js';`],
    [resolve('/p/types.d.ts'), ''],
  ]);
  const read = (file: string) => files.get(file)!;
  const entries = [resolve('/p/index.js'), resolve('/p/index.d.ts')];
  expect(reachable(entries, read)).toEqual(new Set(files.keys()));
});
