import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const ENTRY = fileURLToPath(new URL('../src/client.ts', import.meta.url));
/** Everything but `import type`, which leaves nothing behind when types are stripped. */
const IMPORT = /^(?:import|export)\s+(?!type\b)[^;]*?from\s+'([^']+)'|^import\s+'([^']+)'/gm;

function importsOf(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(IMPORT)].map((match) => (match[1] ?? match[2])!);
}

/** Files and packages that importing `file` loads at once. */
function reachable(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const target of importsOf(file)) {
    if (target.startsWith('.')) reachable(join(dirname(file), target), seen);
    else seen.add(target);
  }
  return seen;
}

/** A process in which these cannot be found, as where nobody has installed them. */
function runWithout(missing: readonly string[], program: string) {
  const hooks = `
    import { registerHooks } from 'node:module';
    registerHooks({
      resolve(name, context, next) {
        if (!${JSON.stringify(missing)}.includes(name)) return next(name, context);
        throw Object.assign(new Error("Cannot find package '" + name + "'"), { code: 'ERR_MODULE_NOT_FOUND' });
      },
    });`;
  const args = [
    '--import',
    `data:text/javascript,${encodeURIComponent(hooks)}`,
    '--input-type=module',
    '-e',
    program,
  ];
  return promisify(execFile)(process.execPath, args, { timeout: 20_000 });
}

describe("the client's half by itself", () => {
  it('loads no package before it is used, and nothing that starts processes', () => {
    const packages = [...reachable(ENTRY)].filter((target) => !target.startsWith('/'));
    expect(packages.sort()).toEqual(['node:net', 'node:timers/promises', 'node:tls']);
  });

  it('works where only the driver of the engine in use is installed, and names the one that is missing', async () => {
    const program = `
      import { ENGINE_NAMES, EngineError, getEngineClient } from ${JSON.stringify(ENTRY)};
      for (const engine of ENGINE_NAMES) {
        const client = getEngineClient(engine);
        try {
          await client.connect({ name: 'db-1', host: '127.0.43.250', port: 1 }, { user: 'u', password: 'p' });
        } catch (error) {
          console.log(engine, error instanceof EngineError, error.code, error.message);
        }
      }`;
    const { stdout } = await runWithout(['pg', 'zod', 'execa', 'node:child_process'], program);
    const [mysql, mariadb, postgres] = stdout.trim().split('\n');
    expect(mysql).toMatch(/^mysql true connect-failed/);
    expect(mariadb).toMatch(/^mariadb true connect-failed/);
    expect(postgres).toMatch(/^postgres true other .*npm install pg$/);
    const other = await runWithout(['mysql2', 'zod', 'execa', 'node:child_process'], program);
    expect(other.stdout).toMatch(/^mysql true other .*npm install mysql2$/m);
    expect(other.stdout).toMatch(/^postgres true connect-failed/m);
  });
});
