import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg, release, type } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { repositoryRoot } from '../paths.ts';
import type { BenchFailover } from './types.ts';
import { renderMarkdown } from './words.ts';

const DIRECTORY = join(repositoryRoot, 'results/bench-failover');
const PAGE = join(repositoryRoot, 'docs/reference/failover-comparison.md');
const BEGIN = '<!-- bench:begin (written by `./lab bench failover --update-readme`) -->';
const END = '<!-- bench:end -->';

/** Writes trials.json and summary.md; returns where. */
export async function writeResults(bench: BenchFailover): Promise<string> {
  await mkdir(DIRECTORY, { recursive: true });
  const file = join(DIRECTORY, 'trials.json');
  await writeFile(file, `${JSON.stringify(bench, null, 2)}\n`);
  await writeFile(join(DIRECTORY, 'summary.md'), `${renderMarkdown(bench)}\n`);
  return file;
}

/** Puts the table into the page that is kept in the repository; returns its path. */
export async function updatePage(bench: BenchFailover): Promise<string> {
  await writeFile(PAGE, withBlock(await readFile(PAGE, 'utf8'), renderMarkdown(bench)));
  return PAGE;
}

/** The text with `block` between the marks, which it has. Pure. */
export function withBlock(text: string, block: string): string {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`the page has lost its marks ${BEGIN} and ${END}`);
  return `${text.slice(0, begin + BEGIN.length)}\n\n${block.trim()}\n\n${text.slice(end)}`;
}

export const readMachine = (): BenchFailover['machine'] => ({
  cpuModel: cpus()[0]?.model ?? 'unknown',
  cpus: cpus().length,
  kernel: `${type()} ${release()}`,
  node: process.version.slice(1),
  loadBefore: loadavg()[0] ?? 0,
});

/** Of the programs that were measured, by their own word. */
export async function readVersions(
  programs: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const versions: Record<string, string> = {};
  for (const [name, file] of Object.entries(programs)) {
    const said = await execa(file, ['--version'], { reject: false, stdin: 'ignore', timeout: 20_000 });
    versions[name] = /\d+\.\d+(\.\d+)?/.exec(String(said.stdout ?? ''))?.[0] ?? 'unknown';
  }
  return versions;
}
