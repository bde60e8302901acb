import type { Position, PositionOps } from '@replication-lab/engines';

interface Sample {
  readonly atMs: number;
  readonly position: Position;
}

/** Samples kept at most. */
export const MAX_SAMPLES = 512;
/** When there are more, neighbours go that are closer together than this share of their age. */
const THINNING = 0.02;
/** Samples closer together than this are not worth two places. */
export const MIN_SAMPLE_GAP_MS = 50;

/**
 * Where the primary was, and when: the ruler by which the age of a replica's data is read.
 *
 * If a replica holds the position that the primary had at time t, its data is no older than t. So now - t is an
 * upper bound of its staleness, true for every engine, for an idle primary and for a replica whose applier
 * stands still: cases in which the engines' own "seconds behind" say 0 or nothing.
 *
 * Dropping a sample can only make the bound larger, never wrong, so old samples may stand further apart: the last
 * 10 s keep every sample, an hour is read to within about a minute, and a day still fits.
 *
 * Samples must come from one primary in one epoch (each covers the one before); `clear` when that changes.
 */
export class PositionHistory {
  readonly #positions: Pick<PositionOps, 'covers'>;
  #samples: Sample[] = [];

  constructor(positions: Pick<PositionOps, 'covers'>) {
    this.#positions = positions;
  }

  get size(): number {
    return this.#samples.length;
  }

  /** `atMs`: monotonic time just before the primary was asked, so that all it had committed by then is in `position`. */
  add(atMs: number, position: Position): void {
    const samples = this.#samples;
    const last = samples.at(-1);
    if (last?.position === position) {
      samples[samples.length - 1] = { atMs: Math.max(last.atMs, atMs), position };
      return;
    }
    const beforeLast = samples.at(-2);
    if (last && beforeLast && last.atMs - beforeLast.atMs < MIN_SAMPLE_GAP_MS) samples.pop();
    samples.push({ atMs, position });
    if (samples.length > MAX_SAMPLES) this.#thin(atMs);
  }

  /** The newest sampled moment whose position `held` covers, or null when it covers none. */
  newestCoveredMs(held: Position): number | null {
    const samples = this.#samples;
    const covers = (index: number) => this.#positions.covers(held, samples[index]!.position);
    if (samples.length === 0) return null;
    // A replica that keeps up covers the newest sample: one comparison is the usual cost.
    if (covers(samples.length - 1)) return samples.at(-1)!.atMs;
    let low = -1; // covered, or before the first
    let high = samples.length - 1; // not covered
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (covers(middle)) low = middle;
      else high = middle;
    }
    return low < 0 ? null : samples[low]!.atMs;
  }

  clear(): void {
    this.#samples = [];
  }

  #thin(nowMs: number): void {
    const kept: Sample[] = [];
    for (const sample of this.#samples) {
      const last = kept.at(-1);
      if (!last || sample.atMs - last.atMs >= (nowMs - sample.atMs) * THINNING) kept.push(sample);
    }
    // After weeks even the thin past is too long: then its end goes.
    this.#samples = kept.slice(-Math.floor(MAX_SAMPLES * 0.8));
  }
}

/** Leaves out a replica above `maxLagMs` and takes it back below half of it, so that it does not flap at the limit. */
export function nextLagging(wasLagging: boolean, stalenessMs: number | null, maxLagMs: number): boolean {
  if (stalenessMs === null) return true; // never proved to hold anything recent
  return stalenessMs > (wasLagging ? maxLagMs / 2 : maxLagMs);
}
