import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { engineOf } from '@replication-lab/engines/local';
import { Argument, InvalidArgumentError, Option } from 'commander';
import { execa, type Options } from 'execa';
import type { BenchFailoverOptions } from '../bench-failover/command.ts';
import { CONTENDER_NAMES } from '../bench-failover/types.ts';
import { LabError, messageOf } from '../errors.ts';
import { serverNeed } from '../native/needs.ts';
import { ensurePackages } from '../native/packages.ts';
import { repositoryRoot } from '../paths.ts';
import type { LabContext } from '../runtime.ts';
import { ENGINES } from '../state.ts';
import { defineVerb, type ExitCode, exitCode, type VerbContext } from '../verb.ts';
import { throwIfAborted } from '../wait.ts';
import { parseCount } from './options.ts';

interface BenchOptions extends BenchFailoverOptions {
  readonly engine?: (typeof ENGINES)[number];
  readonly subjects?: string;
  readonly blocks?: number;
  readonly concurrency?: number;
  readonly quick?: boolean;
  readonly profile?: string;
}

const FOLDER = join(repositoryRoot, 'packages/router/bench');
/** npm writes it last: with it the installation is whole. */
const INSTALLED = join(FOLDER, 'node_modules/.package-lock.json');
const INSTALL_MS = 600_000;
/** The benchmark stops its servers and processes within this after Ctrl-C. */
const STOP_MS = 60_000;

export const bench = defineVerb<BenchOptions>({
  name: 'bench',
  summary:
    'measure the router or the failover beside what people use, what quorum commit, a backup or monitoring costs',
  details:
    'Starts a primary with two replicas of its own, and gives each subject (raw driver pools, the router at each level,\n' +
    'mysql2 PoolCluster, Sequelize, TypeORM, kysely-replication, Drizzle, MikroORM, Prisma …) a process of its own, the\n' +
    'same statements, and turns in random order. Results: results/bench-router/{ENGINE.json, summary.md}: throughput as\n' +
    'paired ratios with intervals, CPU per operation, p50 and p99, reads on the primary, anomalies. A full run takes about\n' +
    'a quarter of an hour an engine, --quick less than a minute (figures without meaning).\n\n' +
    'durability: what DURABILITY=quorum costs while nothing fails (native lab): commit latency beside async, in turns, and\n' +
    'CPU and memory of the supervisors. Results: results/bench-durability/ENGINE.json. About three minutes an engine.\n\n' +
    'failover: kills the primary (PostgreSQL) of this lab, of Patroni as it comes and tuned, and of plain replicas with a check\n' +
    'script, in blocks in random order; a client writes straight to the databases, and every write is audited. Results:\n' +
    'results/bench-failover/{trials.json, summary.md}: write outage p50, p95, max, lost writes. It installs the packages\n' +
    'patroni and etcd-server where they are missing (said before), and starts no service. The default takes about six minutes.\n\n' +
    'monitoring: what `./lab up --with monitoring` costs in requests a second while the lab is at the limit of the machine, in\n' +
    'turns (--blocks, default 8), and what its processes use (native lab). Results: results/bench-monitoring/ENGINE.json. About\n' +
    'seven minutes an engine.\n\n' +
    "backup: restores to random moments under write load and compares every row with the primary's own log (--trials, default\n" +
    '20); acknowledged writes with and without a copy under way, in turns (--blocks), and so a proof; a gigabyte restored beside a plain copy.\n' +
    'Servers of its own. Results: results/bench-backup/ENGINE-….json. --only pitr,cost,proof,gigabyte.',
  arguments: [
    new Argument('<what>', 'what to measure').choices([
      ...['router', 'durability', 'failover', 'backup', 'monitoring'],
    ]),
  ],
  options: [
    new Option('--quick', 'a smoke run of one engine'),
    new Option('--engine <name>', 'one engine (default: every one whose server is here)').choices(ENGINES),
    new Option(
      '--only <list>',
      `router: reads,writes,mixed; failover: ${CONTENDER_NAMES}; backup: pitr,cost,proof,gigabyte (default: all)`,
    ),
    new Option(
      '--trials <n>',
      'failover: of each contender (default: 3); backup: restores (default: 20)',
    ).argParser(atLeastOne),
    new Option('--host-trials <n>', 'failover: in which Patroni dies with the server (default: 2)').argParser(
      parseCount,
    ),
    new Option('--subjects <list>', 'some of the subjects; `raw` is always measured'),
    new Option('--blocks <n>', 'the unit of the statistics (default: 12)').argParser(atLeastOne),
    new Option('--concurrency <n>', 'operations in flight (default: 8)').argParser(atLeastOne),
    new Option(
      '--seed <n>',
      'order of the turns; choice of the rows, moments of the faults (default: 1)',
    ).argParser(parseCount),
    new Option('--profile <subject>', 'write a CPU profile of this subject and print where its time goes'),
    new Option(
      '--update-readme',
      "write the tables into the router's README, or docs/reference/failover-comparison.md",
    ),
  ],
  printsData: true,
  mayAsk: true,
  async run(context) {
    refuseForeignOptions(context);
    // Loaded only here: every other verb would wait for it as well.
    if (context.args[0] === 'failover')
      return (await import('../bench-failover/command.ts')).benchFailover(context);
    if (context.args[0] === 'backup') return (await import('../bench-backup/index.ts')).benchBackup(context);
    if (context.args[0] === 'monitoring')
      return (await import('../bench-monitoring/index.ts')).benchMonitoring(context);
    if (context.args[0] === 'durability')
      return (await import('../bench-durability/index.ts')).benchDurability(context);
    const { engine } = context.options;
    if (engine !== undefined && engine !== 'mysql')
      await ensurePackages([serverNeed(engineOf(engine))], context);
    if (!existsSync(INSTALLED)) await install(context);
    return measure(context);
  },
});

const NOT_ROUTER = ['trials', 'hostTrials'] as const;
const FOREIGN: Readonly<Record<string, readonly (keyof BenchOptions)[]>> = {
  router: NOT_ROUTER,
  durability: NOT_ROUTER,
  failover: ['quick', 'engine', 'subjects', 'blocks', 'concurrency', 'profile'],
  monitoring: ['only', 'subjects', 'concurrency', 'profile', 'trials', 'hostTrials', 'updateReadme'],
  backup: ['quick', 'subjects', 'concurrency', 'profile', 'hostTrials', 'updateReadme'],
};

/** An option without effect would be taken for one that had it. */
function refuseForeignOptions({ options, args }: VerbContext<BenchOptions>): void {
  const given = (FOREIGN[args[0]!] ?? []).filter((name) => options[name] !== undefined);
  if (given.length === 0) return;
  const flags = given.map((name) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
  throw new LabError('usage', `bench ${args[0]} has no ${flags.join(', ')}`, null);
}

/** Not part of the workspaces: dozens of packages that nothing else needs, so they come with the first run. */
async function install(context: LabContext): Promise<void> {
  context.progress('installing the libraries to compare with (about 400 MB, in packages/router/bench)');
  // None of them needs its install script; Prisma's would fetch engines from a host of its own.
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  try {
    await execa('npm', args, { ...(await environment()), cancelSignal: context.signal, timeout: INSTALL_MS });
  } catch (error) {
    throwIfAborted(context.signal);
    throw new LabError(
      'npm-failed',
      `npm could not install the benchmark's packages: ${messageOf(error)}`,
      'cd packages/router/bench && npm ci --ignore-scripts',
      error,
    );
  }
}

/** npm under the Node that runs us, unless this npm only finds its modules with a Node of its own (Debian's). */
async function environment(): Promise<Options> {
  const ours = { PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ''}` };
  const works = await execa('npm', ['--version'], { env: ours, reject: false });
  return { cwd: FOLDER, stdin: 'ignore', ...(works.exitCode === 0 && { env: ours }) };
}

async function measure({ options, json, signal }: VerbContext<BenchOptions>): Promise<ExitCode> {
  const file = join(FOLDER, 'src/main.ts');
  const result = await execa(process.execPath, [file, ...argumentsOf(options), ...(json ? ['--json'] : [])], {
    cwd: repositoryRoot,
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
    reject: false,
    cancelSignal: signal,
    forceKillAfterDelay: STOP_MS,
  });
  throwIfAborted(signal);
  return result.exitCode === 0 ? exitCode.done : result.exitCode === 2 ? exitCode.usage : exitCode.failed;
}

const WITH_VALUE = ['engine', 'only', 'subjects', 'blocks', 'concurrency', 'seed', 'profile'] as const;

const argumentsOf = (options: BenchOptions): string[] => [
  ...WITH_VALUE.flatMap((name) => (options[name] === undefined ? [] : [`--${name}`, String(options[name])])),
  ...(options.quick ? ['--quick'] : []),
  ...(options.updateReadme ? ['--update-readme'] : []),
];

function atLeastOne(text: string): number {
  const count = parseCount(text);
  if (count < 1) throw new InvalidArgumentError('at least 1.');
  return count;
}
