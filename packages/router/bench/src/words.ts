import { type Estimate, wordCount } from '../../../../load-tests/src/statistics.ts';
import { columns } from '../../../../load-tests/src/table.ts';
import type { Rivalry, Row, Verdict } from './figures.ts';
import type { Workload } from './protocol.ts';
import { SUBJECTS } from './subjects/index.ts';
import type { BenchSummary, WorkloadSummary } from './summary.ts';

/** The figures as words: the terminal and the Markdown files show the same cells. */

const NOTHING = '–';
const groups = new Intl.NumberFormat('en-GB');

export const ENGINE_LABELS = { mysql: 'MySQL', mariadb: 'MariaDB', postgres: 'PostgreSQL' } as const;

const WHAT: Readonly<Record<Workload, string>> = {
  reads: 'one row of five columns by primary key',
  writes: 'one row updated by primary key, position captured',
  mixed: 'sessions of one write and nine reads of the same row, one replica held back by 1 s',
};

export const ratioText = ({ median, low, high }: Estimate): string =>
  low === null || high === null
    ? median.toFixed(3)
    : `${median.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;

const HEADINGS = ['', 'of raw', 'operations/s', 'CPU µs/op', 'CPU, of raw', 'p50 ms', 'p99 ms'];

export const headingsOf = (workload: Workload): string[] => [
  ...HEADINGS,
  ...(workload === 'writes' ? [] : ['reads on primary']),
  ...(workload === 'mixed' ? ['own write not seen', 'went back in time'] : []),
];

export function cellsOf(row: Row, workload: Workload): string[] {
  const { label, ratio, operationsPerSecond, cpuUs, cpuRatio, latency, primaryShare } = row;
  const ofRaw = (one: Estimate) => (row.subject === 'raw' ? '1' : ratioText(one));
  return [
    row.errors === 0 ? label : `${label} (${row.errors} errors)`,
    ofRaw(ratio),
    groups.format(Math.round(operationsPerSecond.median)),
    String(Math.round(cpuUs.median)),
    ofRaw(cpuRatio),
    latency?.p50Ms.toFixed(2) ?? NOTHING,
    latency?.p99Ms.toFixed(2) ?? NOTHING,
    ...(workload === 'writes' ? [] : [shareText(primaryShare)]),
    ...(workload === 'mixed' ? [wordCount(row.readYourWrites), wordCount(row.monotonicReads)] : []),
  ];
}

const shareText = (share: number | null): string =>
  share === null ? NOTHING : `${Number((share * 100).toFixed(1))} %`;

export const titleOf = ({ engine }: BenchSummary, { workload, blocks }: WorkloadSummary): string =>
  `${ENGINE_LABELS[engine]}, ${workload}: ${WHAT[workload]} (${blocks} blocks)`;

const labelOf = (name: string): string => SUBJECTS.find((one) => one.name === name)?.label ?? name;

/** The targets, then for each router subject one line with all libraries. */
export function judgements({ workload, verdicts, rivalries }: WorkloadSummary): string[] {
  const targets = verdicts.map(({ subject, least, ratio, met, firm }: Verdict) => {
    const verdict = `${met ? 'met' : 'missed'}${firm ? '' : ', within the noise'}`;
    return `${labelOf(subject)}, ${workload}, at least ${least} of raw: ${verdict}: ${ratioText(ratio)}`;
  });
  const rivals = [...new Set(rivalries.map(({ subject }) => subject))].map(
    (subject) =>
      `${labelOf(subject)}, ${workload}: ${standings(rivalries.filter((one) => one.subject === subject))}`,
  );
  return [...targets, ...rivals];
}

function standings(rivalries: readonly Rivalry[]): string {
  const named = (standing: Rivalry['standing'], words: string) => {
    const those = rivalries.filter((one) => one.standing === standing);
    const list = those.map(({ library, ratio }) => `${labelOf(library)} ${ratio.median.toFixed(2)}`);
    return those.length === 0 ? [] : [`${words} ${list.join(', ')}`];
  };
  return [
    ...named('ahead', 'ahead of'),
    ...named('level', 'not to be told from'),
    ...named('behind', 'behind'),
  ].join('; ');
}

/** How it was measured, in two lines. */
export function setupText(summary: BenchSummary): string {
  const {
    concurrency,
    slices,
    measureMs,
    users,
    seed,
    environment: host,
    startedAt,
    engineVersion,
  } = summary;
  const { cpuModel, cpus, node, loadAverage } = host;
  return (
    `${engineVersion.split(' on ')[0]}, a primary and two replicas, ${groups.format(users)} users; ${concurrency} operations in flight, closed loop; ` +
    `blocks of ${slices} × ${measureMs} ms a subject in random order (seed ${seed}). ` +
    `${startedAt.slice(0, 16).replace('T', ' ')} UTC, ${cpus} CPUs (${cpuModel}), load before ${loadAverage.toFixed(1)}, Node ${node}, router ${summary.commit}.`
  );
}

/** For a terminal. */
export function renderText(summary: BenchSummary): string {
  const parts = summary.workloads.flatMap((one) => [
    titleOf(summary, one),
    columns([headingsOf(one.workload), ...one.rows.map((row) => cellsOf(row, one.workload))]),
    judgements(one)
      .map((line) => `  ${line}`)
      .join('\n'),
    one.rows
      .filter(({ firstError }) => firstError !== null)
      .map(({ subject, errors, firstError }) => `  ${subject}: ${errors} errors, the first: ${firstError}`)
      .join('\n'),
  ]);
  const notRun = summary.notRun.map(({ subject, reason }) => `  NOT RUN: ${subject}: ${reason}`).join('\n');
  const quick = summary.quick ? 'A smoke run: these figures mean nothing.' : '';
  return [setupText(summary), ...parts, notRun, quick].filter((part) => part !== '').join('\n\n');
}

export const markdownTable = (rows: readonly (readonly string[])[]): string => {
  const [heading = [], ...body] = rows;
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = heading.map((_, i) => (i === 0 ? '---' : '--:'));
  return [line(heading), line(rule), ...body.map(line)].join('\n');
};

/** Everything, for results/bench-router/summary.md. */
export function renderMarkdown(summaries: readonly BenchSummary[]): string {
  const parts = summaries.flatMap((summary) => [
    `## ${ENGINE_LABELS[summary.engine]}`,
    setupText(summary),
    ...summary.workloads.flatMap((one) => [
      `### ${titleOf(summary, one)}`,
      markdownTable([headingsOf(one.workload), ...one.rows.map((row) => cellsOf(row, one.workload))]),
      judgements(one)
        .map((line) => `- ${line}`)
        .join('\n'),
    ]),
    '### What was called',
    Object.entries(summary.how)
      .map(([subject, how]) => `- \`${subject}\`: ${how}`)
      .join('\n'),
    summary.notRun.map(({ subject, reason }) => `- not run: \`${subject}\`: ${reason}`).join('\n'),
    `Versions: ${Object.entries(summary.versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}.`,
  ]);
  return `${['# The router beside drivers and libraries', ...parts].filter((part) => part !== '').join('\n\n')}\n`;
}
