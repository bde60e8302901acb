import { DEFAULT_DURABILITY } from '@replication-lab/engines/config';
import { DEFAULT_NET_PREFIX, dockerAnswers } from './docker/compose.ts';
import { dockerLabWithoutState } from './docker/discover.ts';
import { prepareDocker, upDocker } from './docker/up.ts';
import { LabError } from './errors.ts';
import { listRecords } from './faults/records.ts';
import { withLock } from './lock.ts';
import { DEFAULT_HTTP_PORT, DEFAULT_LOOPBACK, DEFAULT_STATS_PORT } from './native/layout.ts';
import { defaultNativeEngine, prepareNative, upNative } from './native/up.ts';
import { openRuntime } from './open-runtime.ts';
import { repositoryRoot, stateDirectory } from './paths.ts';
import type { BringUp, LabContext, RunningLab, UpRequest } from './runtime.ts';
import { labSettings, parseSettings } from './settings.ts';
import { type LabState, readState } from './state.ts';

const LOCK_WAIT_MS = 120_000;

/** See BringUp in runtime.ts. One at a time; a second one waits, and then finds the lab up. */
export const bringUp: BringUp = async (request, context) => {
  const stateDir = stateDirectory();
  const lock = { name: 'lab', purpose: 'up', waitMs: LOCK_WAIT_MS, signal: context.signal };
  const onWait = (holder: string) => context.progress(`waiting for ${holder}`);
  return withLock(stateDir, { ...lock, onWait }, async () => {
    const foreign = () => (request.runtime === 'native' ? null : dockerLabWithoutState());
    const previous = (await readState(stateDir)) ?? (await foreign());
    const wanted = await decide(request, previous);
    if (previous && (await isAlreadyUp(stateDir, previous, wanted, context))) {
      return running(stateDir, previous, true);
    }
    if (wanted.runtime === 'docker') await prepareDocker();
    else await prepareNative(wanted.engine, context);
    if (previous && (previous.runtime !== wanted.runtime || previous.engine !== wanted.engine)) {
      context.progress(`ending the ${previous.engine} lab (${previous.runtime}) first; its data stays`);
      await openRuntime(stateDir, previous).down({ volumes: false }, context.progress);
    }
    const up = wanted.runtime === 'docker' ? upDocker : upNative;
    await up(stateDir, wanted, previous, context);
    return running(stateDir, wanted, false);
  });
};

/** What was asked for, then the shell's environment, then what is up, then (docker) .env, then the defaults. */
async function decide(request: UpRequest, previous: LabState | null): Promise<LabState> {
  const runtime = request.runtime ?? previous?.runtime ?? ((await dockerAnswers()) ? 'docker' : 'native');
  const shell = parseSettings(process.env);
  const file = parseSettings(runtime === 'docker' ? labSettings({}) : {});
  const defaultEngine = async () => (runtime === 'docker' ? 'mysql' : await defaultNativeEngine());
  return {
    version: 1,
    phase: 'starting',
    engine:
      request.engine ?? shell.DB_ENGINE ?? previous?.engine ?? file.DB_ENGINE ?? (await defaultEngine()),
    runtime,
    topology: request.topology ?? shell.TOPOLOGY ?? previous?.topology ?? file.TOPOLOGY ?? 'replicated',
    durability:
      request.durability ?? shell.DURABILITY ?? previous?.durability ?? file.DURABILITY ?? DEFAULT_DURABILITY,
    startedAt: new Date().toISOString(),
    checkout: repositoryRoot,
    with: [...(request.with ?? previous?.with ?? [])],
    httpPort: shell.HTTP_PORT ?? previous?.httpPort ?? file.HTTP_PORT ?? DEFAULT_HTTP_PORT,
    statsPort: shell.STATS_PORT ?? previous?.statsPort ?? file.STATS_PORT ?? DEFAULT_STATS_PORT,
    loopback: shell.LAB_LOOPBACK ?? previous?.loopback ?? DEFAULT_LOOPBACK,
    netPrefix: shell.NET_PREFIX ?? previous?.netPrefix ?? file.NET_PREFIX ?? DEFAULT_NET_PREFIX,
    capCpus: previous?.capCpus ?? null,
  };
}

const sameLab = (a: LabState, b: LabState): boolean =>
  a.engine === b.engine &&
  a.runtime === b.runtime &&
  a.topology === b.topology &&
  a.durability === b.durability &&
  a.httpPort === b.httpPort &&
  a.statsPort === b.statsPort &&
  a.loopback === b.loopback &&
  a.netPrefix === b.netPrefix &&
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
    [...seen.apis, ...seen.supervisors, seen.haproxy].every(({ ready }) => ready) &&
    seen.nodes.every(({ answer }) => answer !== null && answer.role !== 'unknown')
  );
}

async function running(stateDir: string, state: LabState, alreadyUp: boolean): Promise<RunningLab> {
  const { engine, runtime, topology, durability } = state;
  const { urls } = await openRuntime(stateDir, state).observe();
  const underTest = async () => (await import('./under-test/index.ts')).labUnderTest(stateDir);
  return { engine, runtime, topology, durability, urls, alreadyUp, underTest };
}
