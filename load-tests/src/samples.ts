import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { z } from 'zod';

/** The metrics of our scenarios that are read back; k6 writes many more. */
const METRICS = [
  'read_ms',
  'write_ms',
  'failed_requests',
  'dropped_iterations',
  'iterations',
  'sessions',
  'ryw_eligible',
  'ryw_violations',
  'mr_eligible',
  'mr_violations',
  'session_read_ms',
] as const;
export type Metric = (typeof METRICS)[number];

export interface Sample {
  /** Wall clock, ms since 1970: when the thing was complete. */
  readonly atMs: number;
  readonly value: number;
  readonly tags: Readonly<Record<string, string>>;
}

export type Samples = Readonly<Record<Metric, readonly Sample[]>>;

const point = z.object({
  type: z.literal('Point'),
  metric: z.enum(METRICS),
  data: z.object({
    time: z.string(),
    value: z.number(),
    tags: z.record(z.string(), z.string()).nullish(),
  }),
});

const WANTED = new RegExp(`"metric":"(?:${METRICS.join('|')})"`);

/** One line of k6's JSON output; null for what is not a sample of ours. @throws on a line that only looks like one. */
export function parseLine(line: string): (Sample & { metric: Metric }) | null {
  if (!WANTED.test(line) || !line.includes('"type":"Point"')) return null;
  const { metric, data } = point.parse(JSON.parse(line));
  return { metric, atMs: Date.parse(data.time), value: data.value, tags: data.tags ?? {} };
}

export const noSamples = (): Record<Metric, Sample[]> =>
  Object.fromEntries(METRICS.map((metric) => [metric, []])) as unknown as Record<Metric, Sample[]>;

/** Reads what `k6 run --out json=FILE.gz` wrote. */
export async function readSamples(file: string): Promise<Samples> {
  const samples = noSamples();
  const lines = createInterface({ input: createReadStream(file).pipe(createGunzip()) });
  for await (const line of lines) {
    const sample = parseLine(line);
    if (sample) samples[sample.metric].push(sample);
  }
  return samples;
}

export const total = (samples: readonly Sample[]): number =>
  samples.reduce((sum, { value }) => sum + value, 0);

export const within = (samples: readonly Sample[], window: Window): readonly Sample[] =>
  samples.filter(({ atMs }) => atMs >= window.fromMs && atMs < window.toMs);

/** Wall clock, ms since 1970; `toMs` excluded. */
export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

export const secondsOf = (window: Window): number => (window.toMs - window.fromMs) / 1000;
