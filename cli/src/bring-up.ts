import { isDeepStrictEqual } from 'node:util';
import { DEFAULT_DURABILITY, NODE_NAMES } from '@replication-lab/engines/config';
import { renewWhenDue } from './certificates.ts';
import { DEFAULT_NET_PREFIX, dockerAnswers } from './docker/compose.ts';
import { dockerLabWithoutState } from './docker/discover.ts';
import { dockerMonitors } from './docker/monitoring.ts';
import { prepareDocker, upDocker } from './docker/up.ts';
import { LabError } from './errors.ts';
import { listRecords } from './faults/records.ts';
import { withLock } from './lock.ts';
import { optionalNames } from './native/backup-service.ts';
import {
  DEFAULT_HTTP_PORT,
  DEFAULT_HTTPS_PORT,
  DEFAULT_LOOPBACK,
  DEFAULT_NOTICES_PORT,
  DEFAULT_STATS_PORT,
  supervisorNames,
} from './native/layout.ts';
import { defaultNativeEngine, prepareNative, upNative } from './native/up.ts';
import { openRuntime } from './open-runtime.ts';
import { repositoryRoot, stateDirectory } from './paths.ts';
import type { BringUp, LabContext, RunningLab, UpRequest } from './runtime.ts';
import { labSettings, monitoringPortsIn, parseSettings } from './settings.ts';
import { DEFAULT_MONITORING_PORTS, HTTPS_PARTS, type LabState, readState } from './state.ts';
import { lookAt } from './status/look-at.ts';
import { armedOf } from './status/supervisors.ts';
import { throwIfAborted, waitFor } from './wait.ts';

const LOCK_WAIT_MS = 120_000;
const ARMED_WITHIN_MS = 15_000;

/** See BringUp in runtime.ts. One at a time; a second one waits, and then finds the lab up. */
export const bringUp: BringUp = async (request, context) => {
  const stateDir = stateDirectory();
  const lock = { name: 'lab', purpose: 'up', waitMs: LOCK_WAIT_MS, signal: context.signal };
  const onWait = (holder: string) => context.progress(`waiting for ${holder}`);
  return withLock(stateDir, { ...lock, onWait }, async () => {
    const previous = await labBefore(stateDir, request);
    const wanted = await decide(request, previous);
    if (previous) await refuseToLeaveWrites(stateDir, previous, wanted);
    if (previous && (await isAlreadyUp(stateDir, previous, wanted, context))) {
      await renewWhenDue(openRuntime(stateDir, previous), context.progress);
      return running(stateDir, previous, true);
    }
    if (wanted.runtime === 'docker') await prepareDocker(wanted);
    else await prepareNative(wanted, context);
    if (previous && (previous.runtime !== wanted.runtime || previous.engine !== wanted.engine)) {
      context.progress(`ending the ${previous.engine} lab (${previous.runtime}) first; its data stays`);
      await openRuntime(stateDir, previous).down({ volumes: false }, context.progress);
    }
    const up = wanted.runtime === 'docker' ? upDocker : upNative;
    await up(stateDir, wanted, previous, context);
    await awaitArmed(stateDir, wanted, context);
    await renewWhenDue(openRuntime(stateDir, wanted), context.progress);
    return running(stateDir, wanted, false);
  });
};

/** What `bringUp` would bring up now: for a verb that needs another lab first, and leaves this one. */
export async function whatUpWouldBring(request: UpRequest): Promise<UpRequest> {
  const previous = await labBefore(stateDirectory(), request);
  const { engine, runtime, topology, durability } = await decide(request, previous);
  return { engine, runtime, topology, durability };
}

/** The lab that is up, also one that was started without this command. */
export const labBefore = async (stateDir: string, { runtime }: UpRequest): Promise<LabState | null> =>
  (await readState(stateDir)) ?? (runtime === 'native' ? null : await dockerLabWithoutState());

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
    httpsPort: shell.HTTPS_PORT ?? previous?.httpsPort ?? file.HTTPS_PORT ?? DEFAULT_HTTPS_PORT,
    noticesPort: shell.NOTICES_PORT ?? previous?.noticesPort ?? file.NOTICES_PORT ?? DEFAULT_NOTICES_PORT,
    monitoringPorts: {
      ...(previous?.monitoringPorts ?? { ...DEFAULT_MONITORING_PORTS, ...monitoringPortsIn(file) }),
      ...monitoringPortsIn(shell),
    },
    loopback: shell.LAB_LOOPBACK ?? previous?.loopback ?? DEFAULT_LOOPBACK,
    netPrefix: shell.NET_PREFIX ?? previous?.netPrefix ?? file.NET_PREFIX ?? DEFAULT_NET_PREFIX,
    certificates: true,
    https: [...HTTPS_PARTS],
    capCpus: previous?.capCpus ?? null,
  };
}

/** `single` runs db-1 alone. After a failover db-1 need not have what was acknowledged since. LabError `wrong-primary`. */
async function refuseToLeaveWrites(stateDir: string, previous: LabState, wanted: LabState): Promise<void> {
  const growsSmaller = previous.topology === 'replicated' && wanted.topology === 'single';
  const sameData = previous.engine === wanted.engine && previous.runtime === wanted.runtime;
  if (growsSmaller && sameData) await requireFirstPrimary(stateDir, previous, 'a single database is');
}

/** LabError `wrong-primary` unless db-1 is the primary of this lab. */
export async function requireFirstPrimary(stateDir: string, lab: LabState, what: string): Promise<void> {
  const [first] = NODE_NAMES;
  const { primary } = await lookAt(openRuntime(stateDir, lab));
  // Where nobody promotes, a lab without a primary is one whose db-1 is dead.
  if (primary === first || (primary === null && lab.durability === 'async')) return;
  const found = primary === null ? 'there is no primary now' : `the primary is ${primary}`;
  throw new LabError(
    'wrong-primary',
    `${what} ${first}, and ${found}: ${first} may lack acknowledged writes`,
    './lab status shows who is the primary; with ./lab down --volumes, then ./lab up, all begins anew',
  );
}

/** A supervisor takes a moment to see who confirms; until then a dead primary would not be replaced. */
async function awaitArmed(stateDir: string, state: LabState, { out, signal }: LabContext): Promise<void> {
  if (supervisorNames(state).length === 0) return;
  const lab = openRuntime(stateDir, state);
  let reasons: readonly string[] = [];
  const isArmed = async () => {
    const armed = armedOf(await lab.observe());
    reasons = armed.reasons;
    return armed.ok;
  };
  const wait = { what: 'a supervisor to watch', timeoutMs: ARMED_WITHIN_MS, everyMs: 200, signal };
  await waitFor(isArmed, wait).catch(() => {
    throwIfAborted(signal);
    out.warn(`a dead primary would not be replaced yet: ${reasons.join('; ')} (./lab status)`);
  });
}

const sameLab = (a: LabState, b: LabState): boolean =>
  a.engine === b.engine &&
  a.runtime === b.runtime &&
  a.topology === b.topology &&
  a.durability === b.durability &&
  a.httpPort === b.httpPort &&
  a.statsPort === b.statsPort &&
  a.httpsPort === b.httpsPort &&
  a.certificates === b.certificates &&
  a.https.join() === b.https.join() &&
  a.noticesPort === b.noticesPort &&
  isDeepStrictEqual(a.monitoringPorts, b.monitoringPorts) &&
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
  const lab = openRuntime(stateDir, previous);
  const optional = previous.runtime === 'docker' ? dockerMonitors(previous) : optionalNames(previous);
  const conditions = await Promise.all(optional.map((name) => lab.condition(name)));
  if (conditions.some((condition) => condition !== 'running')) return false;
  const seen = await lab.observe();
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
