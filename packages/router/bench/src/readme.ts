import { percent } from '../../../../load-tests/src/statistics.ts';
import type { Row } from './figures.ts';
import type { Workload } from './protocol.ts';
import type { BenchSummary } from './summary.ts';
import { ENGINE_LABELS, markdownTable, ratioText, setupText } from './words.ts';

const BEGIN = '<!-- bench:begin (written by `npm run bench -- --update-readme`) -->';
const END = '<!-- bench:end -->';

/** Puts `block` between the marks; without marks it goes to the end. Nothing else of the text changes. */
export function withBlock(text: string, block: string): string {
  const marked = `${BEGIN}\n\n${block.trim()}\n\n${END}`;
  const begin = text.indexOf('<!-- bench:begin');
  const end = text.indexOf(END, begin);
  if (begin < 0 || end < 0) return `${text.trimEnd()}\n\n${marked}\n`;
  return text.slice(0, begin) + marked + text.slice(end + END.length);
}

/** One table an engine: what it costs, and what a client sees. */
export function renderBlock(summaries: readonly BenchSummary[]): string {
  return summaries
    .flatMap((summary) => [`**${ENGINE_LABELS[summary.engine]}**`, tableOf(summary), setupText(summary)])
    .join('\n\n');
}

function tableOf(summary: BenchSummary): string {
  const row = (workload: Workload, subject: string) =>
    summary.workloads.find((one) => one.workload === workload)?.rows.find((one) => one.subject === subject);
  const subjects = [...new Set(summary.workloads.flatMap(({ rows }) => rows.map(({ subject }) => subject)))];
  const headings = [
    '',
    'reads, of raw',
    'writes, of raw',
    'CPU a read, µs',
    'own write not seen',
    'reads on primary',
  ];
  const body = subjects.map((subject) => {
    const [reads, writes, mixed] = (['reads', 'writes', 'mixed'] as const).map((one) => row(one, subject));
    return [
      (reads ?? writes ?? mixed)?.label ?? subject,
      ratioCell(reads),
      ratioCell(writes),
      reads ? String(Math.round(reads.cpuUs.median)) : '',
      mixed ? anomalyCell(mixed) : '',
      mixed?.primaryShare == null ? '' : percent(mixed.primaryShare),
    ];
  });
  return markdownTable([headings, ...body]);
}

const ratioCell = (row: Row | undefined): string =>
  row === undefined ? '' : row.subject === 'raw' ? '1' : ratioText(row.ratio);

function anomalyCell({ readYourWrites: { violations, eligible } }: Row): string {
  if (eligible === 0) return '';
  return violations === 0 ? `0 of ${eligible}` : percent(violations / eligible);
}
