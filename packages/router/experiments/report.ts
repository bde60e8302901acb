import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { cpus, loadavg, release } from 'node:os';
import { join } from 'node:path';
import { type ExperimentOptions, type ExperimentResult, type Verdict, verdictOf } from './experiment.ts';

const RESULTS = join(import.meta.dirname, '../../../results/router-experiments');

const MARK: Readonly<Record<Verdict, string>> = {
  held: 'held',
  violated: 'VIOLATED',
  'not-enough': 'not enough evidence',
};

/** One run as it is kept. */
export interface Report {
  readonly experiment: string;
  readonly engine: string;
  readonly verdict: Verdict;
  readonly startedAt: string;
  readonly elapsedSeconds: number;
  readonly options: Pick<ExperimentOptions, 'seconds' | 'reads' | 'seed' | 'control' | 'lag'>;
  readonly machine: { readonly cpus: number; readonly load: readonly number[]; readonly kernel: string };
  readonly result: ExperimentResult;
}

export function makeReport(
  experiment: string,
  { engine, seconds, reads, seed, control, lag }: ExperimentOptions,
  startedAt: Date,
  result: ExperimentResult,
): Report {
  return {
    experiment,
    engine,
    verdict: verdictOf(result.criteria),
    startedAt: startedAt.toISOString(),
    elapsedSeconds: Math.round((Date.now() - startedAt.getTime()) / 1_000),
    options: { seconds, reads, seed, control, lag },
    machine: { cpus: cpus().length, load: loadavg(), kernel: release() },
    result,
  };
}

/** The result for a terminal: a plain table of the criteria, then the notes. */
export function renderReport({
  experiment,
  engine,
  verdict,
  options,
  result,
  elapsedSeconds,
}: Report): string {
  const control = options.control === null ? '' : `, broken on purpose: ${options.control}`;
  const rows = result.criteria.map((row) => [row.measured, row.wanted, row.figure, MARK[row.verdict]]);
  return [
    `${experiment} on ${engine} (seed ${options.seed}, ${elapsedSeconds} s${control})`,
    columns([['measured', 'criterion', 'figure', 'verdict'], ...rows]),
    ...(result.notes.length > 0 ? [result.notes.map((note) => `  ${note}`).join('\n')] : []),
    `${experiment} on ${engine}: ${MARK[verdict]}`,
  ].join('\n\n');
}

/** Rows of cells, padded so that they stand below each other; the first row is the heading. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')}`.trimEnd();
  const [heading, ...body] = rows.map(line);
  return [heading, `  ${widths.map((width) => '-'.repeat(width)).join('  ')}`, ...body].join('\n');
}

/** Adds the run to the array in `results/router-experiments/NAME-ENGINE.json` and answers the file's path. */
export async function keepReport(report: Report): Promise<string> {
  await mkdir(RESULTS, { recursive: true });
  const path = join(RESULTS, `${report.experiment}-${report.engine}.json`);
  const text = await readFile(path, 'utf8').catch(() => '[]');
  const runs: unknown = JSON.parse(text);
  const all = Array.isArray(runs) ? [...runs, report] : [report];
  // Beside it first: a run that is cut off must not cost the earlier ones.
  await writeFile(`${path}.new`, `${JSON.stringify(all, null, 2)}\n`);
  await rename(`${path}.new`, path);
  return path;
}
