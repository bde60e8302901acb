import { median, quantileSorted } from 'simple-statistics';
import { type Random, randomOf } from '../scenarios/lib/random.ts';
import type { Count } from '../scenarios/lib/sessions.ts';

export { median } from 'simple-statistics';

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly samples: number;
}

/** Null without a sample. Percentiles are taken over all samples at once: averaging those of parts means nothing. */
export function percentilesOf(values: readonly number[]): Percentiles | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const at = (p: number) => quantileSorted(sorted, p);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), samples: values.length };
}

/** Is percentile `p` more than a guess? At least five samples must lie beyond it. */
export const isFirm = (samples: number, p: number): boolean => samples * (1 - p) >= 5;

export interface Estimate {
  readonly median: number;
  /** 95 % interval over blocks; null when there are too few blocks for one. */
  readonly low: number | null;
  readonly high: number | null;
  readonly blocks: number;
}

/** Fewer blocks than this give no interval worth printing. */
export const MIN_BLOCKS_FOR_INTERVAL = 5;
const RESAMPLES = 10_000;

/**
 * Median of one figure per block with its 95 % percentile-bootstrap interval. The block is the unit, never the request:
 * requests of one run share its luck. Null without a value.
 */
export function estimate(perBlock: readonly number[], seed: number): Estimate | null {
  if (perBlock.length === 0) return null;
  const blocks = perBlock.length;
  if (blocks < MIN_BLOCKS_FOR_INTERVAL)
    return { median: median([...perBlock]), low: null, high: null, blocks };
  const random = randomOf(seed, blocks);
  const medians = Array.from({ length: RESAMPLES }, () => median(resample(perBlock, random)));
  medians.sort((a, b) => a - b);
  return {
    median: median([...perBlock]),
    low: quantileSorted(medians, 0.025),
    high: quantileSorted(medians, 0.975),
    blocks,
  };
}

const resample = (values: readonly number[], random: Random): number[] =>
  values.map(() => values[Math.floor(random() * values.length)]!);

/** Upper 95 % bound of a rate of which none was seen in `n` independent chances: 1 - 0.05^(1/n), close to 3/n. */
export const upperBoundOfZero = (n: number): number => (n === 0 ? 1 : 1 - 0.05 ** (1 / n));

/** `37 of 480 (7.7 %)`, `0 of 480 (below 0.62 % at 95 %)`, `none eligible`. Never "no anomalies". */
export function wordCount({ violations, eligible }: Count): string {
  if (eligible === 0) return 'none eligible';
  if (violations === 0) return `0 of ${eligible} (below ${percent(upperBoundOfZero(eligible))} at 95 %)`;
  return `${violations} of ${eligible} (${percent(violations / eligible)})`;
}

/** Two significant digits: `7.7 %`, `0.062 %`, `100 %`. */
export function percent(share: number): string {
  const value = share * 100;
  return `${value >= 99.5 ? Math.round(value) : Number(value.toPrecision(2))} %`;
}

/** The same items in an order that depends on the seed alone (Fisher–Yates). */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [copy[i], copy[j]] = [copy[j]!, copy[i]!];
  }
  return copy;
}
