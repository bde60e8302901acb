import { pc } from '../colours.ts';
import { formatDurationMs } from '../duration.ts';
import { table } from '../table.ts';
import { STATEMENTS, type StatementAnswer } from './statements.ts';
import type { LabStatus } from './types.ts';

/** The engine's own word for lag: what a replica has not applied of what it received, in whole seconds. */
const SECONDS_BEHIND = /^Seconds_Behind_/;

/** Each answer below its statement, and beside the engine's word for lag what the lab measures. */
export function renderStatements(
  { engine, nodes }: Pick<LabStatus, 'engine' | 'nodes'>,
  answers: readonly StatementAnswer[],
): string {
  const formOf = (sql: string) => STATEMENTS[engine].find((statement) => statement.sql === sql)?.form;
  const lagOf = (node: string) => nodes.find(({ name }) => name === node)?.lagMs ?? null;
  const blocks = answers
    .filter(({ rows }) => rows?.length !== 0) // a primary follows nobody, a replica has no followers
    .map((answer) => [
      pc.bold(`${answer.node}  ${answer.title}`),
      ...(answer.title === answer.sql
        ? []
        : answer.sql.split('\n').map((line) => pc.dim(`      ${line.trim()}`))),
      ...(answer.textbook ? [pc.dim(`      textbook: ${answer.textbook}`)] : []),
      ...bodyOf(answer, formOf(answer.sql), lagOf(answer.node)).map((line) => `  ${line}`),
    ]);
  return blocks.map((lines) => lines.join('\n')).join('\n\n');
}

function bodyOf({ rows, more }: StatementAnswer, form: 'fields' | 'list' | undefined, lagMs: number | null) {
  if (rows === null) return [pc.red('no answer')];
  const [first] = rows;
  if (!first) return [];
  const left = more > 0 ? [pc.dim(`and ${more} more`)] : [];
  if (form !== 'fields') {
    const columns = Object.keys(first);
    return [
      ...table(
        columns,
        rows.map((row) => columns.map((column) => row[column] ?? '')),
      ),
      ...left,
    ];
  }
  const lines = Object.entries(first).map(([column, value]) => {
    const measured = SECONDS_BEHIND.test(column) && lagMs !== null;
    return [
      column,
      `${value ?? 'NULL'}${measured ? `   (the lab measures ${formatDurationMs(lagMs)})` : ''}`,
    ];
  });
  const [, ...body] = table(['', ''], lines);
  return [...body, ...left];
}
