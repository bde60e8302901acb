import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import {
  criterion,
  type Experiment,
  type ExperimentOptions,
  type ExperimentResult,
  evidence,
} from './experiment.ts';
import type { MemoryPlan, MemorySample } from './memory-worker.ts';
import { createKeys, openCluster, pause, routerOptions } from './setup.ts';
import { describeCounts, fitLine, median, milliseconds, percent } from './statistics.ts';

const DEFAULT_SECONDS = 600;
/** Caches fill up in the first quarter; a run much shorter than this would measure that. */
const LEAST_SECONDS = 540;
const SAMPLES = 60;
const KEYS = 200;
const CLIENTS = 24;
const MOST_GROWTH = 0.05;
const MOST_FAILED = 0.001;
/** A router that computes for so long lets every other request of its process wait. */
const MOST_STALL_MS = 2_000;
const CHART_ROWS = 8;

export const memory: Experiment = {
  name: 'memory',
  summary: 'the heap of a router under full mixed load',
  controls: ['leak'],
  async run(options) {
    const seconds = options.seconds ?? DEFAULT_SECONDS;
    await using cluster = await openCluster(options);
    await createKeys(
      cluster,
      Array.from({ length: KEYS }, (_, key) => key),
    );
    const plan: MemoryPlan = {
      router: routerOptions(cluster),
      keys: KEYS,
      clients: CLIENTS,
      everyMs: (seconds * 1_000) / SAMPLES,
      seed: options.seed,
      leak: options.control === 'leak',
    };
    return conclude(await watch(plan, seconds, options), seconds);
  },
};

async function watch(plan: MemoryPlan, seconds: number, options: ExperimentOptions): Promise<MemorySample[]> {
  const child = fork(join(import.meta.dirname, 'memory-worker.ts'), { execArgv: ['--expose-gc'] });
  const samples: MemorySample[] = [];
  let ended: number | null | undefined;
  child.once('exit', (code) => {
    ended = code;
  });
  child.on('message', (sample: MemorySample) => {
    samples.push(sample);
    if (samples.length % 6 !== 0) return;
    const calls = Object.values(sample.done).reduce((sum, n) => sum + n, 0);
    options.progress(
      `${mebibytes(sample.heapBytes)} MiB after ${calls} calls (${Math.round(calls / (sample.atMs / 1_000))}/s)`,
    );
  });
  child.send(plan);
  const endMs = performance.now() + (seconds + 5) * 1_000;
  while (samples.length < SAMPLES && performance.now() < endMs && !options.signal.aborted) {
    await pause(200, options.signal);
    if (ended !== undefined) throw new Error(`the process with the router ended with code ${ended}`);
  }
  child.kill('SIGKILL');
  if (ended === undefined) await once(child, 'exit');
  return samples;
}

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(2);

function conclude(samples: readonly MemorySample[], seconds: number): ExperimentResult {
  const heap = samples.map(({ heapBytes }) => heapBytes);
  const quarter = (n: number) => heap.slice((heap.length * (n - 1)) / 4, (heap.length * n) / 4);
  const [second, last] = [median(quarter(2)) ?? Number.NaN, median(quarter(4)) ?? Number.NaN];
  const growth = last / second - 1;
  const line = fitLine(heap.slice(heap.length / 4));
  const latest = samples.at(-1);
  const calls = Object.values(latest?.done ?? {}).reduce((sum, n) => sum + n, 0);
  const enough = samples.length >= SAMPLES * 0.9 && seconds >= LEAST_SECONDS;
  const failed = Object.values(latest?.failed ?? {}).reduce((sum, n) => sum + n, 0);
  const stallMs = latest?.longestStallMs ?? 0;
  const criteria = [
    criterion(
      'median heap of the last quarter over that of the second',
      `grown by less than ${percent(MOST_GROWTH)}`,
      `${percent(growth)} (${mebibytes(second)} to ${mebibytes(last)} MiB)`,
      growth < MOST_GROWTH,
    ),
    evidence('time', `at least ${LEAST_SECONDS} s`, `${seconds} s, ${samples.length} samples`, enough),
    evidence('calls', 'some', `${calls}`, calls > 0),
    evidence(
      'calls that failed and should not',
      `at most ${percent(MOST_FAILED)}`,
      `${failed}: ${describeCounts(latest?.failed ?? {})}`,
      failed <= MOST_FAILED * calls,
    ),
    evidence(
      'longest time the event loop stood still',
      `below ${MOST_STALL_MS} ms`,
      `${milliseconds(stallMs)} ms`,
      stallMs < MOST_STALL_MS,
    ),
  ];
  const notes = [
    `fitted line through the last three quarters: ${percent(line.end / line.start - 1)}, ${mebibytes(line.start)} to ${mebibytes(line.end)} MiB`,
    `outside the heap at the end: ${mebibytes(latest?.externalBytes ?? 0)} MiB in buffers, ${mebibytes(latest?.rssBytes ?? 0)} MiB resident in all`,
    `calls: ${describeCounts(latest?.done ?? {})}`,
    `calls that failed as they should: ${describeCounts(latest?.refused ?? {})}`,
    `heap after a full collection, one column every ${(seconds / SAMPLES).toFixed(0)} s:`,
    ...chart(heap),
  ];
  return { criteria, notes, figures: { growth, line, samples } };
}

/** The series as text, from zero: a leak is a slope, noise is not. */
export function chart(values: readonly number[]): string[] {
  if (values.length === 0) return [];
  const top = Math.max(...values);
  return Array.from({ length: CHART_ROWS }, (_, i) => {
    const row = CHART_ROWS - i;
    const bars = values.map((value) => (Math.round((value / top) * CHART_ROWS) >= row ? '#' : ' ')).join('');
    return `${mebibytes((top * row) / CHART_ROWS).padStart(8)} |${bars}`;
  });
}
