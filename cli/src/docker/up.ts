import { PROMETHEUS } from '@replication-lab/monitoring';
import { LabError } from '../errors.ts';
import { BACKUPS } from '../native/backup-service.ts';
import { SUPERVISOR_NAMES } from '../native/layout.ts';
import type { LabContext } from '../runtime.ts';
import { type LabState, writeState } from '../state.ts';
import { capContainers } from './caps.ts';
import { compose, composeEnvironment, dockerAnswers, noDocker } from './compose.ts';
import { dockerMonitors } from './monitoring.ts';
import { DockerRuntime } from './runtime.ts';

/** Images are pulled and built the first time, over whatever network there is. */
const UP_MS = 20 * 60_000;
const READY_SECONDS = 180;

/** LabError `docker-missing` where there is no engine; before a lab that is up is ended for this one. */
export async function prepareDocker(wanted: LabState): Promise<void> {
  // Compose says nothing of a profile that it does not know.
  if (wanted.with.includes(BACKUPS))
    throw new LabError(
      'usage',
      'the docker lab has no backups yet',
      `./lab up --runtime native --with ${BACKUPS}`,
    );
  if ((await dockerAnswers()) === null) throw noDocker();
}

/** `docker compose up --wait` for what `state` asks. Containers of a failed start stay, for their logs. */
export async function upDocker(
  stateDir: string,
  state: LabState,
  previous: LabState | null,
  context: LabContext,
): Promise<void> {
  if (previous) {
    await endMonitors(previous, state);
    await endSupervisors(previous, state);
  }
  await writeState(stateDir, { ...state, phase: 'starting' });
  context.progress('docker compose up (the first time it fetches and builds images)');
  const args = [
    'up',
    '--detach',
    '--build',
    '--remove-orphans',
    '--wait',
    '--wait-timeout',
    String(READY_SECONDS),
  ];
  try {
    await compose(args, {
      env: composeEnvironment(state),
      signal: context.signal,
      timeoutMs: UP_MS,
      show: context.interactive,
    });
  } catch (error) {
    if (context.signal.aborted && !previous) {
      context.progress('ending what was started');
      await new DockerRuntime(state).down({ volumes: false }, context.progress);
    }
    throw error;
  }
  if (state.capCpus !== null) await capContainers(state, state.capCpus);
  await writeState(stateDir, { ...state, phase: 'up' });
}

/**
 * Before databases are made anew for another topology or durability: a supervisor would take their end for a failure. (Compose
 * leaves containers alone whose profile is not wanted any more.)
 */
async function endSupervisors(previous: LabState, wanted: LabState): Promise<void> {
  if (sameNodes(previous, wanted)) return;
  const args = ['--profile', '*', 'rm', '--stop', '--force', ...SUPERVISOR_NAMES];
  await compose(args, { env: composeEnvironment(previous) });
}

const sameNodes = (a: LabState, b: LabState): boolean =>
  a.durability === b.durability && a.topology === b.topology;

/** Those that are not wanted any more; and who would tell of parts that end because others are wanted. */
async function endMonitors(previous: LabState, wanted: LabState): Promise<void> {
  const stay = dockerMonitors(wanted).filter((name) => sameNodes(previous, wanted) || name !== PROMETHEUS);
  const ending = dockerMonitors(previous).filter((name) => !stay.includes(name));
  if (ending.length === 0) return;
  const args = ['--profile', '*', 'rm', '--stop', '--force', ...ending];
  await compose(args, { env: composeEnvironment(previous) });
}
