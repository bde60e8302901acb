import type { Arm } from './lab-under-test.ts';
import { ARMS } from './profile.ts';
import { wordCount } from './statistics.ts';
import type { CompareSummary } from './summary.ts';
import {
  ANOMALY_HEADINGS,
  ARM_HEADINGS,
  anomalyRow,
  armRows,
  CLAIM_HEADINGS,
  claimRow,
  predictionText,
  setupText,
} from './words.ts';

/** The result for a terminal: the textbook's table first, then what stands behind it. Plain text, no colours. */
export function renderTable(summary: CompareSummary): string {
  const prediction = predictionText(summary);
  const parts = [
    `Before and after replication (${setupText(summary)})`,
    columns([CLAIM_HEADINGS, ...summary.claims.map(claimRow)]),
    `${summary.conclusion.text}${prediction === null ? '' : `\n${prediction}`}`,
    columns([ARM_HEADINGS, ...armRows(summary)]),
    'What reading replicas costs (one session: write a row, wait up to 500 ms, read it twice; no cap)',
    columns([ANOMALY_HEADINGS, ...summary.anomalies.map((row) => anomalyRow(row, wordCount))]),
    'CPU at saturation (databases: of their cap; the others: of what one thread could use; k6 and machine: of all CPUs)',
    ARMS.map((arm) => utilisationLine(summary, arm)).join('\n'),
  ];
  if (summary.rejected.length > 0) {
    const rejected = summary.rejected.map(({ run, reason }) => `  ${run}: ${reason}`);
    parts.push(['Runs that failed their gates and do not count:', ...rejected].join('\n'));
  }
  return parts.join('\n\n');
}

function utilisationLine({ utilisation }: CompareSummary, arm: Arm): string {
  const nodes = utilisation
    .filter((row) => row.arm === arm)
    .map(({ node, cpuShareOfCap, cpus }) =>
      cpuShareOfCap === null
        ? `${node} ${cpus.toFixed(2)} CPU`
        : `${node} ${Math.round(cpuShareOfCap * 100)} %`,
    );
  return `  ${arm.padEnd(10)}  ${nodes.length === 0 ? 'not measured' : nodes.join('  ')}`;
}

/** Rows of cells, padded so that they stand below each other; the first row is the heading. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => [...(row[column] ?? '')].length)),
  );
  const line = (row: readonly string[]) =>
    `  ${row.map((cell, column) => cell + ' '.repeat(widths[column]! - [...cell].length)).join('  ')}`.trimEnd();
  const [heading = [], ...body] = rows;
  const rule = `  ${widths.map((width) => '─'.repeat(width)).join('  ')}`;
  return [line(heading), rule, ...body.map(line)].join('\n');
}
