import { spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import {
  type Connection,
  type Endpoint,
  type Engine,
  EngineError,
  type EngineName,
  type ServerBinary,
  type ServerCommand,
  type ServerSpec,
} from '../types.ts';
import { waitFor } from '../wait-for.ts';
import { LocalError } from './errors.ts';
import { condemnData, type Layout, layoutOf } from './layout.ts';
import { withNodeLock } from './lock.ts';
import { checkPortIsFree } from './port.ts';
import {
  endProcess,
  freezeProcess,
  isAlive,
  markOf,
  type ProcessMark,
  processTree,
  readLiveMark,
  removeMark,
  serversIn,
  signalAll,
  writeMark,
} from './process.ts';
import { tail } from './run-tool.ts';
import { renewServerId } from './server-id.ts';

/** What each server takes as "end now, and end well". PostgreSQL's SIGTERM would wait for its clients. */
export const POLITE_SIGNAL: Readonly<Record<EngineName, NodeJS.Signals>> = {
  mysql: 'SIGTERM',
  mariadb: 'SIGTERM',
  postgres: 'SIGINT',
};
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 15_000;
/** For another process to be done with the node. An order to end a server was judged by what was so when it came. */
const JUDGED_WAIT_MS = 5_000;
const LOG_BYTES_READ = 16_384;

export interface WaitOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * One database server as a plain process. The process is detached: it outlives the command that started it, and any
 * later LocalNode with the same state directory finds it again by its pid file.
 */
export class LocalNode {
  readonly spec: ServerSpec;
  readonly #engine: Engine;
  readonly #layout: Layout;
  #binary: ServerBinary | null = null;

  constructor(spec: ServerSpec, engine: Engine) {
    this.spec = spec;
    this.#engine = engine;
    this.#layout = layoutOf(spec.stateDir);
  }

  get logFile(): string {
    return this.#layout.log;
  }

  /** Whether `initialise` or `copyFrom` has to come before `start`. */
  isEmpty(): boolean {
    return this.#engine.server.isEmpty(this.spec);
  }

  /** Makes the data directory unless a whole one is there. LocalError: `disk-full`, `state-unusable`, `initialise-failed`. */
  async initialise(signal?: AbortSignal): Promise<void> {
    await withNodeLock(this.spec, { signal }, async () => {
      await this.#refuseWhileRunning('initialise');
      await this.#engine.server.initialise(this.spec, await this.#find(), signal);
    });
  }

  /** Copies the data of a running node into this stopped, empty one (postgres). */
  async copyFrom(source: Endpoint, signal?: AbortSignal): Promise<void> {
    await withNodeLock(this.spec, { signal }, async () => {
      await this.#refuseWhileRunning('copy data to');
      await this.#engine.server.copyFrom(this.spec, await this.#find(), source, signal);
    });
  }

  /**
   * Throws this node's data away and makes it anew: as a copy of `source` where a replica needs one (postgres), else empty
   * and under a server id that no node has ever had. A server that runs is killed, frozen or not. The node is left stopped,
   * to be started. Cut short, it leaves a node that counts as empty; it can be called again. A directory that holds something
   * else than a node's data is refused (LocalError `state-unusable`).
   */
  async rebuild(source: Endpoint, signal?: AbortSignal): Promise<void> {
    await withNodeLock(this.spec, { timeoutMs: JUDGED_WAIT_MS, signal }, async () => {
      const binary = await this.#find(); // before anything is lost
      await this.#end();
      signal?.throwIfAborted();
      const { admin, server } = this.#engine;
      // The id first: data that was made under the old one must never boot.
      if (!admin.replicaNeedsCopy) await renewServerId(this.spec);
      if (!this.isEmpty()) await condemnData(this.spec);
      if (admin.replicaNeedsCopy) await server.copyFrom(this.spec, binary, source, signal);
      else await server.initialise(this.spec, binary, signal);
    });
  }

  /** Kills the server if it runs, frozen or not, and boots it closed; see `start`. */
  async restart(options: WaitOptions = {}): Promise<void> {
    const { signal } = options;
    const mark = await withNodeLock(this.spec, { timeoutMs: JUDGED_WAIT_MS, signal }, async () => {
      await this.#end();
      return this.#boot(options);
    });
    await this.#waitForLogin(mark, options);
  }

  /** The running server's process, or null. */
  async running(): Promise<ProcessMark | null> {
    return readLiveMark(this.#layout.pid);
  }

  /**
   * Boots the node, closed, and resolves once it accepts the admin's login. A node that already runs is only waited
   * for. A server that does not answer by the deadline is left running, with its log to look at.
   */
  async start(options: WaitOptions = {}): Promise<void> {
    const running = await this.running();
    const mark = running ?? (await withNodeLock(this.spec, options, () => this.#boot(options)));
    await this.#waitForLogin(mark, options);
  }

  /** Under the lock. Somebody may have booted it before we had that. */
  async #boot({ signal }: WaitOptions): Promise<ProcessMark> {
    const running = await this.running();
    if (running) return running;
    if (this.isEmpty()) {
      throw new LocalError('state-unusable', `${this.spec.node.name} has no data yet: initialise it first.`);
    }
    await checkPortIsFree(this.spec.node);
    const command = await this.#engine.server.prepareBoot(this.spec, await this.#find());
    signal?.throwIfAborted();
    return this.#spawn(command);
  }

  /** Asks the server to end, and kills it when it has not ended by the deadline (15 s). */
  async stop(options: WaitOptions = {}): Promise<void> {
    const mark = await this.running();
    if (!mark) return;
    // A frozen server would never see the request.
    signalAll(processTree(mark.pid), 'SIGCONT');
    signalAll([mark.pid], POLITE_SIGNAL[this.#engine.name]);
    const ended = await this.#ended(mark, { timeoutMs: STOP_TIMEOUT_MS, ...options });
    if (ended) return removeMark(this.#layout.pid, mark);
    await this.kill('SIGKILL');
  }

  /**
   * Sends a signal to the server and all its processes. After SIGKILL it waits until they are gone (10 s, then
   * LocalError `stop-failed`), after SIGSTOP until none of them runs. Does nothing when the server does not run.
   */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const mark = await this.running();
    if (!mark) return;
    if (signal === 'SIGSTOP') return freezeProcess(mark);
    if (signal !== 'SIGKILL') return signalAll(processTree(mark.pid), signal);
    await this.#endSurely(mark);
    await removeMark(this.#layout.pid, mark);
  }

  /** Under the lock: no server works on this node's data afterwards. */
  async #end(): Promise<void> {
    await this.kill('SIGKILL');
    for (const stray of serversIn(resolve(this.#layout.data))) await this.#endSurely(stray);
  }

  async #endSurely(mark: ProcessMark): Promise<void> {
    if (await endProcess(mark)) return;
    throw new LocalError('stop-failed', `${this.spec.node.name}: process ${mark.pid} survived SIGKILL.`);
  }

  /** A connection of the admin account; EngineError when the node does not take it. */
  async connectAdmin(database?: string): Promise<Connection> {
    const { client } = this.#engine;
    return client.connect(this.spec.node, this.spec.admin, {
      connectTimeoutMs: 2000,
      ...(database && { database }),
    });
  }

  async #find(): Promise<ServerBinary> {
    this.#binary ??= await this.#engine.server.find();
    if (this.#binary) return this.#binary;
    throw new LocalError('server-missing', this.#engine.server.explainMissing);
  }

  async #refuseWhileRunning(what: string): Promise<void> {
    if (!(await this.running())) return;
    throw new LocalError(
      'already-running',
      `cannot ${what} ${this.spec.node.name} while its server runs: stop it.`,
    );
  }

  async #spawn(command: ServerCommand): Promise<ProcessMark> {
    const log = await open(this.#layout.log, 'a', 0o640);
    try {
      const { runAs } = this.spec;
      const child = spawn(command.file, command.args, {
        cwd: this.spec.stateDir,
        env: command.env,
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
        ...(runAs && { uid: runAs.uid, gid: runAs.gid }),
      });
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', reject);
      });
      child.unref();
      const mark = markOf(child.pid as number);
      await writeMark(this.#layout.pid, mark);
      return mark;
    } catch (error) {
      throw new LocalError(
        'start-failed',
        `${this.spec.node.name}: cannot run ${command.file}: ${error}`,
        error,
      );
    } finally {
      await log.close();
    }
  }

  async #waitForLogin(mark: ProcessMark, options: WaitOptions): Promise<void> {
    const { name } = this.spec.node;
    let last = 'not asked yet';
    const login = async (): Promise<boolean> => {
      if (!isAlive(mark)) throw await this.#explainEnd(mark);
      try {
        const connection = await this.connectAdmin();
        await connection.close();
        return true;
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        if (error.code === 'access-denied') {
          throw new LocalError(
            'start-failed',
            `${name} runs and refuses the admin's password: its data was made with another one. Set DB_ADMIN_PASSWORD ` +
              'to that, or remove the data (./lab down --volumes).',
            error,
          );
        }
        last = error.message;
        return false;
      }
    };
    const timeoutMs = options.timeoutMs ?? START_TIMEOUT_MS;
    if (await waitFor(login, { timeoutMs, everyMs: 50, signal: options.signal })) return;
    throw new LocalError(
      'start-timeout',
      `${name} runs (process ${mark.pid}) and took no login within ${timeoutMs} ms: ${last}. Its log: ${this.#layout.log}`,
    );
  }

  async #explainEnd(mark: ProcessMark): Promise<LocalError> {
    await removeMark(this.#layout.pid, mark);
    const log = await lastBytes(this.#layout.log);
    const { name } = this.spec.node;
    const where = `Its log: ${this.#layout.log}\n${tail(log)}`;
    if (/No space left on device|errno: 28\b|Disk is full/i.test(log)) {
      return new LocalError(
        'disk-full',
        `${name} ended: no space left. Make room and start it again. ${where}`,
      );
    }
    return new LocalError('start-failed', `${name} ended before it took a login. ${where}`);
  }

  async #ended(mark: ProcessMark, options: WaitOptions & { timeoutMs: number }): Promise<boolean> {
    return (await waitFor(() => !isAlive(mark), { everyMs: 20, ...options })) === true;
  }
}

async function lastBytes(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.slice(-LOG_BYTES_READ);
}
