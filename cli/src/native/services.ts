import { chown, copyFile, mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HAPROXY, NODE_NAMES } from '@replication-lab/engines/config';
import { LabError } from '../errors.ts';
import { answers, dateOf } from '../http.ts';
import { repositoryRoot } from '../paths.ts';
import { isAlive, type ProcessIdentity, readIdentity, terminate, writeIdentity } from '../processes.ts';
import { waitFor } from '../wait.ts';
import { BACKUPS, isScheduling, scheduleCommand } from './backup-service.ts';
import type { LabCgroups } from './cgroup.ts';
import { launch, tailOf } from './launch.ts';
import {
  AGENT,
  API_NAMES,
  agentEnvironment,
  agentUrl,
  apiEnvironment,
  apiUrl,
  CATCHER,
  catcherEnvironment,
  catcherUrl,
  haproxyEnvironment,
  haproxySocket,
  logFile,
  type NativePlan,
  pidFile,
  supervisorEnvironment,
  supervisorUrl,
  urlsOf,
} from './layout.ts';
import { isMonitor, monitorCommand, monitorUrl } from './monitoring.ts';
import { findHaproxy } from './packages.ts';
import { unprivilegedUser } from './users.ts';

export { HAPROXY };
/** What faces the clients. */
export const SERVICES: readonly string[] = [...API_NAMES, HAPROXY];

const READY_TIMEOUT_MS = 20_000;
/** The API drains for some seconds before it closes; see SHUTDOWN_TIMEOUT_MS in services/api. */
const API_STOP_MS = 8000;
/** A backup that is cut off ends its tools, and the node it is restored into. */
const STOP_MS: Readonly<Record<string, number>> = { [HAPROXY]: 3000, [BACKUPS]: 30_000 };
const HAPROXY_SOCKET_BYTES = 97;

const isSupervisor = (name: string): boolean => name.startsWith('supervisor-');

/** A program of this repository, run by the Node that runs us. */
const node = (
  program: string,
  env: Readonly<Record<string, string | undefined>>,
  flags: readonly string[] = [],
) => ({
  file: process.execPath,
  args: [...flags, join(repositoryRoot, program)],
  env,
  cwd: repositoryRoot,
});

/** As in docker-compose.yml: it makes much short-lived garbage, and 24 MiB less are used for it. */
const SUPERVISOR_FLAGS = ['--max-semi-space-size=1'];

/** The API replicas, what watches the lab, and HAProxy of a native lab: one process each, found again by its pid file. */
export class Services {
  readonly #plan: NativePlan;
  readonly #cgroups: LabCgroups;

  constructor(plan: NativePlan, cgroups: LabCgroups) {
    this.#plan = plan;
    this.#cgroups = cgroups;
  }

  process(name: string): Promise<ProcessIdentity | null> {
    return readIdentity(pidFile(this.#plan.stateDir, name));
  }

  /** Starts it unless it runs; does not wait until it is ready. `env`: added to its own. */
  async start(name: string, env: Readonly<Record<string, string>> = {}): Promise<ProcessIdentity> {
    const running = await this.process(name);
    if (running) return running;
    const { stateDir } = this.#plan;
    await mkdir(dirname(pidFile(stateDir, name)), { recursive: true });
    await mkdir(dirname(logFile(stateDir, name)), { recursive: true });
    const command = await this.#command(name);
    const all = { ...command, env: { ...command.env, ...env }, logFile: logFile(stateDir, name) };
    const identity = await launch(name, all);
    await writeIdentity(pidFile(stateDir, name), identity);
    // A group of its own would weigh as much as a database's: see LOW in packages/backup/src/tools.ts.
    if (name !== BACKUPS) await this.#cgroups.place(name, identity.pid);
    return identity;
  }

  #command(name: string) {
    if (name === HAPROXY) return this.#haproxy();
    if (isMonitor(name)) return monitorCommand(this.#plan, name);
    if (name === BACKUPS) return scheduleCommand(this.#plan);
    if (name === AGENT) return node('services/agent/src/native-main.ts', agentEnvironment(this.#plan));
    if (name === CATCHER) return node('services/catcher/src/main.ts', catcherEnvironment(this.#plan));
    return isSupervisor(name)
      ? node('services/supervisor/src/main.ts', supervisorEnvironment(this.#plan, name), SUPERVISOR_FLAGS)
      : node('services/api/src/main.ts', apiEnvironment(this.#plan, name));
  }

  async #haproxy() {
    const file = await findHaproxy();
    if (!file)
      throw new LabError('missing-servers', 'HAProxy is not on this machine', 'apt-get install haproxy');
    // A copy in the state directory: the checkout may be out of its user's reach, and what runs should not change
    // under an edit.
    const { stateDir } = this.#plan;
    const config = join(stateDir, 'run', 'haproxy.cfg');
    await copyFile(join(repositoryRoot, 'infra/haproxy/haproxy.cfg'), config);
    const runAs = await unprivilegedUser([HAPROXY, 'nobody']);
    const socket = haproxySocket(stateDir);
    if (Buffer.byteLength(socket) > HAPROXY_SOCKET_BYTES)
      throw new LabError(
        'socket-path-too-long',
        `the socket path ${socket} is longer than the ${HAPROXY_SOCKET_BYTES} bytes that HAProxy allows`,
        'choose a shorter state directory (LAB_STATE_DIR)',
      );
    const ownDirectory = dirname(socket);
    await mkdir(ownDirectory, { recursive: true });
    if (runAs) await chown(ownDirectory, runAs.uid, runAs.gid);
    return { file, args: ['-db', '-f', config], env: haproxyEnvironment(this.#plan), cwd: stateDir, runAs };
  }

  /** What time it is for this process, in ms since 1970, to the second; null when it does not answer. */
  timeOf(name: string): Promise<number | null> {
    return dateOf(this.#healthUrl(name, 'live'), 1000);
  }

  /** Waits until it answers; with `level` `live` for an API that has no database to read yet. */
  async waitUntilReady(name: string, level: 'ready' | 'live', signal?: AbortSignal): Promise<void> {
    const url = this.#healthUrl(name, level);
    await waitFor(
      async () => {
        const identity = await this.process(name);
        if (!identity) throw await this.#ended(name);
        return name === BACKUPS ? isScheduling(this.#plan.stateDir, identity) : answers(url, 1000);
      },
      {
        what: name === BACKUPS ? `${name} to begin` : `${name} to answer ${url}`,
        timeoutMs: READY_TIMEOUT_MS,
        signal,
        code: 'not-ready',
        mend: () => this.#mend(name),
      },
    );
  }

  #healthUrl(name: string, level: 'ready' | 'live'): string {
    if (name === AGENT) return agentUrl(this.#plan, NODE_NAMES[0], '/livez');
    if (name === CATCHER) return catcherUrl(this.#plan, '/livez');
    if (isMonitor(name)) return monitorUrl(this.#plan, name, '/-/ready');
    if (isSupervisor(name)) return supervisorUrl(this.#plan, name, '/livez');
    const path = level === 'ready' ? '/readyz' : '/livez';
    return name === HAPROXY ? `${urlsOf(this.#plan).api}${path}` : apiUrl(this.#plan, name, path);
  }

  async #ended(name: string): Promise<LabError> {
    const path = logFile(this.#plan.stateDir, name);
    const mend = await this.#mend(name);
    return new LabError(
      'start-failed',
      `${name} ended before it was ready; its last words:${await tailOf(path)}`,
      mend,
    );
  }

  async #mend(name: string): Promise<string> {
    const text = await readFile(logFile(this.#plan.stateDir, name), 'utf8').catch(() => '');
    if (/EADDRINUSE|cannot bind|address already in use/i.test(text))
      return './lab doctor says who listens on its port';
    return `./lab logs ${name}`;
  }

  async stop(name: string): Promise<void> {
    const identity = await this.process(name);
    if (identity) await terminate(identity, STOP_MS[name] ?? API_STOP_MS, name);
    await rm(pidFile(this.#plan.stateDir, name), { force: true });
  }

  async isRunning(name: string): Promise<boolean> {
    const identity = await this.process(name);
    return identity !== null && isAlive(identity);
  }
}
