import { type ExecFileException, execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packPackage } from '../scripts/pack.ts';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../../..');
const STEP_TIMEOUT_MS = 90_000;

/** A project outside the workspace that installs the tarball, and mysql2 of the two drivers. */
let project: string;
let installed: string;

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'router-consumer-'));
  const tarball = await packPackage(join(project, 'made'));
  await writeFile(join(project, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }');
  const { mysql2 } = JSON.parse(
    await readFile(join(ROOT, 'packages/engines/package.json'), 'utf8'),
  ).dependencies;
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'];
  await run('npm', ['install', ...flags, tarball, `mysql2@${mysql2}`], {
    cwd: project,
    timeout: STEP_TIMEOUT_MS,
  });
  installed = join(project, 'node_modules/@replication-lab/router');
}, 2 * STEP_TIMEOUT_MS);
afterAll(() => rm(project, { recursive: true, force: true }));

/** What a script in the project prints. */
async function print(script: string): Promise<string> {
  const file = join(project, 'script.js');
  await writeFile(file, script);
  const { stdout } = await run(process.execPath, [file], { cwd: project, timeout: STEP_TIMEOUT_MS });
  return stdout.trim();
}

test('the tarball holds JavaScript, types, README and LICENSE, and no sources, tests or maps', async () => {
  const files = (await readdir(installed, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);
  expect(files).toEqual(
    expect.arrayContaining(['package.json', 'README.md', 'LICENSE', 'index.js', 'index.d.ts']),
  );
  const strange = files.filter(
    (name) => !/\.(?:js|d\.ts)$|^(?:package\.json|README\.md|LICENSE)$/.test(name),
  );
  expect(strange).toEqual([]);
  expect(files.filter((name) => name.includes('.test.'))).toEqual([]);
});

test('it needs the parser, and one of the drivers; nothing of the workspace', async () => {
  const manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
  expect(Object.keys(manifest.dependencies)).toEqual(['libpg-query']);
  expect(manifest.peerDependenciesMeta).toEqual({ mysql2: { optional: true }, pg: { optional: true } });
  expect(manifest).not.toHaveProperty('private');
  expect(manifest).not.toHaveProperty('devDependencies');
  await expect(access(join(project, 'node_modules/zod'))).rejects.toThrow();
  await expect(access(join(project, 'node_modules/pg'))).rejects.toThrow();
});

test('plain JavaScript imports it without pg; asking for PostgreSQL says what is missing', async () => {
  const script = `
    import { createRouter, RouterError } from '@replication-lab/router';
    import { mysqlPool, pgPool } from '@replication-lab/router/pools';
    const account = { user: 'u', password: 'p' };
    const options = {
      nodes: [{ name: 'db-1', host: '127.0.0.1', port: 1 }],
      database: 'lab',
      accounts: { app: account, appReadOnly: account, monitor: account },
      tokenKeys: ['0123456789abcdef0123456789abcdef'],
    };
    const router = createRouter({ engine: 'mysql', ...options });
    const error = await router.query('SELECT 1', [], { timeoutMs: 300 }).catch((thrown) => thrown);
    const pools = [typeof mysqlPool(router), typeof pgPool(router.session())];
    await router.close();
    const other = createRouter({ engine: 'postgres', ...options });
    const said = await other.ready(500).then(() => other.query('SELECT 1')).catch((thrown) => thrown.message);
    const seen = other.topology().nodes[0].error;
    console.log(JSON.stringify({
      pools,
      isRouterError: error instanceof RouterError,
      saidByPostgres: said,
      seenOfPostgres: seen,
    }));
    process.exit(0);
  `;
  expect(JSON.parse(await print(script))).toEqual({
    pools: ['object', 'object'],
    isRouterError: true,
    saidByPostgres: expect.any(String),
    seenOfPostgres: expect.stringMatching(/npm install pg\b/),
  });
});

const CONSUMER = `
import { createRouter, type ReadRequest, type Router, RouterError, type RouterOptions } from '@replication-lab/router';
import { type MysqlPool, mysqlPool, type PgPool, pgPool } from '@replication-lab/router/pools';
import { Kysely, MysqlDialect, PostgresDialect } from 'kysely';

export async function use(options: RouterOptions): Promise<string> {
  await using router: Router = createRouter(options);
  const request: ReadRequest = { level: 'bounded', maxStalenessMs: 100 };
  const { rows, decision } = await router.query('SELECT 1 AS one', [], request);
  const { value } = await router.session().transaction(async (tx) => (await tx.query('SELECT 1')).rows.length);
  const [mysql, pg]: [MysqlPool, PgPool] = [mysqlPool(router), pgPool(router.session())];
  const db = new Kysely<object>({ dialect: new PostgresDialect({ pool: pg }) });
  const other = new Kysely<object>({ dialect: new MysqlDialect({ pool: mysql }) });
  // @ts-expect-error: there are no events
  pg.on('error', () => {});
  await Promise.all([db.destroy(), other.destroy()]);
  const wrong: number | RouterError = value;
  return \`\${decision.reason} \${rows[0]?.one} \${wrong}\`;
}
`;

test.each(['nodenext', 'bundler'])(
  'its types hold for a project that checks libraries: %s',
  async (resolution) => {
    await mkdir(join(project, 'node_modules/@types'), { recursive: true });
    for (const name of ['@types/node', 'kysely']) {
      await symlink(join(ROOT, 'node_modules', name), join(project, 'node_modules', name)).catch(
        ignoreExisting,
      );
    }
    await writeFile(join(project, 'consumer.ts'), CONSUMER);
    const compilerOptions = {
      target: 'es2022',
      module: resolution === 'bundler' ? 'esnext' : 'nodenext',
      moduleResolution: resolution,
      types: ['node'],
      strict: true,
      noEmit: true,
      skipLibCheck: false,
    };
    await writeFile(
      join(project, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['consumer.ts'] }),
    );
    const compiler = join(
      dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
      'bin/tsc',
    );
    const errors = await run(process.execPath, [compiler, '-p', project], { timeout: STEP_TIMEOUT_MS }).then(
      () => '',
      (error: ExecFileException) => error.stdout,
    );
    expect(errors).toBe('');
  },
);

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
