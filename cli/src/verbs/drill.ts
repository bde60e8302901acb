import { InvalidArgumentError, Option } from 'commander';
import { bringUp } from '../bring-up.ts';
import { readCommit } from '../commit.ts';
import { appendTrial, readRecordFile } from '../drill/record.ts';
import { SCENARIOS, scenarioNamed } from '../drill/scenarios.ts';
import { renderSummary, renderTable, renderTrial, summarise } from '../drill/summary.ts';
import type { TrialContext } from '../drill/trial.ts';
import type { Scenario, Trial } from '../drill/types.ts';
import { LabError } from '../errors.ts';
import { ensurePackages, faketimeNeed, type Need, straceNeed } from '../native/packages.ts';
import { openRuntime } from '../open-runtime.ts';
import { stateDirectory } from '../paths.ts';
import type { LabContext, RunningLab, UpRequest } from '../runtime.ts';
import { readState, requireState } from '../state.ts';
import { takeDown } from '../take-down.ts';
import { defineVerb, type ExitCode, exitCode, type VerbContext } from '../verb.ts';
import { engineOption, parseCount, runtimeOption } from './options.ts';

interface DrillOptions extends Pick<UpRequest, 'engine' | 'runtime'> {
  readonly fault: string;
  readonly trials: number;
  readonly seed: number;
  readonly writes: number;
  readonly reads: number;
  readonly record?: string;
  readonly resume?: boolean;
  readonly makeAnew?: boolean;
  readonly report?: boolean;
  readonly commit?: string;
}

const ALL = 'all';

export const drill = defineVerb<DrillOptions>({
  name: 'drill',
  summary: 'break the lab under load, again and again, and audit every write',
  details: [
    'Each trial: a lab that is whole, clients through HAProxy, a fault, its end, a lab that is whole again, and an audit of',
    'every write by the tables of every node. Exit 0: in every trial nothing acknowledged was lost, nothing was done or',
    'acknowledged twice, and a failover came when it had to and not otherwise. How long things took is reported, not judged.',
    '',
    ...SCENARIOS.map(({ name, summary }) => `  ${name.padEnd(35)}${summary}`),
    '',
    'Example: ./lab drill --fault kill-primary --trials 5',
    '         ./lab drill --fault all --trials 50 --record results/drill/mariadb.jsonl --resume',
  ].join('\n'),
  options: [
    new Option('--fault <name>', `what to do to it, or ${ALL}: each in turn`)
      .choices([...SCENARIOS.map(({ name }) => name), ALL])
      .default('kill-primary'),
    new Option('--trials <n>', 'of each fault').default(3).argParser(parseTrials),
    engineOption(),
    runtimeOption(),
    new Option('--seed <n>', 'of the first trial; each draws who is hit and when')
      .default(1)
      .argParser(parseCount),
    new Option('--writes <n>', 'a second').default(50).argParser(parseCount),
    new Option('--reads <n>', 'a second').default(500).argParser(parseCount),
    new Option('--record <file>', 'append each trial to this file (JSON, one a line) as it ends'),
    new Option('--report', 'only print what is on record, as a table in Markdown'),
    new Option('--resume', 'go on with the record: only what it lacks of --trials is done'),
    new Option('--commit <hash>', 'of the record only the trials of this commit count'),
    new Option(
      '--make-anew',
      'a lab that does not become whole again is made anew: ITS DATA IS LOST; else the drill ends',
    ),
  ],
  printsData: true,
  mayAsk: true,
  async run(context) {
    const { engine, runtime } = context.options;
    if (context.options.report) return report(context);
    const before = await readState(stateDirectory());
    const up = { engine, runtime, durability: 'quorum', topology: 'replicated' } as const;
    const lab = await bringUp(up, context);
    try {
      const scenarios = wanted(context.options, lab.runtime);
      await ensurePackages(needsOf(scenarios), context);
      const recorded = await openRecord(context.options, lab.engine, lab.runtime);
      const trials = await runAll(scenarios, recorded, up, lab, context);
      return conclude(trials, context);
    } finally {
      context.out.live(null);
      if (before === null) await takeDown({ volumes: false }, afterwards(context));
    }
  },
});

async function report({ options, out }: VerbContext<DrillOptions>): Promise<ExitCode> {
  if (options.record === undefined) throw new LabError('usage', '--report needs --record FILE', null);
  out.line(renderTable(await readRecordFile(options.record, options.commit)));
  return exitCode.done;
}

/** Putting the lab back must also work after Ctrl-C. */
const afterwards = (context: LabContext): LabContext => ({
  ...context,
  signal: AbortSignal.timeout(180_000),
});

function wanted({ fault }: DrillOptions, runtime: 'docker' | 'native'): Scenario[] {
  if (fault === ALL) return SCENARIOS.filter(({ runtimes }) => runtimes.includes(runtime));
  const scenario = scenarioNamed(fault)!; // commander let only known names through
  if (scenario.runtimes.includes(runtime)) return [scenario];
  throw new LabError(
    'usage',
    `${fault} cannot be injected in ${runtime}`,
    `--runtime ${scenario.runtimes[0]}`,
  );
}

const NEEDS = { strace: straceNeed, clocks: faketimeNeed } as const;

const needsOf = (scenarios: readonly Scenario[]): Need[] =>
  [...new Set(scenarios.flatMap(({ needs }) => needs ?? []))].map((need) => NEEDS[need]);

/** The trials on record of this engine and runtime. */
async function openRecord(
  { record, resume, commit }: DrillOptions,
  engine: string,
  runtime: string,
): Promise<Trial[]> {
  if (record === undefined) {
    if (commit) throw new LabError('usage', '--commit needs --record FILE', null);
    if (resume) throw new LabError('usage', '--resume needs --record FILE', null);
    return [];
  }
  const all = await readRecordFile(record, commit);
  if (all.length > 0 && !resume)
    throw new LabError(
      'record-exists',
      `${record} holds ${all.length} trials`,
      'go on with --resume, or give another file',
    );
  return all.filter((trial) => trial.engine === engine && trial.runtime === runtime);
}

/** Faults take turns, so that what changes on the machine meanwhile meets all of them alike. */
async function runAll(
  scenarios: readonly Scenario[],
  recorded: readonly Trial[],
  up: UpRequest,
  lab: RunningLab,
  context: VerbContext<DrillOptions>,
): Promise<Trial[]> {
  const { runTrial } = await import('../drill/trial.ts');
  const { trials: count, record } = context.options;
  const surroundings = await trialContext(lab, context);
  const names = new Set(scenarios.map(({ name }) => name));
  const trials = recorded.filter(({ fault }) => names.has(fault));
  for (let round = 0; round < count; round++) {
    for (const scenario of scenarios) {
      const done = trials.filter(({ fault }) => fault === scenario.name).length;
      if (done > round) continue;
      const seed = context.options.seed + round;
      context.out.live(`[${done + 1}/${count}] ${scenario.name}: ${scenario.summary}`);
      const trial = await runTrial(scenario, seed, surroundings);
      trials.push(trial);
      if (record !== undefined) await appendTrial(record, trial);
      context.out.line(renderTrial(trial, done + 1, count));
      if (trial.rejoinMs !== null) continue;
      if (!context.options.makeAnew) return trials;
      await makeAnew(up, context);
    }
  }
  return trials;
}

/** A lab that is made anew is the same one to whoever looks at it. */
async function trialContext(
  { engine, urls }: RunningLab,
  { options, signal }: VerbContext<DrillOptions>,
): Promise<TrialContext> {
  const stateDir = stateDirectory();
  return {
    lab: openRuntime(stateDir, await requireState(stateDir)),
    stateDir,
    engine,
    baseUrl: urls.api,
    rates: { writesPerSecond: options.writes, readsPerSecond: options.reads },
    commit: await readCommit(),
    signal,
  };
}

/** A lab that did not become whole again is no ground for the next trial. */
async function makeAnew(up: UpRequest, context: LabContext): Promise<void> {
  context.progress('the lab did not become whole again: making it anew');
  await takeDown({ volumes: true }, context);
  await bringUp(up, context);
}

function conclude(trials: readonly Trial[], { out, json }: VerbContext<DrillOptions>): ExitCode {
  const byFault = Map.groupBy(trials, ({ fault }) => fault);
  for (const [fault, of] of byFault) {
    out.line();
    out.line(renderSummary(fault, summarise(of)));
  }
  if (json) {
    const drills = [...byFault].map(([fault, of]) => {
      const { percentiles, ...totals } = summarise(of);
      return { engine: of[0]!.engine, fault, seed: of[0]!.seed, trials: of, percentiles, totals };
    });
    out.json(drills.length === 1 ? drills[0] : { drills });
  }
  return trials.every(({ problems }) => problems.length === 0) ? exitCode.done : exitCode.failed;
}

function parseTrials(text: string): number {
  const trials = parseCount(text);
  if (trials < 1) throw new InvalidArgumentError('at least 1.');
  return trials;
}
