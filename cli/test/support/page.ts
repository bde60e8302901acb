import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { repositoryRoot } from '../../src/paths.ts';
import { API_URL, LOOPBACK, type TestLab } from './lab.ts';

/** Commands of a page that stand together in one block. */
export interface CommandBlock {
  /** The section that they are in, and which of its blocks they are: `Try it 2`. */
  readonly name: string;
  readonly commands: string;
}

/** All blocks of a page that are marked as shell commands, in their order. */
export function commandBlocksOf(path: string): CommandBlock[] {
  const page = readFileSync(join(repositoryRoot, path), 'utf8');
  const blocks: CommandBlock[] = [];
  for (const section of page.split(/^#+ /m).slice(1)) {
    const heading = section.slice(0, section.indexOf('\n')).trim();
    const found = [...section.matchAll(/^```sh\n(.*?)^```$/gms)];
    found.forEach(([, commands], i) => {
      blocks.push({ name: found.length > 1 ? `${heading} ${i + 1}` : heading, commands: commands! });
    });
  }
  return blocks;
}

/** Runs a block as a reader would type it, on the test's lab: the addresses of the page become the lab's. */
export async function runBlock(lab: TestLab, { name, commands }: CommandBlock): Promise<string> {
  const here = commands
    .replaceAll('http://127.0.0.1:8080', API_URL)
    .replaceAll('https://127.0.10.', `https://${LOOPBACK}.10.`);
  const { exitCode, stdout, all } = await execa('bash', ['-euo', 'pipefail', '-c', here], {
    cwd: repositoryRoot,
    env: { ...lab.env, PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ''}` },
    stdin: 'ignore',
    reject: false,
    all: true,
    timeout: 170_000,
  });
  if (exitCode !== 0) throw new Error(`the commands of "${name}" ended with ${exitCode}:\n${here}\n${all}`);
  return stdout;
}
