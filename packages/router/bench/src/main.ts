import { setMaxListeners } from 'node:events';
import { ENGINE_NAMES, type EngineName } from '@replication-lab/engines';
import { engineOf } from '@replication-lab/engines/local';
import { useServerFromImage } from '@replication-lab/engines/testing';
import { runCourse } from './course.ts';
import { type BenchOptions, readOptions, USAGE, UsageError } from './options.ts';
import { readCommit, readEnvironment, readVersions, updateReadme, writeResults } from './results.ts';
import { type BenchSummary, SUMMARY_FORMAT } from './summary.ts';
import { renderText } from './words.ts';

const startedMs = performance.now();

/** Progress to stderr, with the seconds since the start. */
const say = (message: string): void => {
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1).padStart(6);
  console.error(`${seconds} s  ${message}`);
};

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const engines = await enginesOf(options);
  if (engines.length === 0) return 1;
  const stop = stopOnSignals();
  const summaries: BenchSummary[] = [];
  for (const engine of engines) {
    const summary = await measure(engine, options, stop);
    summaries.push(summary);
    const text = `\n${renderText(summary)}\n\nFigures: ${await writeResults(summary)}`;
    if (options.json) console.error(text);
    else console.log(text);
  }
  if (options.json) console.log(JSON.stringify(summaries, null, 2));
  if (options.updateReadme) for (const file of await updateReadme()) say(`written: ${file}`);
  return 0;
}

/** Those that were asked for and can run here; what cannot is said aloud. */
async function enginesOf({ engines: wanted, quick }: BenchOptions): Promise<EngineName[]> {
  const engines: EngineName[] = [];
  for (const engine of wanted ?? ENGINE_NAMES) {
    const reason = await whyNot(engine);
    if (reason === null) engines.push(engine);
    else say(`NOT RUN: ${engine}: ${reason}`);
    if (engines.length === 1 && wanted === null && quick) break;
  }
  return engines;
}

/** Why the server cannot run here: it is neither installed nor in a Docker image on this machine. Null when it can. */
async function whyNot(engine: EngineName): Promise<string | null> {
  const { server } = engineOf(engine);
  if (await server.find()) return null;
  const reason = await useServerFromImage(engine).catch(String);
  if (reason === null && (await server.find())) return null;
  return `${reason ?? 'the server of its Docker image does not run here'}. ${server.explainMissing}`;
}

async function measure(
  engine: EngineName,
  options: BenchOptions,
  signal: AbortSignal,
): Promise<BenchSummary> {
  const { quick, seed, concurrency, slices, measureMs, users } = options;
  const began = Date.now();
  const environment = readEnvironment();
  const versions = await readVersions();
  const commit = await readCommit();
  const { version, ...course } = await runCourse(engine, options, say, signal);
  return {
    format: SUMMARY_FORMAT,
    engine,
    engineVersion: version,
    startedAt: new Date(began).toISOString(),
    seconds: Math.round((Date.now() - began) / 1000),
    ...{ quick, seed, concurrency, slices, measureMs, users, commit, environment, versions },
    ...course,
  };
}

/** The first Ctrl-C ends the run after the current slice and stops the servers; the second ends this at once. */
function stopOnSignals(): AbortSignal {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => controller.abort(new Error(`stopped by ${name}`)));
  }
  return controller.signal;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`${error.message}\n(--help shows what it takes)`);
    process.exitCode = 2;
  } else {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
