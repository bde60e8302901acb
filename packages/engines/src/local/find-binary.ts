import { access, constants, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { ServerBinary } from '../types.ts';

/** Where distributions put servers that are not on an ordinary user's PATH. */
const EXTRA_DIRECTORIES = ['/usr/local/sbin', '/usr/sbin', '/usr/libexec', '/usr/local/mysql/bin'];

export async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** Every place where a program of this name is, in the order of PATH. */
export async function allOnPath(name: string): Promise<string[]> {
  const dirs = [...(process.env.PATH ?? '').split(':').filter(Boolean), ...EXTRA_DIRECTORIES];
  const found: string[] = [];
  for (const path of new Set(dirs.map((dir) => join(dir, name)))) {
    if (await isExecutable(path)) found.push(path);
  }
  return found;
}

/** `/usr/lib/postgresql/N/bin`, newest first: Debian keeps PostgreSQL's programs off the PATH. */
export async function debianPostgresDirectories(root = '/usr/lib/postgresql'): Promise<string[]> {
  const versions = await readdir(root).catch((): string[] => []);
  return versions
    .filter((version) => /^\d+$/.test(version))
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(root, version, 'bin'));
}

/** What `--version` prints, or null when the program does not run here. */
export async function versionText(path: string): Promise<string | null> {
  const result = await execa(path, ['--version'], { reject: false, timeout: 20_000 });
  return result.failed ? null : result.stdout;
}

/** Takes the version out of `--version`'s line; null when `pattern` does not match, so when it is another product. */
export function readVersion(path: string, text: string | null, pattern: RegExp): ServerBinary | null {
  const version = text?.match(pattern)?.[1];
  return version ? { path, version, major: Number.parseInt(version, 10) } : null;
}
