import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { execa } from 'execa';
import { repositoryRoot } from '../paths.ts';
import type { LabContext } from '../runtime.ts';
import { throwIfAborted } from '../wait.ts';
import { auditPackages } from './audit.ts';
import type { Check } from './checks.ts';
import { add, type Counts, countsOf, failuresOf, filesNotRun, none, vitestReport } from './counts.ts';
import { lintDockerfiles } from './hadolint.ts';
import { ALONE, integrationLanes, type Lane } from './lanes.ts';

export const KINDS = ['unit', 'integration', 'acceptance'] as const;
export type Kind = (typeof KINDS)[number];

export interface TestOutcome {
  readonly counts: Counts;
  /** Test files of which nothing ran, relative to the repository. */
  readonly notRun: readonly string[];
  /** A line for each test that failed. */
  readonly failures: readonly string[];
}

const TOOLS: readonly (readonly string[])[] = [
  ['biome', 'check', '.'],
  ['tsc', '--noEmit'],
  ['tsc', '--noEmit', '-p', 'load-tests'],
];

const CHECKS: readonly Check[] = [lintDockerfiles, auditPackages];

/** A tool of node_modules, run by the Node that runs us, with its output on the terminal (as stderr when `quiet`). */
function tool(args: readonly string[], context: LabContext) {
  const [name, ...rest] = args;
  return execa(name!, rest, {
    cwd: repositoryRoot,
    preferLocal: true,
    localDir: repositoryRoot,
    env: { PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}` },
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
    reject: false,
    cancelSignal: context.signal,
    forceKillAfterDelay: 20_000,
  });
}

export interface ChecksOutcome {
  /** What failed, as commands to repeat. */
  readonly failed: readonly string[];
  /** Checks that this machine or its registry cannot make, each with the reason. */
  readonly notRun: readonly string[];
}

/** Style and types first: they take seconds, and tests of code that does not compile say little. */
export async function runChecks(context: LabContext): Promise<ChecksOutcome> {
  const failed: string[] = [];
  const notRun: string[] = [];
  for (const args of TOOLS) {
    throwIfAborted(context.signal);
    context.progress(args.join(' '));
    const result = await tool(args, context);
    if (result.exitCode !== 0) failed.push(args.join(' '));
  }
  for (const check of CHECKS) {
    throwIfAborted(context.signal);
    context.progress(check.name);
    const checked = await check.run(context.signal);
    if (checked.result === 'failed') {
      context.out.error(checked.why);
      failed.push(check.name);
    } else if (checked.result === 'not run') notRun.push(`${check.name}: ${checked.why}`);
  }
  return { failed, notRun };
}

/** The kinds one after the other: they would fight for the same cores. */
export async function runTests(kinds: readonly Kind[], context: LabContext): Promise<TestOutcome> {
  const dir = await mkdtemp(join(tmpdir(), 'lab-test-'));
  const outcomes: TestOutcome[] = [];
  try {
    for (const kind of kinds) {
      throwIfAborted(context.signal);
      const lanes = kind === 'integration' ? await integrationLanes() : [ALONE];
      context.progress(`${kind} tests${lanes.length > 1 ? `, ${lanes.length} at a time` : ''}`);
      outcomes.push(
        ...(await Promise.all(
          lanes.map((lane, i) => runLane(kind, lane, join(dir, `${kind}-${i}.json`), context)),
        )),
      );
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
  return {
    counts: outcomes.map(({ counts }) => counts).reduce(add, none),
    notRun: outcomes.flatMap(({ notRun }) => notRun),
    failures: outcomes.flatMap(({ failures }) => failures),
  };
}

async function runLane(
  kind: Kind,
  { prefix, options }: Lane,
  reportFile: string,
  context: LabContext,
): Promise<TestOutcome> {
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
  const result = await tool(
    [...prefix, 'vitest', 'run', '--project', kind, '--passWithNoTests', ...reporters, ...options],
    context,
  );
  const report = await readReport(reportFile);
  const counts = report ? countsOf(report) : none;
  // It crashed, or failed outside any test: that must not look like a pass.
  const unaccounted = result.exitCode !== 0 && counts.failed === 0;
  return {
    counts: unaccounted ? add(counts, { ...none, failed: 1 }) : counts,
    notRun: report ? filesNotRun(report).map((file) => relative(repositoryRoot, file)) : [],
    failures: report ? failuresOf(report).map((line) => line.replace(`${repositoryRoot}/`, '')) : [],
  };
}

async function readReport(file: string) {
  const text = await readFile(file, 'utf8').catch(() => null);
  return text === null ? null : vitestReport.parse(JSON.parse(text));
}
