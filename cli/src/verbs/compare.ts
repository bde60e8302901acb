import { join } from 'node:path';
import {
  type CompareOptions,
  type CompareResult,
  ensureK6,
  MeasureError,
  type Progress,
  renderTable,
  runCompare,
} from '@replication-lab/load-tests';
import { InvalidArgumentError, Option } from 'commander';
import { bringUp, labBefore, requireFirstPrimary } from '../bring-up.ts';
import { formatDurationMs } from '../duration.ts';
import { LabError } from '../errors.ts';
import { repositoryRoot, stateDirectory } from '../paths.ts';
import type { LabContext, RunningLab, UpRequest } from '../runtime.ts';
import type { LabState } from '../state.ts';
import { takeDown } from '../take-down.ts';
import { defineVerb, exitCode } from '../verb.ts';
import { engineOption, parseCount, runtimeOption } from './options.ts';

interface CompareVerbOptions extends Pick<UpRequest, 'engine' | 'runtime'> {
  readonly quick?: boolean;
  readonly blocks?: number;
  readonly cap?: number;
  readonly seed?: number;
}

export const compare = defineVerb<CompareVerbOptions>({
  name: 'compare',
  summary: 'measure the same load before and after replication, and write a report',
  details:
    'Runs the k6 scenarios of load-tests/ against one database node and against the primary with two replicas, each node\n' +
    'under the same CPU cap, and counts consistency anomalies at each level. Every figure passes a gate or is listed as\n' +
    'rejected. Results: results/compare/TIME/{summary.json, report.html, runs/}. The full run takes about half an hour,\n' +
    "--quick about two minutes (one block, so no intervals). Replication is the textbook's meanwhile (DURABILITY=async). The\n" +
    'lab is brought up if it is not, and left as it was.',
  options: [
    new Option('--quick', 'about two minutes: one block, short runs'),
    engineOption(),
    runtimeOption(),
    new Option('--blocks <n>', 'how often both arms are measured (default: 5, quick: 1)').argParser(
      parseBlocks,
    ),
    new Option('--cap <cpus>', 'CPU cap of each database node (default: 0.2)').argParser(parseCap),
    new Option('--seed <n>', 'order of the arms and choice of requests (default: 1)').argParser(parseCount),
  ],
  printsData: true,
  mayAsk: true,
  async run(context) {
    const { engine, runtime } = context.options;
    const before = await labBefore(stateDirectory(), context.options);
    try {
      const lab = await bringUpToMeasure({ engine, runtime }, before, context);
      const result = await compareLab(lab, optionsOf(context.options), context);
      printResult(result, context); // with --json to stderr, as all text
      if (context.json) context.out.json(result.summary);
      return exitCode.done;
    } finally {
      await putBack(before, context);
    }
  },
});

const optionsOf = ({ quick, blocks, cap, seed }: CompareVerbOptions): Omit<CompareOptions, 'resultsDir'> => ({
  quick: quick === true,
  blocks,
  capCpus: cap,
  seed,
});

/**
 * The textbook's claim is about the textbook's replication; and supervisors would be load on capped databases. Whoever calls
 * this puts the lab back.
 */
export async function bringUpToMeasure(
  request: UpRequest,
  before: LabState | null,
  context: LabContext,
): Promise<RunningLab> {
  const sameEngine = before !== null && (request.engine ?? before.engine) === before.engine;
  if (before && sameEngine && before.phase === 'up')
    await requireFirstPrimary(stateDirectory(), before, 'measurements begin with');
  context.progress('measuring replication as in the textbook: DURABILITY=async');
  return bringUp({ ...request, durability: 'async' }, context);
}

const PUT_BACK_MS = 180_000;

/** Leaves things as they were before a measurement. After Ctrl-C too, so it has a deadline of its own. */
export async function putBack(before: LabState | null, context: LabContext): Promise<void> {
  const afterwards: LabContext = { ...context, signal: AbortSignal.timeout(PUT_BACK_MS) };
  if (before === null) {
    await takeDown({ volumes: false }, afterwards);
    return;
  }
  const { engine, runtime, topology, durability } = before;
  await bringUp({ engine, runtime, topology, durability }, afterwards);
}

/** Measures the lab that is up and leaves it without a cap, in the arm that was measured last. @throws LabError */
export async function compareLab(
  lab: RunningLab,
  options: Omit<CompareOptions, 'resultsDir'>,
  context: LabContext,
): Promise<CompareResult> {
  const { progress, signal, out } = context;
  try {
    if (lab.runtime === 'native') await ensureK6({ progress, signal });
    const resultsDir = join(repositoryRoot, 'results');
    return await runCompare(await lab.underTest(), { ...options, resultsDir }, tellerFor(context), signal);
  } catch (error) {
    if (error instanceof MeasureError) throw new LabError(error.code, error.message, error.mend, error);
    throw error;
  } finally {
    out.live(null);
  }
}

/** A line for each step, and one that changes in place with the time that is left. */
function tellerFor({ progress, out }: LabContext): (now: Progress) => void {
  let told = '';
  return ({ doing, step, steps, leftSeconds }) => {
    const line = `[${step}/${steps}] ${doing}`;
    if (doing !== told) progress(line);
    told = doing;
    out.live(`${line}, about ${formatDurationMs(Math.max(1, leftSeconds) * 1000)} left`);
  };
}

export function printResult({ summary, reportFile, directory }: CompareResult, { out }: LabContext): void {
  out.line();
  out.line(renderTable(summary));
  out.line();
  out.line(`Report   ${reportFile}`);
  out.line(`Figures  ${join(directory, 'summary.json')}`);
}

function parseBlocks(text: string): number {
  const blocks = parseCount(text);
  if (blocks < 1 || blocks > 100) throw new InvalidArgumentError('from 1 to 100.');
  return blocks;
}

function parseCap(text: string): number {
  const cpus = Number(text);
  if (!(cpus >= 0.1 && cpus <= 64)) throw new InvalidArgumentError('CPUs, from 0.1 to 64, for example 0.2.');
  return cpus;
}
