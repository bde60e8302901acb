/**
 * Makes the package as it is published, in a folder of its own: JavaScript and types, with the engines' client half inside.
 * The workspace goes on running the TypeScript sources, and nothing outside the folder is touched.
 *
 *   node scripts/build.ts [FOLDER]      default: dist/package
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { linkSpecifiers, reachable, specifiersOf } from './emitted.ts';

const run = promisify(execFile);
const ROUTER = resolve(import.meta.dirname, '..');
const ENGINES = resolve(ROUTER, '../engines');
const COMPILE_TIMEOUT_MS = 120_000;

/** What the package offers, and the module behind it. */
const ENTRIES = { '.': 'router/index', './pools': 'router/adapters/index' } as const;
/** Database drivers: the application brings the one it needs, so they are loaded when an engine is chosen. */
const DRIVERS = ['mysql2', 'pg'];

interface Manifest {
  readonly version: string;
  readonly license: string;
  readonly dependencies: Readonly<Record<string, string>>;
}
const manifestOf = async (folder: string): Promise<Manifest> =>
  JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));

export async function buildPackage(folder: string): Promise<void> {
  const dist = join(folder, 'dist');
  await rm(folder, { recursive: true, force: true });
  await compile(dist);
  await link(dist);
  const manifest = await publishedManifest();
  await prune(dist, Object.keys(manifest.dependencies));
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  for (const file of ['README.md', 'LICENSE']) await cp(join(ROUTER, file), join(folder, file));
}

async function compile(dist: string): Promise<void> {
  const compiled = await mkdtemp(join(tmpdir(), 'router-build-'));
  const compiler = createRequire(import.meta.url)
    .resolve('typescript/package.json')
    .replace('package.json', 'bin/tsc');
  const args = [compiler, '-p', join(ROUTER, 'tsconfig.build.json'), '--outDir', compiled];
  try {
    await run(process.execPath, args, { timeout: COMPILE_TIMEOUT_MS });
    await cp(join(compiled, 'router/src'), join(dist, 'router'), { recursive: true });
    await cp(join(compiled, 'engines/src'), join(dist, 'engines'), { recursive: true });
  } catch (error) {
    const { stdout } = error as { stdout?: string };
    throw new Error(`the router does not compile:\n${stdout ?? ''}`, { cause: error });
  } finally {
    await rm(compiled, { recursive: true, force: true });
  }
}

/** The engines' client half is part of this package, and the router uses nothing else of them. */
async function link(dist: string): Promise<void> {
  const client = join(dist, 'engines/client.js');
  const targets = new Map([
    ['@replication-lab/engines', client],
    ['@replication-lab/engines/client', client],
  ]);
  for (const file of await filesOf(dist)) {
    const text = await readFile(file, 'utf8');
    const linked = linkSpecifiers(text, file, targets);
    if (linked !== text) await writeFile(file, linked);
  }
}

/** Leaves what the entries need. Throws when that reaches for a package which the published one does not bring. */
async function prune(dist: string, dependencies: readonly string[]): Promise<void> {
  const entries = (extension: string) => Object.values(ENTRIES).map((entry) => join(dist, entry + extension));
  const read = (file: string) => readFileSync(file, 'utf8');
  const code = reachable(entries('.js'), read);
  const types = reachable(entries('.d.ts'), read);
  for (const file of await filesOf(dist)) {
    if (!code.has(file) && !types.has(file)) {
      await rm(file);
      continue;
    }
    for (const { name, isStatic } of specifiersOf(read(file))) {
      if (name.startsWith('.') || name.startsWith('node:')) continue;
      const isThere =
        code.has(file) && (dependencies.includes(name) || (!isStatic && DRIVERS.includes(name)));
      if (!isThere) throw new Error(`${relative(dist, file)} needs ${name}, which may not be there`);
    }
  }
  // For whoever has neither the newest library nor Node's types, which name it too.
  for (const file of entries('.d.ts')) {
    await writeFile(file, `/// <reference lib="esnext.disposable" />\n${read(file)}`);
  }
}

async function publishedManifest() {
  const [router, engines] = [await manifestOf(ROUTER), await manifestOf(ENGINES)];
  const dependencies = Object.entries(router.dependencies).filter(
    ([name]) => !name.startsWith('@replication-lab/'),
  );
  return {
    name: '@replication-lab/router',
    version: router.version,
    description:
      'Read/write router for replicated MySQL, MariaDB and PostgreSQL: read your own writes, across instances.',
    keywords: [
      'mysql',
      'mariadb',
      'postgres',
      'replication',
      'read-replica',
      'read-your-writes',
      'kysely',
      'drizzle',
    ],
    license: router.license,
    type: 'module',
    sideEffects: false,
    engines: { node: '>=22.12' },
    exports: Object.fromEntries(
      Object.entries(ENTRIES).map(([name, entry]) => [
        name,
        { types: `./dist/${entry}.d.ts`, default: `./dist/${entry}.js` },
      ]),
    ),
    dependencies: Object.fromEntries(dependencies),
    peerDependencies: Object.fromEntries(DRIVERS.map((name) => [name, `^${engines.dependencies[name]}`])),
    peerDependenciesMeta: Object.fromEntries(DRIVERS.map((name) => [name, { optional: true }])),
  };
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

if (import.meta.main) {
  const folder = resolve(process.argv[2] ?? join(ROUTER, 'dist/package'));
  await buildPackage(folder);
  console.log(folder);
}
