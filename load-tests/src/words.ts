import { times } from './conclusion.ts';
import { type Estimate, isFirm } from './statistics.ts';
import type { AnomalyFigures, ArmFigures, CompareSummary, RatioName } from './summary.ts';
import type { Claim } from './textbook.ts';

/** The figures of a comparison as words, row by row: the terminal's table and the report show the same. */

export const NOTHING = '–';

const groups = new Intl.NumberFormat('en-GB');

/** Three significant digits below 1,000; whole numbers above. */
export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined) return NOTHING;
  return value >= 1000 ? groups.format(Math.round(value)) : String(Number(value.toPrecision(3)));
}

const withUnit = (value: number | null | undefined, unit: string): string =>
  value === null || value === undefined || unit === '' ? figure(value) : `${figure(value)} ${unit}`;

export function ratioText(ratio: Estimate | null | undefined): string {
  if (!ratio) return NOTHING;
  if (ratio.low === null || ratio.high === null) return times(ratio.median);
  return `${times(ratio.median)} (${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)})`;
}

const range = ([low, high]: readonly [number, number], unit: string): string =>
  `${groups.format(low)}–${groups.format(high)}${unit && ` ${unit}`}`;

export const CLAIM_HEADINGS = [
  '',
  'textbook before',
  'textbook after',
  'claim',
  'single',
  'replicated',
  'measured',
] as const;

/** The textbook's row with the measured one beside it; the last cell says what was measured, or why it was not. */
export function claimRow(claim: Claim): string[] {
  const { name, unit, before, after, claimedRatio, measured, note } = claim;
  const claimed =
    claimedRatio === null
      ? NOTHING
      : claimedRatio[0].toFixed(1) === claimedRatio[1].toFixed(1)
        ? `${claimedRatio[0].toFixed(1)}x`
        : `${claimedRatio[0].toFixed(1)}–${claimedRatio[1].toFixed(1)}x`;
  return [
    name,
    range(before, unit),
    range(after, unit),
    claimed,
    withUnit(measured?.before, unit),
    withUnit(measured?.after, unit),
    measured === null ? note : `${ratioText(measured.ratio)} ${measured.what}`,
  ];
}

export const ARM_HEADINGS = ['', 'single', 'replicated', 'ratio', 'from'] as const;

/** The measured figures; the last cell says from how many samples. */
export function armRows(summary: CompareSummary): string[][] {
  const { arms, ratios, latency, profile } = summary;
  const share = profile.latencyShares.at(-1);
  const headline = latency.filter((row) => row.share === share);
  const rate = headline[0] ? ` at ${figure(headline[0].offeredPerSecond)} requests/s` : '';
  const samples = (kind: 'reads' | 'writes', p: number): string => {
    const counts = headline.map((row) => row[kind]?.samples ?? 0);
    if (counts.length === 0) return '';
    const few = counts.some((n) => !isFirm(n, p)) ? ', too few for this percentile' : '';
    return `${counts.map((n) => groups.format(n)).join(' and ')} ${kind}${few}`;
  };
  const row = (name: string, key: RatioName & keyof ArmFigures, unit: string, from: string) => [
    name,
    withUnit(arms.single[key], unit),
    withUnit(arms.replicated[key], unit),
    ratioText(ratios[key]),
    from,
  ];
  const blocks = `${summary.blocks} ${summary.blocks === 1 ? 'block' : 'blocks'}`;
  return [
    row('Reads a second at saturation', 'readRps', '', blocks),
    row(`Read p50${rate}`, 'readP50Ms', 'ms', samples('reads', 0.5)),
    row('Read p95', 'readP95Ms', 'ms', samples('reads', 0.95)),
    row('Read p99', 'readP99Ms', 'ms', samples('reads', 0.99)),
    row('Write p50', 'writeP50Ms', 'ms', samples('writes', 0.5)),
    row('Write p95', 'writeP95Ms', 'ms', samples('writes', 0.95)),
  ];
}

export const ANOMALY_HEADINGS = [
  'lag',
  'level',
  'own write not seen',
  'went back in time',
  'read at primary',
  'read p50',
] as const;

export function anomalyRow(
  row: AnomalyFigures,
  wordCount: (count: AnomalyFigures['readYourWrites']) => string,
) {
  return [
    row.fault,
    row.level,
    wordCount(row.readYourWrites),
    wordCount(row.monotonicReads),
    row.primaryReadShare === null ? NOTHING : `${Math.round(row.primaryReadShare * 100)} %`,
    withUnit(row.readP50Ms, 'ms'),
  ];
}

/** What the model says the speed-up should be; null when its demands were not measured. */
export function predictionText({ demands, prediction }: CompareSummary): string | null {
  if (demands === null || prediction === null) return null;
  const { low, high } = prediction;
  const expected = times(low) === times(high) ? times(low) : `${times(low)} to ${times(high)}`;
  return (
    `Expected from the measured demands (${demands.readMs.toFixed(1)} ms of database CPU a read, ` +
    `${demands.writeMs.toFixed(1)} ms a write): ${expected}. The ceiling for reads on two replicas is about 2x.`
  );
}

/** Why the figures are what they are, in one line. */
export function setupText(summary: CompareSummary): string {
  const { engine, engineVersion, runtime, capCpus, environment, profile } = summary;
  const cap = capCpus === null ? 'no CPU cap' : `${capCpus} CPU per database node`;
  const users = groups.format(profile.users);
  return `${engine} ${engineVersion}, ${runtime}, ${cap}, ${users} users, ${environment.cpus} CPUs (${environment.cpuModel})`;
}
