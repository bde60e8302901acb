import { type Sample, type Samples, secondsOf, total, type Window, within } from './samples.ts';

/** After the knee the queues still fill up for a moment; these seconds are left out. */
export const SETTLE_SECONDS = 2;
/** A shorter plateau is not one. */
export const MIN_PLATEAU_SECONDS = 5;
/** From the knee on, at least this share of the seconds must have turned work away. */
const SATURATED_SHARE = 0.9;

export interface Plateau extends Window {
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
  /** Failed requests as a share of all in the window. */
  readonly failedShare: number;
  /** Seconds from the first sample of the run to the knee. */
  readonly kneeAtSeconds: number;
}

export interface SecondOfRun {
  /** Seconds since the run's first sample. */
  readonly second: number;
  readonly reads: number;
  readonly dropped: number;
}

/** Completed reads and turned-away requests, second by second. */
export function perSecond(samples: Samples): SecondOfRun[] {
  const startMs = startOf(samples);
  const count = (list: readonly Sample[], weigh: (sample: Sample) => number) => {
    const bins: number[] = [];
    for (const sample of list) {
      const second = Math.floor((sample.atMs - startMs) / 1000);
      bins[second] = (bins[second] ?? 0) + weigh(sample);
    }
    return bins;
  };
  const reads = count(samples.read_ms, () => 1);
  const dropped = count(samples.dropped_iterations, ({ value }) => value);
  const length = Math.max(reads.length, dropped.length);
  return Array.from({ length }, (_, second) => ({
    second,
    reads: reads[second] ?? 0,
    dropped: dropped[second] ?? 0,
  }));
}

/**
 * The saturated part of a ramp that went past the knee: from the second in which work began to be turned away for good
 * (plus a moment to settle) to the last full second in which it was. What completes there each second is the capacity.
 * Null when the ramp never passed the knee, or for too short a time.
 */
export function findPlateau(samples: Samples): Plateau | null {
  const seconds = perSecond(samples);
  const saturated = seconds.map(({ dropped }) => dropped > 0);
  const last = saturated.lastIndexOf(true);
  const knee = saturated.findIndex(
    (is, i) => is && saturated.slice(i, last + 1).filter(Boolean).length >= SATURATED_SHARE * (last + 1 - i),
  );
  // The last second with a drop is where the load ends: it is seldom a full one.
  if (knee < 0 || last - (knee + SETTLE_SECONDS) < MIN_PLATEAU_SECONDS) return null;
  const startMs = startOf(samples);
  const window = { fromMs: startMs + (knee + SETTLE_SECONDS) * 1000, toMs: startMs + last * 1000 };
  const reads = within(samples.read_ms, window).length;
  const writes = within(samples.write_ms, window).length;
  const failed = total(within(samples.failed_requests, window));
  return {
    ...window,
    readsPerSecond: reads / secondsOf(window),
    writesPerSecond: writes / secondsOf(window),
    failedShare: failed / Math.max(1, reads + writes + failed),
    kneeAtSeconds: knee,
  };
}

function startOf(samples: Samples): number {
  const firsts = [samples.read_ms, samples.write_ms, samples.failed_requests, samples.dropped_iterations];
  return Math.min(...firsts.flatMap((list) => (list[0] ? [list[0].atMs] : [])));
}
