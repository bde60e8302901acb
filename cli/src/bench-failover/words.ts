import { columns, percentilesOf } from '@replication-lab/load-tests';
import { CONTENDERS } from './contenders/index.ts';
import { PUBLISHED } from './published.ts';
import {
  type BenchFailover,
  CONTENDER_NAMES,
  type ContenderName,
  FAULTS,
  type Fault,
  type Trial,
} from './types.ts';

const HEADINGS = [
  'contender',
  'fault',
  'n',
  'p50',
  'p95',
  'max',
  'failovers',
  'acknowledged',
  'lost',
  'double',
  'unknown',
] as const;
const NONE = '–';

/** One contender with one fault, over all its trials. Times in ms; null without a trial that recovered. */
export interface Line {
  readonly contender: ContenderName;
  readonly fault: Fault;
  readonly trials: number;
  readonly outage: { readonly p50: number; readonly p95: number; readonly max: number } | null;
  /** Trials in which nobody took writes again in time. They have no outage, and so are not in the percentiles. */
  readonly notRecovered: number;
  readonly failovers: number;
  readonly acknowledged: number;
  readonly lost: number;
  readonly duplicates: number;
  readonly unknown: number;
}

/** In the order of the lists, only what was measured. Pure. */
export const linesOf = (trials: readonly Trial[]): Line[] =>
  FAULTS.flatMap((fault) =>
    CONTENDER_NAMES.flatMap((contender) => {
      const some = trials.filter((trial) => trial.contender === contender && trial.fault === fault);
      return some.length === 0 ? [] : [lineOf(contender, fault, some)];
    }),
  );

function lineOf(contender: ContenderName, fault: Fault, trials: readonly Trial[]): Line {
  const sum = (of: (trial: Trial) => number | null) =>
    trials.reduce((total, trial) => total + (of(trial) ?? 0), 0);
  const outages = trials.map(({ outageMs }) => outageMs).filter((ms) => ms !== null);
  const percentiles = percentilesOf(outages);
  const failovers = trials.filter(({ primary, primaryAfter }) => primaryAfter && primaryAfter !== primary);
  return {
    ...{ contender, fault, trials: trials.length },
    outage: percentiles && { p50: percentiles.p50, p95: percentiles.p95, max: Math.max(...outages) },
    notRecovered: trials.length - outages.length,
    failovers: failovers.length,
    acknowledged: sum((trial) => (trial.lost === null ? 0 : trial.acknowledged)),
    lost: sum((trial) => trial.lost),
    duplicates: sum((trial) => trial.duplicates),
    unknown: sum((trial) => trial.unknown),
  };
}

function cellsOf(line: Line): string[] {
  const { outage, notRecovered } = line;
  const times = outage ? [outage.p50, outage.p95, outage.max].map(seconds) : [NONE, NONE, NONE];
  const n = notRecovered > 0 ? `${line.trials} (${notRecovered} never recovered)` : String(line.trials);
  const counts = [line.acknowledged, line.lost, line.duplicates, line.unknown].map((count) =>
    count.toLocaleString('en'),
  );
  return [
    CONTENDERS[line.contender].title,
    faultOf(line),
    ...[n, ...times, `${line.failovers} of ${line.trials}`, ...counts],
  ];
}

function faultOf({ contender, fault }: Line): string {
  if (fault === 'host') return 'host killed';
  return CONTENDERS[contender].faults.includes('host') ? 'server killed' : 'server or host killed';
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

/** For a person at a terminal. */
export function renderText(bench: BenchFailover): string {
  const rows = [HEADINGS, ...linesOf(bench.trials).map(cellsOf)];
  const plain = rows.map((cells) => cells.map((cell) => cell.replaceAll('`', '')));
  return [columns(plain), '', conditionsOf(bench), ...problemsOf(bench)].join('\n');
}

/** The table with what it was measured on, and what was not measured: for the page and for results/. */
export function renderMarkdown(bench: BenchFailover): string {
  const published = PUBLISHED.map(({ system, figure, source }) => [system, figure, source]);
  const measured = CONTENDER_NAMES.filter((name) => bench.trials.some(({ contender }) => contender === name));
  return [
    markdownTable(HEADINGS, linesOf(bench.trials).map(cellsOf)),
    conditionsOf(bench),
    ...problemsOf(bench),
    'How each was set up:',
    measured.map((name) => `- **${CONTENDERS[name].title}**: ${CONTENDERS[name].setup}`).join('\n'),
    'Not measured here, as published:',
    markdownTable(['system', 'published', 'source'], published),
  ].join('\n\n');
}

function conditionsOf({ startedAt, seconds: took, seed, commit, machine, versions }: BenchFailover): string {
  const { cpuModel, cpus, kernel, node, loadBefore } = machine;
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return (
    `${startedAt.slice(0, 16).replace('T', ' ')} UTC, ${Math.round(took / 60)} min, ${cpus} CPUs (${cpuModel}), ${kernel}, ` +
    `load before ${loadBefore.toFixed(2)}, ${programs.join(', ')}, Node ${node}, commit ${commit}, seed ${seed}.`
  );
}

const problemsOf = ({ problems }: BenchFailover): string[] =>
  problems.map((problem) => `Went wrong: ${problem}.`);

function markdownTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(headings), line(headings.map(() => '---')), ...rows.map(line)].join('\n');
}

/** One line a trial. */
export function renderTrial(trial: Trial): string {
  const { contender, fault, primary, primaryAfter, outageMs, acknowledged, lost, unknown } = trial;
  if (outageMs === null) return `${contender}, ${fault} of ${primary}: no write was acknowledged again`;
  const after = primaryAfter === primary ? 'started again in its place' : `then ${primaryAfter}`;
  const writes = `${acknowledged} acknowledged, ${lost} lost, ${unknown} unknown`;
  return `${contender}, ${fault} of ${primary}, ${after}: writes out ${seconds(outageMs)}; ${writes}`;
}
