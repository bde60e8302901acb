import type { EngineName } from '@replication-lab/engines';
import type { Count } from '../../../../load-tests/scenarios/lib/sessions.ts';
import { type Estimate, estimate } from '../../../../load-tests/src/statistics.ts';
import type { Latency, Slice, Workload } from './protocol.ts';
import { SUBJECTS, type SubjectInfo } from './subjects/index.ts';

/** One slice with where it belongs. */
export interface Measured {
  readonly subject: string;
  readonly block: number;
  readonly slice: Slice;
}

/** What came of one subject in one workload. */
export interface Row {
  readonly subject: string;
  readonly label: string;
  readonly kind: SubjectInfo['kind'];
  readonly operationsPerSecond: Estimate;
  /** Of the subject's whole process, in microseconds. */
  readonly cpuUs: Estimate;
  /** Throughput divided by that of `raw` in the same block. */
  readonly ratio: Estimate;
  /** CPU per operation divided by that of `raw` in the same block. */
  readonly cpuRatio: Estimate;
  readonly latency: Latency | null;
  /** Null where nothing was read. */
  readonly primaryShare: number | null;
  readonly readYourWrites: Count;
  readonly monotonicReads: Count;
  readonly operations: number;
  readonly errors: number;
  readonly firstError: string | null;
}

/** All slices of one subject in one block: sums, so that long and short slices weigh as they should. */
interface BlockSum {
  operations: number;
  wallMs: number;
  cpuMs: number;
}

/** Rows in the order of the table; `raw` has to be among the measured. */
export function rowsOf(
  measured: readonly Measured[],
  latencies: ReadonlyMap<string, Latency>,
  seed: number,
): Row[] {
  const blocks = sumByBlock(measured);
  const raw = blocks.get('raw');
  if (!raw) return [];
  return SUBJECTS.flatMap(({ name, label, kind }) => {
    const own = blocks.get(name);
    const row = own && figuresOf(own, raw, seed);
    if (!row) return [];
    const slices = measured.filter(({ subject }) => subject === name).map(({ slice }) => slice);
    return [
      { subject: name, label, kind, ...row, latency: latencies.get(name) ?? null, ...totalsOf(slices) },
    ];
  });
}

function sumByBlock(measured: readonly Measured[]): Map<string, Map<number, BlockSum>> {
  const sums = new Map<string, Map<number, BlockSum>>();
  for (const { subject, block, slice } of measured) {
    const blocks = sums.get(subject) ?? new Map<number, BlockSum>();
    sums.set(subject, blocks);
    const sum = blocks.get(block) ?? { operations: 0, wallMs: 0, cpuMs: 0 };
    blocks.set(block, sum);
    sum.operations += slice.operations;
    sum.wallMs += slice.wallMs;
    sum.cpuMs += slice.cpuMs;
  }
  return sums;
}

const perSecond = ({ operations, wallMs }: BlockSum): number => (1000 * operations) / wallMs;
const cpuUs = ({ operations, cpuMs }: BlockSum): number => (1000 * cpuMs) / operations;

/** Null when no block has a finished operation of both. */
function figuresOf(own: ReadonlyMap<number, BlockSum>, raw: ReadonlyMap<number, BlockSum>, seed: number) {
  const pairs = [...own].flatMap(([block, sum]): [BlockSum, BlockSum][] => {
    const base = raw.get(block);
    return base && base.operations > 0 && sum.operations > 0 ? [[sum, base]] : [];
  });
  const over = (value: (pair: [BlockSum, BlockSum]) => number) => estimate(pairs.map(value), seed);
  const operationsPerSecond = over(([sum]) => perSecond(sum));
  const cpu = over(([sum]) => cpuUs(sum));
  const ratio = over(([sum, base]) => perSecond(sum) / perSecond(base));
  const cpuRatio = over(([sum, base]) => cpuUs(sum) / cpuUs(base));
  return operationsPerSecond && cpu && ratio && cpuRatio
    ? { operationsPerSecond, cpuUs: cpu, ratio, cpuRatio }
    : null;
}

function totalsOf(slices: readonly Slice[]) {
  const sum = (value: (slice: Slice) => number) => slices.reduce((total, slice) => total + value(slice), 0);
  const reads = sum((slice) => slice.reads);
  const count = (of: (slice: Slice) => Count): Count => ({
    violations: sum((slice) => of(slice).violations),
    eligible: sum((slice) => of(slice).eligible),
  });
  return {
    primaryShare: reads === 0 ? null : sum((slice) => slice.readsOnPrimary) / reads,
    readYourWrites: count((slice) => slice.readYourWrites),
    monotonicReads: count((slice) => slice.monotonicReads),
    operations: sum((slice) => slice.operations),
    errors: sum((slice) => slice.errors),
    firstError: slices.find(({ firstError }) => firstError !== null)?.firstError ?? null,
  };
}

/** Paired ratio of two subjects of one workload; null when they share no block. */
function ratioOf(
  measured: readonly Measured[],
  subject: string,
  other: string,
  seed: number,
): Estimate | null {
  const blocks = sumByBlock(measured);
  const [own, base] = [blocks.get(subject), blocks.get(other)];
  return own && base ? (figuresOf(own, base, seed)?.ratio ?? null) : null;
}

/** What the router is meant to reach: share of the raw driver's throughput. */
const TARGETS: readonly {
  readonly subject: string;
  readonly workload: Workload;
  readonly least: Readonly<Record<EngineName, number>>;
}[] = [
  {
    subject: 'router-eventual',
    workload: 'reads',
    least: { mysql: 0.97, mariadb: 0.97, postgres: 0.97 },
  },
  { subject: 'router-session', workload: 'reads', least: { mysql: 0.93, mariadb: 0.93, postgres: 0.93 } },
  {
    subject: 'router-eventual',
    workload: 'writes',
    least: { mysql: 0.95, mariadb: 0.95, postgres: 0.85 },
  },
];

/** A target, judged by the median; `firm` when the whole interval says the same. */
export interface Verdict {
  readonly subject: string;
  readonly least: number;
  readonly ratio: Estimate;
  readonly met: boolean;
  readonly firm: boolean;
}

/** The router beside a library: `ahead` or `behind` when the whole interval says so, else `level`. */
export interface Rivalry {
  readonly subject: string;
  readonly library: string;
  readonly ratio: Estimate;
  readonly standing: 'ahead' | 'level' | 'behind';
}

/** Nothing is said of what was not measured. */
export function verdictsOf(engine: EngineName, workload: Workload, rows: readonly Row[]): Verdict[] {
  return TARGETS.flatMap((target) => {
    const row = target.workload === workload && rows.find(({ subject }) => subject === target.subject);
    return row ? [judge(row, target.least[engine])] : [];
  });
}

function judge({ subject, ratio }: Row, least: number): Verdict {
  const met = ratio.median >= least;
  const firm = ratio.low !== null && ratio.high !== null && (met ? ratio.low >= least : ratio.high < least);
  return { subject, least, ratio, met, firm };
}

const RIVALS = ['router-eventual', 'router-session'];

/**
 * Paired ratios to every library. None for the mixed workload: there the libraries are fast at showing old rows, and
 * the table says so.
 */
export function rivalriesOf(workload: Workload, measured: readonly Measured[], seed: number): Rivalry[] {
  if (workload === 'mixed') return [];
  const libraries = SUBJECTS.filter(({ kind }) => kind === 'library');
  return RIVALS.flatMap((subject) =>
    libraries.flatMap(({ name: library }) => {
      const ratio = ratioOf(measured, subject, library, seed);
      return ratio ? [{ subject, library, ratio, standing: standingOf(ratio) }] : [];
    }),
  );
}

const standingOf = ({ low, high }: Estimate): Rivalry['standing'] =>
  low === null || high === null ? 'level' : low > 1 ? 'ahead' : high < 1 ? 'behind' : 'level';
