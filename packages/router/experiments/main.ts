import { parseArgs } from 'node:util';
import { ENGINE_NAMES, type EngineName } from '@replication-lab/engines';
import { blackHoleExperiment } from './black-hole.ts';
import { EXIT_CODE, EXIT_WRONG_USAGE, type Experiment, type ExperimentOptions } from './experiment.ts';
import { failover } from './failover.ts';
import { memory } from './memory.ts';
import { keepReport, makeReport, renderReport } from './report.ts';
import { sessions } from './sessions.ts';
import { slowReplica } from './slow-replica.ts';
import { tokens } from './tokens.ts';

const EXPERIMENTS: readonly Experiment[] = [
  sessions,
  slowReplica,
  blackHoleExperiment,
  failover,
  memory,
  tokens,
];

const USAGE = `node packages/router/experiments/main.ts NAME [options]

${EXPERIMENTS.map(({ name, summary }) => `  ${name.padEnd(13)} ${summary}`).join('\n')}

  --engine E    mysql, mariadb (default) or postgres
  --seconds N   measure for so long at most
  --reads N     so many reads are enough
  --seed S      of everything random; default 1
  --lag PLAN    sessions: how one replica is held back, delay:SECONDS or pause:MILLISECONDS
  --control C   break the promise on purpose, to see that the check can fail:
${EXPERIMENTS.map(({ name, controls }) => `                ${name}: ${controls.join(', ') || 'none'}`).join('\n')}
  --json        print the report as JSON
  --help

Exit code: 0 held, 1 violated (or broken off), 2 wrong usage, 3 not enough evidence.
`;

class UsageError extends Error {}

interface Command {
  readonly experiment: Experiment;
  readonly options: Omit<ExperimentOptions, 'signal' | 'progress'>;
  readonly json: boolean;
}

function parseCommand(argv: readonly string[]): Command | null {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      engine: { type: 'string', default: 'mariadb' },
      seconds: { type: 'string' },
      reads: { type: 'string' },
      seed: { type: 'string', default: '1' },
      lag: { type: 'string' },
      control: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const experiment = EXPERIMENTS.find(({ name }) => name === positionals[0]);
  if (!experiment || positionals.length !== 1) throw new UsageError('name one experiment');
  if (!ENGINE_NAMES.includes(values.engine as EngineName))
    throw new UsageError(`no engine is called ${values.engine}`);
  const control = values.control ?? null;
  if (control !== null && !experiment.controls.includes(control)) {
    throw new UsageError(`${experiment.name} has no control ${control}`);
  }
  return {
    experiment,
    options: {
      engine: values.engine as EngineName,
      seconds: wholeNumber('seconds', values.seconds),
      reads: wholeNumber('reads', values.reads),
      seed: wholeNumber('seed', values.seed) ?? 1,
      lag: values.lag ?? null,
      control,
    },
    json: values.json,
  };
}

function wholeNumber(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`--${name} ${text}: a whole number is needed`);
  return Number(text);
}

/** The first Ctrl-C ends the measurement and concludes with what there is; the second ends the process. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130);
      console.error('stopping; once more ends at once');
      controller.abort();
    });
  }
  return controller.signal;
}

async function run({ experiment, options, json }: Command): Promise<number> {
  const startedAt = new Date();
  const progress = (line: string) => {
    const seconds = ((Date.now() - startedAt.getTime()) / 1_000).toFixed(0).padStart(5);
    console.error(`${seconds} s  ${line}`);
  };
  const all: ExperimentOptions = { ...options, signal: interruption(), progress };
  const report = makeReport(experiment.name, all, startedAt, await experiment.run(all));
  const path = await keepReport(report);
  console.log(json ? JSON.stringify(report, null, 2) : renderReport(report));
  console.error(`kept in ${path}`);
  return EXIT_CODE[report.verdict];
}

try {
  const command = parseCommand(process.argv.slice(2));
  if (command === null) console.log(USAGE);
  process.exitCode = command === null ? 0 : await run(command);
} catch (error) {
  const usage =
    error instanceof UsageError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
  console.error(usage || error instanceof RangeError ? (error as Error).message : error);
  if (usage) console.error(`\n${USAGE}`);
  process.exitCode = usage || error instanceof RangeError ? EXIT_WRONG_USAGE : 1;
}
// Whatever still holds the event loop open has no say in when an experiment is over.
process.exit();
