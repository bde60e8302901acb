import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connection, Endpoint, Engine } from '@replication-lab/engines';
import { engineOf, LocalError, LocalNode, runAsFor } from '@replication-lab/engines/local';
import { LabError, messageOf } from '../errors.ts';
import { identify, type ProcessIdentity } from '../processes.ts';
import { waitFor } from '../wait.ts';
import type { LabCgroups } from './cgroup.ts';
import { type NativePlan, nodeDirectory, nodeTls, securedEndpoint, supervisorNames } from './layout.ts';

const START_TIMEOUT_MS = 60_000;
const MADE_ANEW_WITHIN_MS = 55_000;

/** The database nodes of a native lab: LocalNode, plus the control group each lives in. */
export class Databases {
  readonly plan: NativePlan;
  readonly engine: Engine;
  readonly #cgroups: LabCgroups;
  readonly #runAs: Awaited<ReturnType<typeof runAsFor>>;

  static async open(plan: NativePlan, cgroups: LabCgroups): Promise<Databases> {
    return new Databases(plan, engineOf(plan.engine), cgroups, await runAsFor(plan.engine));
  }

  private constructor(
    plan: NativePlan,
    engine: Engine,
    cgroups: LabCgroups,
    runAs: Awaited<ReturnType<typeof runAsFor>>,
  ) {
    this.plan = plan;
    this.engine = engine;
    this.#cgroups = cgroups;
    this.#runAs = runAs;
  }

  /** Any node, also one that the topology leaves out: it may have to be stopped. */
  node(name: string): LocalNode {
    const endpoint = securedEndpoint(this.plan, name);
    const replication = this.plan.accounts.replication[name];
    if (!replication) throw new LabError('usage', `there is no database node ${name}`);
    const spec = {
      node: endpoint,
      serverId: Number(name.slice(name.lastIndexOf('-') + 1)),
      stateDir: nodeDirectory(this.plan, name),
      admin: this.plan.accounts.admin,
      supervisor: this.plan.accounts.supervisor,
      replication,
      tls: nodeTls(this.plan, name),
      runAs: this.#runAs,
      supervised: supervisorNames(this.plan).length > 0,
    };
    return new LocalNode(spec, this.engine);
  }

  async process(name: string): Promise<ProcessIdentity | null> {
    const mark = await this.node(name).running();
    return mark ? identify(mark.pid) : null;
  }

  async initialise(name: string, signal?: AbortSignal): Promise<void> {
    await translated(() => this.node(name).initialise(signal));
  }

  /** Boots the node, closed, in its control group; returns when it takes a login. */
  async start(name: string, signal?: AbortSignal): Promise<void> {
    await translated(() => this.node(name).start({ timeoutMs: START_TIMEOUT_MS, signal }));
    const identity = await this.process(name);
    if (identity) await this.#cgroups.place(name, identity.pid);
  }

  /** Waits until a node without data has been made anew, by somebody else's order, and takes a login. */
  async untilMadeAnew(name: string, signal?: AbortSignal): Promise<void> {
    const answers = async () => {
      if (!(await this.node(name).running())) return false;
      const connection = await this.node(name)
        .connectAdmin()
        .catch(() => null);
      await connection?.close();
      return connection !== null;
    };
    await waitFor(answers, {
      what: `${name}, which has no data, to be made anew`,
      timeoutMs: MADE_ANEW_WITHIN_MS,
      code: 'no-data',
      signal,
      mend: () =>
        'only an open primary can be copied: ./lab status. Without any: ./lab up, or ./lab down --volumes',
    });
  }

  /** Removes its data, with the server ended, as a lost disk does. */
  async wipe(name: string): Promise<void> {
    if (await this.process(name)) throw new LabError('usage', `${name} runs: kill it first`, null);
    await rm(join(nodeDirectory(this.plan, name), 'data'), { recursive: true, force: true });
  }

  async copyFrom(name: string, source: Endpoint, signal?: AbortSignal): Promise<void> {
    await translated(() => this.node(name).copyFrom(source, signal));
  }

  async stop(name: string): Promise<void> {
    await translated(() => this.node(name).stop());
  }

  /** Uses an admin connection to the node and closes it. Throws LabError `node-unreachable`. */
  async asAdmin<T>(
    name: string,
    work: (connection: Connection) => Promise<T>,
    database?: string,
  ): Promise<T> {
    let connection: Connection;
    try {
      connection = await this.node(name).connectAdmin(database);
    } catch (error) {
      throw new LabError(
        'node-unreachable',
        `cannot log in to ${name}: ${messageOf(error)}`,
        './lab status',
        error,
      );
    }
    try {
      return await work(connection);
    } finally {
      await connection.close();
    }
  }
}

/** LocalError's text already says what mends it; here it only gets the form all our errors have. */
async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof LocalError)) throw error;
    throw new LabError(error.code, error.message, mendOf(error.code), error);
  }
}

function mendOf(code: LocalError['code']): string {
  switch (code) {
    case 'disk-full':
      return 'make room, or set LAB_STATE_DIR to a directory on a bigger disk; then ./lab up';
    case 'port-in-use':
      return 'stop what listens there, or ./lab up --runtime docker, which has addresses of its own';
    case 'state-unusable':
    case 'start-failed':
    case 'initialise-failed':
    case 'copy-failed':
      return './lab up once more; if it says the same, ./lab down --volumes makes fresh data directories';
    default:
      return './lab doctor';
  }
}
