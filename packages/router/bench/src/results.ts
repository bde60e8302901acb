import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg, release, type } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { ENGINE_NAMES, type EngineName } from '@replication-lab/engines';
import type { BenchOptions } from './options.ts';
import type { Workload } from './protocol.ts';
import { renderBlock, withBlock } from './readme.ts';
import { type BenchSummary, SUMMARY_FORMAT } from './summary.ts';
import { renderMarkdown } from './words.ts';

const BENCH = resolve(import.meta.dirname, '..');
const ROUTER = resolve(BENCH, '..');
const REPOSITORY = resolve(ROUTER, '../..');

/** A smoke run must not take the place of a measurement. */
export const resultsDirectory = ({ quick }: Pick<BenchOptions, 'quick'>): string =>
  join(REPOSITORY, 'results/bench-router', quick ? 'quick' : '');

export function profileFile(
  options: Pick<BenchOptions, 'quick'>,
  engine: EngineName,
  subject: string,
  workload: Workload,
): string {
  const directory = join(resultsDirectory(options), 'profiles');
  mkdirSync(directory, { recursive: true });
  return join(directory, `${engine}-${subject}-${workload}.cpuprofile`);
}

/** Writes ENGINE.json, and summary.md over all engines that have one. Returns where. */
export async function writeResults(summary: BenchSummary): Promise<string> {
  const directory = resultsDirectory(summary);
  await mkdir(directory, { recursive: true });
  const file = join(directory, `${summary.engine}.json`);
  await writeFile(file, `${JSON.stringify(summary, null, 2)}\n`);
  await writeFile(join(directory, 'summary.md'), renderMarkdown(await readResults(directory)));
  return file;
}

/** The newest run of every engine that has one of this format. */
async function readResults(directory: string): Promise<BenchSummary[]> {
  const summaries: BenchSummary[] = [];
  for (const engine of ENGINE_NAMES) {
    const text = await readFile(join(directory, `${engine}.json`), 'utf8').catch(() => null);
    const summary = text === null ? null : (JSON.parse(text) as BenchSummary);
    if (summary?.format === SUMMARY_FORMAT) summaries.push(summary);
  }
  return summaries;
}

/** The marked part of the router's README, and RESULTS.md beside this package: what is kept in the repository. */
export async function updateReadme(): Promise<string[]> {
  const summaries = await readResults(resultsDirectory({ quick: false }));
  const readme = join(ROUTER, 'README.md');
  const results = join(BENCH, 'RESULTS.md');
  await writeFile(readme, withBlock(await readFile(readme, 'utf8'), renderBlock(summaries)));
  await writeFile(results, renderMarkdown(summaries));
  return [readme, results];
}

export function readEnvironment(): BenchSummary['environment'] {
  return {
    cpuModel: cpus()[0]?.model ?? 'unknown',
    cpus: cpus().length,
    kernel: `${type()} ${release()}`,
    node: process.version.slice(1),
    loadAverage: loadavg()[0] ?? 0,
  };
}

/** Pinned versions of all that is measured. Throws where the raw driver is not the very one that the router uses. */
export async function readVersions(): Promise<Record<string, string>> {
  const read = async (file: string): Promise<Record<string, string>> =>
    JSON.parse(await readFile(file, 'utf8')).dependencies;
  const own = await read(join(BENCH, 'package.json'));
  const engines = await read(join(REPOSITORY, 'packages/engines/package.json'));
  for (const driver of ['mysql2', 'pg']) {
    if (own[driver] !== engines[driver])
      throw new Error(
        `bench/package.json pins ${driver} ${own[driver]}, the router uses ${engines[driver]}: make them equal`,
      );
  }
  return own;
}

export async function readCommit(): Promise<string> {
  const git = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)('git', args, { cwd: REPOSITORY })).stdout.trim();
  try {
    const commit = await git('rev-parse', '--short', 'HEAD');
    const changed = await git('status', '--porcelain', '--', 'packages/router/src', 'packages/engines/src');
    return changed === '' ? commit : `${commit}+`;
  } catch {
    return 'unknown';
  }
}
