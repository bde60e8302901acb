import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { execa } from 'execa';
import { MeasureError } from './errors.ts';
import { processCpuSeconds } from './host.ts';
import { K6_VERSION } from './k6-binary.ts';
import type { LabUnderTest, Usage } from './lab-under-test.ts';
import { readSamples, type Samples } from './samples.ts';
import { recordUsage } from './usage-recorder.ts';
import type { UsageSample } from './utilisation.ts';

const SCENARIOS = resolve(import.meta.dirname, '../scenarios');
const RAW = 'raw.json.gz';
const LOG = 'k6.log';
/** k6 says so when a threshold failed: the run is complete, and its gates judge it. */
const THRESHOLD_FAILED = 99;
const SPARE_SECONDS = 60;

export interface K6Run {
  readonly scenario: 'throughput' | 'latency' | 'anomalies';
  /** Made new; gets raw.json.gz, summary.json, k6.log and usage.json. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string | number>>;
  readonly seconds: number;
}

export interface K6Result {
  readonly samples: Samples;
  readonly usage: readonly UsageSample[];
}

/** Runs one scenario and records what everything used meanwhile. @throws MeasureError `k6-failed` */
export async function runK6(lab: LabUnderTest, run: K6Run, signal: AbortSignal): Promise<K6Result> {
  await mkdir(run.directory, { recursive: true });
  const env = Object.fromEntries(Object.entries(run.env).map(([name, value]) => [name, String(value)]));
  const command = await lab.k6(join(SCENARIOS, `${run.scenario}.ts`), run.directory, env);
  const args = [...command.args, '--quiet', '--no-color', '--out', `json=${command.outDir}/${RAW}`];
  const log = { file: join(run.directory, LOG), append: true } as const;
  const child = execa(command.file, args, {
    env: command.env,
    stdin: 'ignore',
    stdout: log,
    stderr: log,
    reject: false,
    timeout: (run.seconds + SPARE_SECONDS) * 1000,
    cancelSignal: signal,
    killSignal: 'SIGINT', // k6 then stops its scenarios and still writes its files
    forceKillAfterDelay: 10_000,
  });
  const recording = recordUsage(lab, generatorOf(child.pid));
  const result = await child;
  await recording[Symbol.asyncDispose]();
  signal.throwIfAborted();
  if (result.failed && result.exitCode !== THRESHOLD_FAILED) throw await failure(run, result.timedOut);
  await writeFile(join(run.directory, 'usage.json'), JSON.stringify(recording.samples));
  return { samples: await readSamples(join(run.directory, RAW)), usage: recording.samples };
}

/** The version that will run: a plain k6 tells it, the image is pinned. */
export async function k6VersionOf(lab: LabUnderTest, directory: string): Promise<string> {
  const { file } = await lab.k6(join(SCENARIOS, 'throughput.ts'), directory, {});
  if (basename(file) !== 'k6') return K6_VERSION;
  const { stdout } = await execa(file, ['version'], { reject: false, timeout: 20_000 });
  return /v\d+\.\d+\.\d+\S*/.exec(stdout ?? '')?.[0] ?? K6_VERSION;
}

/** In a container, the lab knows what k6 uses; as a plain process, the kernel does. After its end: what it had used. */
function generatorOf(pid: number | undefined) {
  let last: number | null = null;
  return (all: Readonly<Record<string, Usage>>): number | null => {
    last = all.k6?.cpuSeconds ?? (pid === undefined ? null : processCpuSeconds(pid)) ?? last;
    return last;
  };
}

async function failure(run: K6Run, timedOut: boolean): Promise<MeasureError> {
  const file = join(run.directory, LOG);
  const log = await readFile(file, 'utf8').catch(() => '');
  const tail = log.trim().split('\n').slice(-5).join('\n  ');
  const what = timedOut ? 'did not end in time' : 'ended with an error';
  return new MeasureError(
    'k6-failed',
    `k6 ${what} (${run.scenario}):\n  ${tail}`,
    `the whole log is ${file}`,
  );
}
