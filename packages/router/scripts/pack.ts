/**
 * Builds the package and makes its tarball.
 *
 *   node scripts/pack.ts [FOLDER]      where the tarball goes; default: dist
 */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { buildPackage } from './build.ts';

const run = promisify(execFile);
const DIST = resolve(import.meta.dirname, '../dist');
const PACK_TIMEOUT_MS = 60_000;

/** The tarball's path. The package is built below `folder`, too. */
export async function packPackage(folder: string): Promise<string> {
  const staging = join(folder, 'package');
  await mkdir(folder, { recursive: true });
  await buildPackage(staging);
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: staging,
    timeout: PACK_TIMEOUT_MS,
  });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  return join(folder, filename);
}

if (import.meta.main) console.log(await packPackage(resolve(process.argv[2] ?? DIST)));
