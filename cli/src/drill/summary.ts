import { percentilesOf } from '@replication-lab/load-tests';
import type { Trial } from './types.ts';

/** Over all trials in which it happened; null when it happened in none. Milliseconds. */
export interface Spread {
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
  readonly trials: number;
}

export const SPREAD_OF = [
  'writeOutageMs',
  'readOutageMs',
  'detectMs',
  'promoteMs',
  'rerouteMs',
  'rejoinMs',
] as const;
export type Figure = (typeof SPREAD_OF)[number];

export interface DrillSummary {
  readonly trials: number;
  readonly failed: number;
  readonly failovers: number;
  readonly ackedWrites: number;
  readonly lostWrites: number;
  readonly doubleAcks: number;
  readonly duplicates: number;
  readonly refusedButDone: number;
  readonly unknownWrites: number;
  readonly failedWrites: number;
  readonly reads: number;
  readonly readErrors: number;
  readonly sessionViolations: number;
  readonly percentiles: Readonly<Record<Figure, Spread | null>>;
}

/** All trials count alike, whenever and in however many runs they were made. */
export function summarise(trials: readonly Trial[]): DrillSummary {
  const sum = (of: (trial: Trial) => number) => trials.reduce((total, trial) => total + of(trial), 0);
  return {
    trials: trials.length,
    failed: trials.filter(({ problems }) => problems.length > 0).length,
    failovers: trials.filter(({ failover }) => failover).length,
    ackedWrites: sum(({ ackedWrites }) => ackedWrites),
    lostWrites: sum(({ lostWrites }) => lostWrites),
    doubleAcks: sum(({ doubleAcks }) => doubleAcks),
    duplicates: sum(({ duplicates }) => duplicates),
    refusedButDone: sum(({ refusedButDone }) => refusedButDone),
    unknownWrites: sum(({ unknownWrites }) => unknownWrites),
    failedWrites: sum(({ failedWrites }) => failedWrites),
    reads: sum(({ reads }) => reads),
    readErrors: sum(({ readErrors }) => readErrors),
    sessionViolations: sum(({ sessionViolations }) => sessionViolations),
    percentiles: Object.fromEntries(
      SPREAD_OF.map((figure) => [figure, spreadOf(trials.map((trial) => trial[figure]))]),
    ) as Record<Figure, Spread | null>,
  };
}

function spreadOf(values: readonly (number | null)[]): Spread | null {
  const seen = values.filter((value) => value !== null);
  const percentiles = percentilesOf(seen);
  if (percentiles === null) return null;
  return {
    p50: Math.round(percentiles.p50),
    p95: Math.round(percentiles.p95),
    max: Math.round(Math.max(...seen)),
    trials: seen.length,
  };
}

const LABEL: Readonly<Record<Figure, string>> = {
  writeOutageMs: 'write outage',
  readOutageMs: 'read outage',
  detectMs: 'detection',
  promoteMs: 'promotion',
  rerouteMs: 're-route',
  rejoinMs: 'rejoin',
};

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

/** For a person, below the trials of one fault. */
export function renderSummary(fault: string, summary: DrillSummary): string {
  const { percentiles } = summary;
  const lines = SPREAD_OF.flatMap((figure) => {
    const spread = percentiles[figure];
    if (!spread) return [];
    const cells = [spread.p50, spread.p95, spread.max].map((ms) => seconds(ms).padStart(9));
    return [`  ${LABEL[figure].padEnd(14)}${cells.join('')}`];
  });
  return [
    `${fault}: ${summary.trials} trials, ${summary.failovers} failovers, ${summary.failed} failed`,
    `  ${''.padEnd(14)}${['p50', 'p95', 'max'].map((head) => head.padStart(9)).join('')}`,
    ...lines,
    `  writes: ${summary.ackedWrites} acknowledged, ${summary.lostWrites} of them lost, ${summary.doubleAcks} acknowledged twice, ` +
      `${summary.duplicates} executed twice; ${summary.unknownWrites} unknown, ${summary.failedWrites} refused, ` +
      `${summary.refusedButDone} of them done`,
    `  reads: ${summary.reads}, ${summary.readErrors} errors, ${summary.sessionViolations} that missed their own write`,
  ].join('\n');
}

/** One line a trial. */
export function renderTrial(trial: Trial, number: number, of: number): string {
  const { fault, promoted, writeOutageMs, readOutageMs, detectMs, rejoinMs, problems } = trial;
  const known = (ms: number | null) => (ms === null ? '–' : seconds(ms));
  const told = [
    promoted ? `${promoted} promoted` : 'no failover',
    `writes out ${seconds(writeOutageMs)}`,
    `reads out ${seconds(readOutageMs)}`,
    `detected ${known(detectMs)}`,
    `rejoined ${known(rejoinMs)}`,
    `${trial.ackedWrites} acknowledged, ${trial.lostWrites} lost`,
  ].join(', ');
  const answers = Object.entries(trial.answers).map(([what, count]) => `${count} x ${what}`);
  const verdict =
    problems.length === 0
      ? ''
      : `  FAILED: ${problems.join('; ')} (answers: ${answers.join(', ') || 'all as wished'})`;
  return `[${number}/${of}] ${fault} (seed ${trial.seed}): ${told}${verdict}`;
}

/** All trials of a record as a table in Markdown, a row an engine, runtime and fault. Times in seconds: p50 / p95 / longest. */
export function renderTable(trials: readonly Trial[]): string {
  const spread = (of: Spread | null) =>
    of ? [of.p50, of.p95, of.max].map((ms) => (ms / 1000).toFixed(2)).join(' / ') : '';
  const groups = Map.groupBy(trials, ({ engine, runtime, fault }) => `${engine}, ${runtime} | \`${fault}\``);
  const rows = [...groups].map(([name, of]) => {
    const summary = summarise(of);
    const { writeOutageMs, rejoinMs } = summary.percentiles;
    const wrong = [summary.lostWrites, summary.doubleAcks, summary.duplicates, summary.refusedButDone];
    const counts = [
      summary.trials,
      summary.failovers,
      summary.failed,
      summary.ackedWrites,
      wrong.join(' / '),
    ];
    const unsure = [
      `${summary.failedWrites} / ${summary.unknownWrites}`,
      `${summary.readErrors} of ${summary.reads}`,
    ];
    return `| ${[name, ...counts, ...unsure, spread(writeOutageMs), spread(rejoinMs)].join(' | ')} |`;
  });
  const total = summarise(trials);
  return [
    '| engine | fault | trials | failovers | failed trials | acknowledged | lost / double / twice / refused but done | writes refused / unknown | read errors | write outage, s | whole again, s |',
    `|${' --- |'.repeat(11)}`,
    ...rows,
    '',
    `${total.trials} trials, ${total.failovers} failovers, ${total.failed} failed trials; ${total.ackedWrites} acknowledged writes, ` +
      `${total.lostWrites} lost, ${total.doubleAcks} acknowledged by a reign that was over, ${total.duplicates} executed twice; ` +
      `${total.reads} reads, ${total.sessionViolations} session reads without their own write.`,
  ].join('\n');
}
