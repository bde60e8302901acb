import { NODE_NAMES } from '@replication-lab/engines/config';
import { engineOf } from '@replication-lab/engines/local';
import { ALERTMANAGER, LAB_EXPORTER, MONITORING, PROMETHEUS } from '@replication-lab/monitoring';
import { LabError } from '../errors.ts';
import type { LabContext } from '../runtime.ts';
import { type HttpsPart, type LabState, writeState } from '../state.ts';
import { BACKUPS, hasBackups, optionalNames } from './backup-service.ts';
import { backupNeeds } from './backups.ts';
import { runLabBootstrap } from './bootstrap.ts';
import { prepareCertificates } from './certificates.ts';
import { type NativeLab, openNativeLab } from './lab.ts';
import { AGENT, API_NAMES, CATCHER, guardNames, nodeNames, SUPERVISOR_NAMES } from './layout.ts';
import { monitoringNeed, monitorNames } from './monitoring.ts';
import { serverNeed } from './needs.ts';
import { ensurePackages, findProgram, haproxyNeed } from './packages.ts';
import { preflight } from './preflight.ts';
import { HAPROXY, SERVICES } from './services.ts';

/** Installs what is missing; before a lab that is up is ended for this one. */
export async function prepareNative(wanted: LabState, context: LabContext): Promise<void> {
  const unknown = wanted.with.filter((part) => part !== MONITORING && part !== BACKUPS);
  if (unknown.length > 0)
    throw new LabError(
      'usage',
      `the native lab has no part ${unknown.join(', ')}`,
      `./lab up --with ${MONITORING} ${BACKUPS}`,
    );
  const monitoring = monitorNames(wanted).length > 0 ? [monitoringNeed] : [];
  const backups = hasBackups(wanted) ? backupNeeds(wanted.engine) : [];
  await ensurePackages(
    [serverNeed(engineOf(wanted.engine)), haproxyNeed, ...monitoring, ...backups],
    context,
  );
}

/**
 * Brings the native lab to what `state` asks for, from wherever it is. Returns once three API replicas and HAProxy
 * answer ready. When it fails or is interrupted, what runs is ended again; data and logs stay.
 */
export async function upNative(
  stateDir: string,
  state: LabState,
  previous: LabState | null,
  context: LabContext,
): Promise<void> {
  // A lab from before labs had certificates: its servers would not know what is spoken to them.
  if (previous && !previous.certificates) await stopProcesses(await openNativeLab(stateDir, previous));
  // What runs would not take others: see renewWhenDue.
  const runs = previous !== null && (await anyRuns(await openNativeLab(stateDir, previous)));
  await prepareCertificates(stateDir, state, runs ? 'missing' : 'due');
  const lab = await openNativeLab(stateDir, state);
  await stopMisfits(lab, previous, state);
  await preflight(lab.plan, lab.databases, lab.services);
  await writeState(stateDir, { ...state, phase: 'starting' });
  try {
    await startEverything(lab, state, context);
  } catch (error) {
    context.progress('ending what was started');
    await stopProcesses(lab);
    throw error;
  }
  await writeState(stateDir, { ...state, phase: 'up' });
}

async function startEverything(lab: NativeLab, state: LabState, context: LabContext): Promise<void> {
  const { progress, signal } = context;
  progress(`starting ${lab.plan.engine} on ${lab.plan.endpoints.map(({ name }) => name).join(', ')}`);
  await startDatabases(lab, signal);
  await capDatabases(lab, state.capCpus);
  await runLabBootstrap(lab, progress, signal);
  const guards = guardNames(lab.plan);
  if (guards.length > 0) progress(`starting ${guards.join(', ')}`);
  for (const name of guards) await lab.services.start(name);
  progress('starting three API replicas and HAProxy');
  for (const name of SERVICES) await lab.services.start(name);
  for (const name of API_NAMES) await lab.services.waitUntilReady(name, 'ready', signal);
  await lab.services.waitUntilReady(HAPROXY, 'ready', signal);
  for (const name of guards) await lab.services.waitUntilReady(name, 'live', signal);
  await startOptional(lab, state, context);
}

async function startOptional(lab: NativeLab, state: LabState, context: LabContext): Promise<void> {
  const parts = optionalNames(state);
  if (parts.length === 0) return;
  context.progress(`starting ${parts.join(', ')}`);
  for (const name of parts) await lab.services.start(name);
  for (const name of parts) await lab.services.waitUntilReady(name, 'live', context.signal);
}

async function anyRuns({ databases, services, plan }: NativeLab): Promise<boolean> {
  for (const { name } of plan.endpoints) if (await databases.process(name)) return true;
  for (const name of [...SERVICES, ...SUPERVISOR_NAMES]) if (await services.isRunning(name)) return true;
  return false;
}

/** What runs and does not fit what is wanted ends first; its data stays. */
async function stopMisfits(lab: NativeLab, previous: LabState | null, wanted: LabState): Promise<void> {
  if (!previous) return;
  // What they ask and tell was written down for the lab as it was.
  await stopAll(lab, OPTIONAL);
  // Databases are told at their start whether a supervisor attaches them, and forget with it for whom they waited.
  const sameGuards = guardNames(previous).length === guardNames(wanted).length;
  if (previous.loopback !== wanted.loopback || !sameGuards) return stopProcesses(lab);
  // Those of an older version speak HTTP to each other.
  const spoke = (part: HttpsPart) => previous.https.includes(part) === wanted.https.includes(part);
  if (!spoke('agents')) await stopAll(lab, [...SUPERVISOR_NAMES, AGENT]);
  if (!spoke('notices')) await stopAll(lab, [...SUPERVISOR_NAMES, CATCHER]);
  if (!spoke('supervisors')) await stopAll(lab, SUPERVISOR_NAMES);
  if (!spoke('api')) await stopAll(lab, SERVICES);
  // API replicas know their nodes from their environment, HAProxy its ports: other ones mean other processes.
  if (previous.topology !== wanted.topology) await stopAll(lab, API_NAMES);
  const samePorts =
    previous.httpPort === wanted.httpPort &&
    previous.statsPort === wanted.statsPort &&
    previous.httpsPort === wanted.httpsPort;
  if (!samePorts) await stopAll(lab, [HAPROXY]);
  const surplus = NODE_NAMES.filter((name) => !nodeNames(wanted.topology).includes(name));
  await Promise.all(surplus.map((name) => lab.databases.stop(name)));
}

/**
 * Makes the data that is missing and boots the nodes, all closed. Where a replica begins as a copy (postgres), only the
 * very first node gets data of its own; bootstrap has the others copied.
 */
async function startDatabases({ plan, databases }: NativeLab, signal: AbortSignal): Promise<void> {
  const names = plan.endpoints.map(({ name }) => name);
  const empty = names.filter((name) => databases.node(name).isEmpty());
  const copies = databases.engine.admin.replicaNeedsCopy;
  const fresh = copies ? (empty.length === names.length ? names.slice(0, 1) : []) : empty;
  const bootable = names.filter((name) => !empty.includes(name) || fresh.includes(name));
  if (bootable.length === 0)
    throw new LabError('no-data', 'no node has data', './lab down --volumes, then ./lab up');
  await Promise.all(
    bootable.map(async (name) => {
      if (fresh.includes(name)) await databases.initialise(name, signal);
      await databases.start(name, signal);
    }),
  );
}

async function capDatabases(lab: NativeLab, cpus: number | null): Promise<void> {
  if (cpus === null) return;
  for (const { name } of lab.plan.endpoints) await lab.cgroups.cap(name, cpus);
}

const OPTIONAL = [PROMETHEUS, ALERTMANAGER, LAB_EXPORTER, BACKUPS];

const stopAll = (lab: NativeLab, services: readonly string[]) =>
  Promise.all(services.map((name) => lab.services.stop(name)));

/** Ends every process of the lab: what faces the clients first, the primary last so that it holds the most. */
export async function stopProcesses(lab: NativeLab): Promise<void> {
  // First of all: the end of the lab is nothing to be told of.
  await stopAll(lab, OPTIONAL);
  // Before the databases: a supervisor would take their end for a failure, an agent might start them again.
  await stopAll(lab, [...SERVICES, ...SUPERVISOR_NAMES, CATCHER, AGENT]);
  const [first, ...others] = NODE_NAMES;
  await Promise.all(others.map((name) => lab.databases.stop(name)));
  await lab.databases.stop(first);
}

/** The engine a native lab takes when none is named: mysql where a real one is installed, else mariadb. */
export async function defaultNativeEngine(): Promise<'mysql' | 'mariadb'> {
  if (!process.env.MYSQLD && (await findProgram('mysqld')) === null) return 'mariadb';
  return (await engineOf('mysql').server.find()) ? 'mysql' : 'mariadb';
}
