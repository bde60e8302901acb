import { dockerAnswers } from './docker/compose.ts';
import { upDocker } from './docker/up.ts';
import { LabError } from './errors.ts';
import { listRecords } from './faults/records.ts';
import { withLock } from './lock.ts';
import { DEFAULT_HTTP_PORT, DEFAULT_STATS_PORT } from './native/layout.ts';
import { defaultNativeEngine, upNative } from './native/up.ts';
import { openRuntime } from './open-runtime.ts';
import { repositoryRoot, stateDirectory } from './paths.ts';
import type { BringUp, LabContext, RunningLab, UpRequest } from './runtime.ts';
import { type LabState, readState } from './state.ts';

const LOCK_WAIT_MS = 120_000;

/** See BringUp in runtime.ts. One at a time; a second one waits, and then finds the lab up. */
export const bringUp: BringUp = async (request, context) => {
  const stateDir = stateDirectory();
  const lock = { name: 'lab', purpose: 'up', waitMs: LOCK_WAIT_MS, signal: context.signal };
  const onWait = (holder: string) => context.progress(`waiting for ${holder}`);
  return withLock(stateDir, { ...lock, onWait }, async () => {
    const previous = await readState(stateDir);
    const wanted = await decide(request, previous);
    if (previous && (await isAlreadyUp(stateDir, previous, wanted, context))) {
      return running(stateDir, previous, true);
    }
    if (previous && (previous.runtime !== wanted.runtime || previous.engine !== wanted.engine)) {
      context.progress(`ending the ${previous.engine} lab (${previous.runtime}) first; its data stays`);
      await openRuntime(stateDir, previous).down({ volumes: false }, context.progress);
    }
    const up = wanted.runtime === 'docker' ? upDocker : upNative;
    await up(stateDir, wanted, previous, context);
    return running(stateDir, wanted, false);
  });
};

/** What was asked for, then what is up, then the defaults. */
async function decide(request: UpRequest, previous: LabState | null): Promise<LabState> {
  const runtime = request.runtime ?? previous?.runtime ?? ((await dockerAnswers()) ? 'docker' : 'native');
  const engine =
    request.engine ?? previous?.engine ?? (runtime === 'docker' ? 'mysql' : await defaultNativeEngine());
  return {
    version: 1,
    phase: 'starting',
    engine,
    runtime,
    topology: request.topology ?? previous?.topology ?? 'replicated',
    startedAt: new Date().toISOString(),
    checkout: repositoryRoot,
    with: [...(request.with ?? previous?.with ?? [])],
    httpPort: portFrom('HTTP_PORT') ?? previous?.httpPort ?? DEFAULT_HTTP_PORT,
    statsPort: portFrom('STATS_PORT') ?? previous?.statsPort ?? DEFAULT_STATS_PORT,
    capCpus: previous?.capCpus ?? null,
  };
}

function portFrom(name: 'HTTP_PORT' | 'STATS_PORT'): number | null {
  const text = process.env[name];
  if (!text) return null;
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new LabError('usage', `${name}=${text} is no port number`, `${name}=8081 ./lab up`);
}

const sameLab = (a: LabState, b: LabState): boolean =>
  a.engine === b.engine &&
  a.runtime === b.runtime &&
  a.topology === b.topology &&
  a.httpPort === b.httpPort &&
  a.statsPort === b.statsPort &&
  a.with.join() === b.with.join();

/** Up as wanted and every part ready. Faults in force are no reason to start anything: they heal themselves. */
async function isAlreadyUp(
  stateDir: string,
  previous: LabState,
  wanted: LabState,
  context: LabContext,
): Promise<boolean> {
  const faults = (await listRecords(stateDir))
    .map((record) => `${record.fault} on ${record.part}`)
    .join(', ');
  const same = previous.phase === 'up' && sameLab(previous, wanted);
  if (faults !== '' && !same)
    throw new LabError('faults-in-force', `in force: ${faults}`, './lab heal, then once more');
  if (faults !== '') context.out.warn(`in force: ${faults} (./lab heal ends it at once)`);
  if (!same) return false;
  if (faults !== '') return true;
  const seen = await openRuntime(stateDir, previous).observe();
  return (
    [...seen.apis, seen.haproxy].every(({ ready }) => ready) &&
    seen.nodes.every(({ answer }) => answer !== null)
  );
}

async function running(stateDir: string, state: LabState, alreadyUp: boolean): Promise<RunningLab> {
  const { engine, runtime, topology } = state;
  const { urls } = await openRuntime(stateDir, state).observe();
  const underTest = async () => (await import('./under-test/index.ts')).labUnderTest(stateDir);
  return { engine, runtime, topology, urls, alreadyUp, underTest };
}
