import { execa } from 'execa';
import { repositoryRoot } from './paths.ts';

/** The commit that is measured; with a `+` where the sources differ from it. `unknown` outside a checkout. */
export async function readCommit(): Promise<string> {
  const git = (...args: string[]) => execa('git', args, { cwd: repositoryRoot, reject: false });
  const { exitCode, stdout } = await git('rev-parse', '--short', 'HEAD');
  if (exitCode !== 0) return 'unknown';
  const changed = await git('status', '--porcelain', '--', 'packages', 'services', 'cli/src');
  return changed.stdout === '' ? stdout : `${stdout}+`;
}
