import { readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connection, Row } from '@replication-lab/engines';
import { NODE_NAMES } from '@replication-lab/engines/config';
import { POLITE_SIGNAL } from '@replication-lab/engines/local';
import { reloadNodes } from '../certificates.ts';
import { LabError } from '../errors.ts';
import type { Output } from '../output.ts';
import { type ProcessIdentity, readStat, signalProcess, signalTree } from '../processes.ts';
import {
  isDatabase,
  type LabRuntime,
  type LogRequest,
  type PartName,
  type SupervisorAnswers,
} from '../runtime.ts';
import { ENGINES, type LabState } from '../state.ts';
import type { Condition, LabObservation } from '../status/types.ts';
import { pause, waitFor } from '../wait.ts';
import { BACKUPS, optionalNames } from './backup-service.ts';
import { removeBackupStatus } from './backup-status.ts';
import { removeScratch, SCRATCH_DIRECTORIES } from './backups.ts';
import { runLabBootstrap } from './bootstrap.ts';
import { certificatesOf, prepareCertificates } from './certificates.ts';
import { clockEnvironment, setClock } from './clocks.ts';
import { takeCertificate } from './haproxy-admin.ts';
import { type NativeLab, openNativeLab } from './lab.ts';
import { AGENT, CERTIFICATES, guardNames, logFile, nodeNames } from './layout.ts';
import { printLogs } from './logs.ts';
import { monitorUrls } from './monitoring.ts';
import { askNativeSupervisors, observeNative, orderNativeSupervisors } from './observe.ts';
import { installCommand } from './packages.ts';
import { HAPROXY, SERVICES } from './services.ts';
import { stallDisk } from './stall.ts';
import { stopProcesses } from './up.ts';

const ADMIN_QUERY_MS = 30_000;
const CLOCK_SET_MS = 10_000;
/** The header that tells it has whole seconds, and is made once a second. */
const CLOCK_SHOWS_MS = 5_000;

/** The native lab for status, logs, faults and down. */
export class NativeRuntime implements LabRuntime {
  readonly name = 'native';
  readonly engine: LabState['engine'];
  readonly parts: readonly PartName[];
  readonly #stateDir: string;
  readonly #state: LabState;
  #lab: Promise<NativeLab> | null = null;

  constructor(stateDir: string, state: LabState) {
    this.#stateDir = stateDir;
    this.#state = state;
    this.engine = state.engine;
    this.parts = [...nodeNames(state.topology), ...SERVICES, ...guardNames(state), ...optionalNames(state)];
  }

  #open(): Promise<NativeLab> {
    this.#lab ??= openNativeLab(this.#stateDir, this.#state);
    return this.#lab;
  }

  async observe(): Promise<Omit<LabObservation, 'faults'>> {
    const lab = await this.#open();
    const seen = await observeNative(lab);
    const urls = { ...seen.urls, ...monitorUrls(lab.plan, this.#state) };
    return { ...seen, urls, capCpus: this.#state.capCpus };
  }

  async #process(part: PartName) {
    const lab = await this.#open();
    return isDatabase(part) ? lab.databases.process(part) : lab.services.process(part);
  }

  async condition(part: PartName): Promise<Condition> {
    const identity = await this.#process(part);
    if (!identity) return 'down';
    return readStat(identity.pid)?.state === 'T' ? 'frozen' : 'running';
  }

  async kill(part: PartName): Promise<void> {
    const lab = await this.#open();
    if (isDatabase(part)) return lab.databases.node(part).kill('SIGKILL');
    const identity = await this.#process(part);
    if (identity) signalPart(part, identity, 'SIGKILL');
    await lab.services.stop(part);
  }

  async revive(part: PartName, signal: AbortSignal): Promise<void> {
    const lab = await this.#open();
    if (isDatabase(part)) {
      const isTheirs = guardNames(this.#state).length > 0 && lab.databases.node(part).isEmpty();
      return isTheirs ? lab.databases.untilMadeAnew(part, signal) : lab.databases.start(part, signal);
    }
    await lab.services.start(part);
    // An API replica of a lab without any readable database would never be ready; being there is what was lost.
    if (part !== HAPROXY) await lab.services.waitUntilReady(part, 'live', signal);
  }

  async wipe(node: PartName): Promise<void> {
    await (await this.#open()).databases.wipe(node);
  }

  async freeze(part: PartName): Promise<void> {
    await this.#signal(part, 'SIGSTOP');
  }

  async thaw(part: PartName): Promise<void> {
    const identity = await this.#process(part);
    if (identity) signalPart(part, identity, 'SIGCONT');
  }

  async #signal(part: PartName, signal: NodeJS.Signals): Promise<void> {
    const identity = await this.#process(part);
    if (!identity) throw new LabError('part-down', `${part} does not run`, './lab heal starts what is down');
    // Twice: a process that was just being born during the first round is in the second.
    signalPart(part, identity, signal);
    await pause(20);
    signalPart(part, identity, signal);
  }

  async terminate(part: PartName): Promise<void> {
    const identity = await this.#process(part);
    if (identity) signalProcess(identity, isDatabase(part) ? POLITE_SIGNAL[this.engine] : 'SIGTERM');
  }

  async certificates() {
    return certificatesOf(this.#stateDir, this.#state);
  }

  async renewCertificates(progress: (message: string) => void): Promise<void> {
    const lab = await this.#open();
    await prepareCertificates(this.#stateDir, this.#state, 'renew');
    await reloadNodes(this, progress);
    if ((await this.condition(HAPROXY)) === 'down') return;
    progress('HAProxy takes its new certificate');
    await takeCertificate(lab.plan);
  }

  async queryAsAdmin(node: PartName, statements: readonly string[]) {
    const { databases, plan } = await this.#open();
    const ask = async (connection: Connection) => {
      const answers: (readonly Row[])[] = [];
      for (const sql of statements) {
        const { rows } = await connection.query(sql, [], { timeoutMs: ADMIN_QUERY_MS });
        answers.push(rows);
      }
      return answers;
    };
    return databases.asAdmin(node, ask, plan.database);
  }

  async cutOff(): Promise<void> {
    const why = 'the native lab has no network between its nodes that could be cut';
    throw new LabError('usage', why, './lab up --runtime docker');
  }

  async reconnect(): Promise<void> {}

  async isCutOff(): Promise<boolean> {
    return false;
  }

  async exhaustConnections(node: PartName): Promise<() => Promise<void>> {
    const { databases, plan } = await this.#open();
    const { client } = databases.engine;
    const endpoint = plan.endpoints.find(({ name }) => name === node)!;
    const connect = () =>
      client.connect(endpoint, plan.accounts.app, { database: plan.database, connectTimeoutMs: 2000 });
    const taken: Connection[] = [];
    for (;;) {
      const batch = await Promise.allSettled(Array.from({ length: 25 }, connect));
      const got = batch.filter((result) => result.status === 'fulfilled').map(({ value }) => value);
      taken.push(...got);
      if (got.length < batch.length) break;
    }
    return async () => {
      for (const connection of taken) connection.destroy();
    };
  }

  async giveClocks(signal: AbortSignal): Promise<void> {
    const { services } = await this.#open();
    for (const part of guardNames(this.#state)) {
      await setClock(this.#stateDir, part, 0);
      const env = await clockEnvironment(this.#stateDir, part);
      if (!env)
        throw new LabError('missing-servers', 'there is no libfaketime', installCommand(['faketime']));
      await services.stop(part);
      await services.start(part, env);
      await services.waitUntilReady(part, 'live', signal);
    }
  }

  async setClock(part: PartName, seconds: number): Promise<void> {
    const { services } = await this.#open();
    await setClock(this.#stateDir, part, seconds);
    const isSet = async () => {
      const atMs = await services.timeOf(part);
      return atMs !== null && Math.abs(atMs - Date.now() - seconds * 1000) < CLOCK_SHOWS_MS;
    };
    const what = `the clock of ${part} to be wrong by ${seconds} s`;
    await waitFor(isSet, { what, timeoutMs: CLOCK_SET_MS, code: 'clock-not-set' });
  }

  async stallDisk(node: PartName): Promise<() => Promise<void>> {
    const identity = await this.#process(node);
    if (!identity) throw new LabError('part-down', `${node} does not run`, './lab heal starts what is down');
    return stallDisk(identity);
  }

  async detach(node: PartName): Promise<void> {
    const { databases } = await this.#open();
    const { failover } = databases.engine;
    const work = (connection: Connection) => failover.detach(connection, { timeoutMs: ADMIN_QUERY_MS });
    await databases.asAdmin(node, work, (await this.#open()).plan.database);
  }

  async applyDelaySeconds(node: PartName): Promise<number> {
    const { databases } = await this.#open();
    return databases.asAdmin(node, (connection) => databases.engine.admin.readApplyDelay(connection));
  }

  async setApplyDelay(node: PartName, seconds: number): Promise<void> {
    const { databases } = await this.#open();
    await databases.asAdmin(node, (connection) => databases.engine.admin.setApplyDelay(connection, seconds));
  }

  async bootstrap(progress: (message: string) => void, signal: AbortSignal): Promise<void> {
    if (guardNames(this.#state).length === 0) await runLabBootstrap(await this.#open(), progress, signal);
  }

  async askSupervisors(path: (name: string) => string): Promise<Readonly<Record<string, unknown>>> {
    return askNativeSupervisors(await this.#open(), path);
  }

  async orderSupervisors(path: string, body: object, timeoutMs: number): Promise<SupervisorAnswers> {
    return orderNativeSupervisors(await this.#open(), path, body, timeoutMs);
  }

  async logs(request: LogRequest, out: Output, signal: AbortSignal): Promise<void> {
    const { databases } = await this.#open();
    const files = request.parts.map((part) => ({
      name: part,
      path: isDatabase(part) ? databases.node(part).logFile : logFile(this.#stateDir, part),
    }));
    await printLogs(files, request, out, signal);
  }

  async down(options: { volumes: boolean }, progress: (message: string) => void): Promise<void> {
    await removeNative(this.#stateDir, this.#state, options, progress);
  }
}

/** Servers that the agent has started are children of its, and parts of their own. */
function signalPart(part: PartName, identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (part === AGENT) signalProcess(identity, signal);
  else signalTree(identity, signal);
}

/** What a node leaves beside its data. A half-made data directory is nothing to keep. */
const TEMPORARY = ['run', 'tmp', 'conf', 'server.log', 'server.pid'];

/**
 * Ends the processes of every engine (an interrupted change of engine may have left another's) and removes all files
 * but the data directories; with `volumes` those as well.
 */
export async function removeNative(
  stateDir: string,
  state: Pick<
    LabState,
    'topology' | 'durability' | 'httpPort' | 'statsPort' | 'httpsPort' | 'loopback' | 'certificates' | 'https'
  >,
  options: { volumes: boolean },
  progress: (message: string) => void,
): Promise<void> {
  const present = await readdir(stateDir).catch((): string[] => []);
  for (const engine of ENGINES) {
    if (!present.includes(engine)) continue;
    progress(`ending ${engine}`);
    const lab = await openNativeLab(stateDir, { ...state, engine });
    // First of all what would begin a new one.
    await lab.services.stop(BACKUPS);
    await removeScratch(lab);
    await stopProcesses(lab);
    await lab.cgroups.remove();
    await removeFiles(join(stateDir, engine), options.volumes);
  }
  const others = ['run', 'logs', ...SCRATCH_DIRECTORIES, ...(options.volumes ? [CERTIFICATES] : [])];
  for (const dir of others) await rm(join(stateDir, dir), { recursive: true, force: true });
  if (options.volumes) await removeBackupStatus(stateDir);
}

async function removeFiles(engineDir: string, volumes: boolean): Promise<void> {
  if (volumes) return rm(engineDir, { recursive: true, force: true });
  for (const node of NODE_NAMES) {
    const dir = join(engineDir, node);
    const entries = await readdir(dir).catch((): string[] => []);
    const halfMade = entries.includes('data.half-made') ? ['data', 'data.half-made'] : [];
    for (const name of [...TEMPORARY, ...halfMade])
      await rm(join(dir, name), { recursive: true, force: true });
    await rmdir(dir).catch(() => {});
  }
  await rmdir(engineDir).catch(() => {});
}
