import { ARMS } from '../profile.ts';
import { percent, wordCount } from '../statistics.ts';
import type { CompareSummary } from '../summary.ts';
import {
  ANOMALY_HEADINGS,
  ARM_HEADINGS,
  anomalyRow,
  armRows,
  CLAIM_HEADINGS,
  claimRow,
  figure,
  NOTHING,
  predictionText,
  setupText,
} from '../words.ts';
import { escapeHtml } from './escape.ts';
import {
  anomalyChart,
  latencyChart,
  rampChart,
  throughputChart,
  utilisationChart,
  zeroBound,
} from './figures.ts';
import { STYLE } from './style.ts';

/** The whole report as one page that needs nothing else: no script, no font, no request. */
export function renderReport(summary: CompareSummary): string {
  const title = `Before and after replication: ${summary.engine}`;
  const sections = [
    header(title, summary),
    section('The textbook’s table', 'Each claim beside what this lab measured.', [
      table([...CLAIM_HEADINGS], summary.claims.map(claimRow)),
    ]),
    section(
      'Throughput',
      'The same load in both arms rises past the knee and then holds; what completes each second there is the capacity. ' +
        `Ratios are paired within a block (${summary.blocks}).`,
      [throughputChart(summary), rampChart(summary), table([...ARM_HEADINGS], armRows(summary))],
    ),
    section(
      'Is it really the databases?',
      'The nodes that serve the reads must use 90 % or more of their cap and everything else less than 70 % of what it ' +
        'could use, or the run is rejected. Databases: of their cap. API replicas and HAProxy: of the one CPU a thread can ' +
        'use. k6 and the machine: of all CPUs.',
      [utilisationChart(summary), utilisationTable(summary)],
    ),
    section(
      'Latency at equal rates',
      'Requests start on a fixed tick, whatever the answers do; a run that dropped one is rejected. The CPU cap itself ' +
        'stretches single reads (a throttled database waits for its next 10 ms period), in both arms alike.',
      [latencyChart(summary)],
    ),
    section('What it costs: anomalies', anomalyText(summary), [
      anomalyChart(summary),
      table(
        [...ANOMALY_HEADINGS],
        summary.anomalies.map((row) => anomalyRow(row, wordCount)),
      ),
    ]),
    rejectedSection(summary),
    section('Every run', 'Raw output of k6 (one line a sample) and the CPU samples lie beside this report.', [
      runsTable(summary),
    ]),
    method(summary),
  ];
  return (
    `<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n` +
    `<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>${escapeHtml(title)}</title>\n` +
    `<style>${STYLE}</style>\n</head>\n<body>\n${sections.join('\n')}\n</body>\n</html>\n`
  );
}

function header(title: string, summary: CompareSummary): string {
  const { conclusion } = summary;
  const prediction = predictionText(summary);
  return (
    `<h1>${escapeHtml(title)}</h1>\n<p class="soft">${escapeHtml(setupText(summary))}. ` +
    `${escapeHtml(summary.startedAt.replace('T', ' ').slice(0, 16))} UTC${summary.quick ? ', quick run' : ''}.</p>\n` +
    `<div class="conclusion${conclusion.speedUp === null ? ' none' : ''}"><p>${escapeHtml(conclusion.text)}</p>` +
    `${prediction === null ? '' : `<p class="soft">${escapeHtml(prediction)}</p>`}</div>`
  );
}

function section(title: string, text: string, content: readonly string[]): string {
  const shown = content.filter((part) => part !== '').join('\n') || '<p>Not measured.</p>';
  return `<section>\n<h2>${escapeHtml(title)}</h2>\n<p class="soft">${escapeHtml(text)}</p>\n${shown}\n</section>`;
}

function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const cells = (row: readonly string[], tag: 'th' | 'td') =>
    row.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('');
  const body = rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('\n');
  return `<div class="scroll"><table>\n<thead><tr>${cells(headings, 'th')}</tr></thead>\n<tbody>\n${body}\n</tbody>\n</table></div>`;
}

function utilisationTable({ utilisation }: CompareSummary): string {
  const share = (value: number | null) => (value === null ? NOTHING : `${Math.round(value * 100)} %`);
  const rows = ARMS.flatMap((arm) =>
    utilisation
      .filter((row) => row.arm === arm)
      .map((row) => [
        arm,
        row.node,
        row.cpus.toFixed(3),
        row.limitCpus === null ? 'no cap' : String(row.limitCpus),
        share(row.cpuShareOfCap),
        share(row.throttledShare),
      ]),
  );
  return table(['arm', 'node', 'CPUs used', 'of', 'share', 'held back by the cap'], rows);
}

function anomalyText(summary: CompareSummary): string {
  const bound = zeroBound(summary);
  return (
    'One session changes a row of its own, waits up to 500 ms (short waits are as likely as long ones), reads it back and ' +
    'reads it again. Only that session writes the row, so versions alone decide. These runs are not capped.' +
    (bound === null
      ? ''
      : ` A zero is worth its sample: the weakest one here means "below ${percent(bound)}".`)
  );
}

function rejectedSection({ rejected }: CompareSummary): string {
  if (rejected.length === 0) return '<section><h2>Rejected runs</h2><p>None.</p></section>';
  return section('Rejected runs', 'These failed a gate and count for nothing above.', [
    table(
      ['run', 'reason'],
      rejected.map(({ run, reason }) => [run, reason]),
    ),
  ]);
}

function runsTable({ runs }: CompareSummary): string {
  return table(
    ['run', 'counts', 'reads/s', 'writes/s', 'k6 CPUs', 'idle CPUs', 'files'],
    runs.map((run) => [
      run.run,
      run.valid ? 'yes' : 'no',
      figure(run.readRps),
      figure(run.writeRps),
      figure(run.generatorCpus),
      figure(run.hostIdleCpus),
      run.directory,
    ]),
  );
}

function method(summary: CompareSummary): string {
  const { environment: e, profile: p, seed } = summary;
  const again = [
    './lab compare',
    summary.quick ? '--quick' : '',
    `--engine ${summary.engine}`,
    `--seed ${seed}`,
  ];
  const rows = [
    ['Again', again.filter(Boolean).join(' ')],
    [
      'Machine',
      `${e.cpus} CPUs, ${e.cpuModel}, ${e.memoryGiB} GiB, ${e.kernel}, load average before: ${e.loadAverage.toFixed(2)}`,
    ],
    ['Versions', `${summary.engine} ${summary.engineVersion}, Node ${e.node}, k6 ${e.k6}`],
    ['Blocks', `${p.blocks}, both arms in each, in an order drawn from the seed`],
    [
      'Throughput',
      `ramp ${p.rampSeconds} s, hold ${p.holdSeconds} s, ${p.concurrency} requests under way at most`,
    ],
    ['Latency', `${p.latencySeconds} s a rate, shares ${p.latencyShares.map((s) => percent(s)).join(', ')}`],
    [
      'Left out',
      'All data fits into memory in both arms: the gain from a larger total cache is not in these figures.',
    ],
  ];
  return section(
    'Method',
    'One machine carries everything, so each database node gets the same small CPU cap.',
    [table(['', ''], rows)],
  );
}
