import type { Estimate } from './statistics.ts';

type Range = readonly [low: number, high: number];

/** One row of the textbook's table of what replication brings. */
interface TextbookRow {
  readonly name: string;
  readonly unit: string;
  readonly before: Range;
  readonly after: Range;
}

const ROWS = {
  users: { name: 'Concurrent users', unit: '', before: [5_000, 15_000], after: [15_000, 50_000] },
  requests: { name: 'Requests a second', unit: '', before: [500, 1_500], after: [1_500, 5_000] },
  read: { name: 'Read time', unit: 'ms', before: [100, 200], after: [50, 100] },
  write: { name: 'Write time', unit: 'ms', before: [100, 200], after: [100, 200] },
  uptime: { name: 'Uptime', unit: '%', before: [99.5, 99.9], after: [99.9, 99.99] },
} as const satisfies Record<string, TextbookRow>;

export interface Claim extends TextbookRow {
  /** What the textbook's own figures make of after / before; null where a ratio says nothing. */
  readonly claimedRatio: Range | null;
  readonly measured: {
    readonly what: string;
    readonly before: number;
    readonly after: number;
    readonly ratio: Estimate | null;
  } | null;
  /** Why not measured, or what to keep in mind. */
  readonly note: string;
}

export interface Measured {
  readonly requestRps: MeasuredRow | null;
  readonly readP50Ms: MeasuredRow | null;
  readonly writeP50Ms: MeasuredRow | null;
  /** The tail gains more than the median, and the textbook does not say which it means. */
  readonly readP95Ratio: Estimate | null;
}

export interface MeasuredRow {
  readonly before: number;
  readonly after: number;
  readonly ratio: Estimate | null;
}

const NOT_MEASURED = 'not measured';

/** The textbook's before/after table with what this lab measured beside each claim. */
export function claimsWith(measured: Measured): Claim[] {
  const row = (key: keyof typeof ROWS, what: string, value: MeasuredRow | null, note = ''): Claim => ({
    ...ROWS[key],
    claimedRatio: key === 'uptime' ? null : ratioRange(ROWS[key]),
    measured: value === null ? null : { what, ...value },
    note: value === null && note === '' ? NOT_MEASURED : note,
  });
  return [
    row('users', '', null, `${NOT_MEASURED}: at the same think time it grows as requests a second do`),
    row('requests', 'at saturation', measured.requestRps),
    row('read', `median at equal load${tail(measured.readP95Ratio)}`, measured.readP50Ms),
    row('write', 'median at equal load', measured.writeP50Ms),
    row('uptime', '', null, `${NOT_MEASURED} yet: it needs failover drills`),
  ];
}

const tail = (ratio: Estimate | null): string =>
  ratio === null ? '' : ` (p95: ${ratio.median.toFixed(2)}x)`;

/** Lowest with lowest, highest with highest: 500 to 1,500 becoming 1,500 to 5,000 is 3.0 to 3.3 times. */
function ratioRange({ before, after }: TextbookRow): Range {
  const ratios = [after[0] / before[0], after[1] / before[1]].sort((a, b) => a - b);
  return [ratios[0]!, ratios[1]!];
}
