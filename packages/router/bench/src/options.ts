import { parseArgs } from 'node:util';
import { ENGINE_NAMES, type EngineName } from '@replication-lab/engines';
import { WORKLOADS, type Workload } from './protocol.ts';
import { SUBJECTS } from './subjects/index.ts';

export interface BenchOptions {
  /** Null: every engine that can run here (quick: the first of them). */
  readonly engines: readonly EngineName[] | null;
  readonly workloads: readonly Workload[];
  /** Null: all that are measured by default. */
  readonly subjects: readonly string[] | null;
  readonly blocks: number;
  /** Turns of each subject in a block. The block is the unit of the statistics. */
  readonly slices: number;
  /** Load before the first block of a workload, so that code is compiled and connections are open. */
  readonly prepareMs: number;
  /** Load before each turn, which does not count. */
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Operations in flight at any time. */
  readonly concurrency: number;
  readonly users: number;
  readonly seed: number;
  readonly quick: boolean;
  readonly updateReadme: boolean;
  readonly json: boolean;
  /** A subject whose CPU profile is written. */
  readonly profile: string | null;
  readonly help: boolean;
}

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const USAGE = `Measures the router beside the raw drivers and other libraries, on real servers that it starts and stops.

  node src/main.ts [options]          (npm run bench --workspace packages/router -- …, or ./lab bench router …)

  --engine LIST      ${ENGINE_NAMES.join(',')} (default: every one whose server can run here)
  --only LIST        ${WORKLOADS.join(',')} (default: all)
  --subjects LIST    of: ${SUBJECTS.map(({ name }) => name).join(', ')}
                     (\`raw\` is always measured: all others are divided by it)
  --blocks N         blocks, the unit of the statistics (default: 12, half as many for \`mixed\`; quick: 2)
  --concurrency N    operations in flight (default: 8)
  --seed N           order of the turns and choice of the rows (default: 1)
  --quick            a smoke run of the first engine in under a minute: figures without meaning
  --update-readme    writes the tables into packages/router/README.md and bench/RESULTS.md
  --profile SUBJECT  writes a CPU profile of that subject for each workload and prints where its time went
  --json             prints the summary as JSON
  --help
`;

const MEASURED = {
  full: { blocks: 12, slices: 4, prepareMs: 4000, warmUpMs: 200, measureMs: 500, users: 10_000 },
  quick: { blocks: 2, slices: 1, prepareMs: 200, warmUpMs: 50, measureMs: 150, users: 10_000 },
};

/** Throws UsageError. */
export function readOptions(args: readonly string[]): BenchOptions {
  const values = parse(args);
  const quick = values.quick === true;
  const measured = quick ? MEASURED.quick : MEASURED.full;
  if (quick && values['update-readme']) throw new UsageError('--quick figures do not belong in a README');
  const subjects = list(
    '--subjects',
    values.subjects,
    SUBJECTS.map(({ name }) => name),
  );
  const [profile = null] = list(
    '--profile',
    values.profile,
    SUBJECTS.map(({ name }) => name),
  ) ?? [null];
  return {
    ...measured,
    engines: list('--engine', values.engine, ENGINE_NAMES),
    workloads: list('--only', values.only, WORKLOADS) ?? WORKLOADS,
    subjects: subjects && profile ? [...new Set([...subjects, profile])] : subjects,
    blocks: whole('--blocks', values.blocks, 1, 1000) ?? measured.blocks,
    concurrency: whole('--concurrency', values.concurrency, 1, 32) ?? 8,
    seed: whole('--seed', values.seed, 0, 2 ** 31 - 1) ?? 1,
    quick,
    updateReadme: values['update-readme'] === true,
    json: values.json === true,
    profile,
    help: values.help === true,
  };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        engine: text,
        only: text,
        subjects: text,
        blocks: text,
        concurrency: text,
        seed: text,
        profile: text,
        quick: flag,
        'update-readme': flag,
        json: flag,
        help: flag,
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Parts of a list, in the order of `known`. */
function list<T extends string>(name: string, text: string | undefined, known: readonly T[]): T[] | null {
  if (text === undefined) return null;
  const wanted = text.split(',').map((part) => part.trim());
  for (const part of wanted) {
    if (!known.some((one) => one === part))
      throw new UsageError(`${name}: no ${part}; there are ${known.join(', ')}`);
  }
  return known.filter((one) => wanted.includes(one));
}

function whole(name: string, text: string | undefined, min: number, max: number): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw new UsageError(`${name}: a whole number from ${min} to ${max}`);
  return value;
}
