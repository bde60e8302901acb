/** Neighbouring buckets of a histogram differ by 2 %, which is the error of its percentiles. */
const GROWTH = 1.02;
const SMALLEST_MS = 0.01;

export interface HistogramData {
  readonly counts: Readonly<Record<number, number>>;
  readonly maxMs: number;
}

/** Durations in constant memory, whatever their number; can be sent to another process and merged there. */
export class Histogram {
  readonly #counts = new Map<number, number>();
  #total = 0;
  #maxMs = 0;

  add(ms: number): void {
    const bucket = Math.ceil(Math.log(Math.max(ms, SMALLEST_MS) / SMALLEST_MS) / Math.log(GROWTH));
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1);
    this.#total += 1;
    this.#maxMs = Math.max(this.#maxMs, ms);
  }

  merge({ counts, maxMs }: HistogramData): void {
    for (const [bucket, count] of Object.entries(counts)) {
      this.#counts.set(Number(bucket), (this.#counts.get(Number(bucket)) ?? 0) + count);
      this.#total += count;
    }
    this.#maxMs = Math.max(this.#maxMs, maxMs);
  }

  get total(): number {
    return this.#total;
  }

  get maxMs(): number {
    return this.#maxMs;
  }

  /** The duration below which a share of `p` lies; null without a sample. */
  percentileMs(p: number): number | null {
    if (this.#total === 0) return null;
    const wanted = Math.max(1, Math.ceil(p * this.#total));
    let seen = 0;
    for (const [bucket, count] of [...this.#counts].sort(([a], [b]) => a - b)) {
      seen += count;
      if (seen >= wanted) return Math.min(SMALLEST_MS * GROWTH ** bucket, this.#maxMs);
    }
    return this.#maxMs;
  }

  data(): HistogramData {
    return { counts: Object.fromEntries(this.#counts), maxMs: this.#maxMs };
  }

  /** `p50 1.2  p95 3.4  p99 5.6  max 30 ms (1234)`. */
  describe(): string {
    if (this.#total === 0) return 'none';
    const at = (p: number) => milliseconds(this.percentileMs(p)!);
    return `p50 ${at(0.5)}  p95 ${at(0.95)}  p99 ${at(0.99)}  max ${milliseconds(this.#maxMs)} ms (${this.#total})`;
  }
}

/** Three significant digits, without a unit. */
export const milliseconds = (ms: number): string => `${Number(ms.toPrecision(3))}`;

export const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`;

/** Upper 95 % bound of a rate of which none was seen in `n` independent chances: close to 3/n. */
export const upperBoundOfZero = (n: number): number => (n === 0 ? 1 : 1 - 0.05 ** (1 / n));

/** `3 of 480 (0.625 %)`; for zero also how rare that shows it to be. Never "no anomalies". */
export function wordCount(count: number, of: number): string {
  if (of === 0) return '0 of 0';
  if (count > 0) return `${count} of ${of} (${percent(count / of)})`;
  return `0 of ${of} (rate below ${upperBoundOfZero(of).toExponential(1)}, 95 %)`;
}

/** Null without a value. */
export function quantile(values: readonly number[], p: number): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const at = p * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return low + (high - low) * (at - Math.floor(at));
}

export const median = (values: readonly number[]): number | null => quantile(values, 0.5);

/** Least squares through (index, value). */
export function fitLine(values: readonly number[]): { readonly start: number; readonly end: number } {
  const n = values.length;
  const meanX = (n - 1) / 2;
  const meanY = values.reduce((sum, y) => sum + y, 0) / n;
  let covariance = 0;
  let variance = 0;
  values.forEach((y, x) => {
    covariance += (x - meanX) * (y - meanY);
    variance += (x - meanX) ** 2;
  });
  const slope = variance === 0 ? 0 : covariance / variance;
  return { start: meanY - slope * meanX, end: meanY + slope * meanX };
}

/**
 * 95 % percentile-bootstrap interval of the median over blocks; null below five blocks. The block is the unit, never the
 * request: requests of one block share its luck.
 */
export function intervalOfMedian(
  perBlock: readonly number[],
  random: { below(end: number): number },
): { readonly low: number; readonly high: number } | null {
  if (perBlock.length < 5) return null;
  const medians = Array.from(
    { length: 5_000 },
    () => median(perBlock.map(() => perBlock[random.below(perBlock.length)]!))!,
  );
  return { low: quantile(medians, 0.025)!, high: quantile(medians, 0.975)! };
}

/** Adds `by` to a named counter. */
export function count(counters: Record<string, number>, name: string, by = 1): void {
  counters[name] = (counters[name] ?? 0) + by;
}

/** `name 12 (3.4 %)  other 5 (…)`, most frequent first. */
export function describeCounts(counters: Readonly<Record<string, number>>): string {
  const total = Object.values(counters).reduce((sum, n) => sum + n, 0);
  if (total === 0) return 'none';
  return Object.entries(counters)
    .sort(([, a], [, b]) => b - a)
    .map(([name, n]) => `${name} ${n} (${percent(n / total)})`)
    .join('  ');
}
