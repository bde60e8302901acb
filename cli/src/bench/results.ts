import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot } from '../paths.ts';

/** Writes the figures to results/bench-WHAT/NAME.json, over those of the last run. */
export async function writeResults(what: string, name: string, figures: object): Promise<void> {
  const directory = join(repositoryRoot, 'results', `bench-${what}`);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, `${name}.json`), `${JSON.stringify(figures, null, 2)}\n`);
}
