import { setTimeout } from 'node:timers/promises';
import type { Durability } from '../config.ts';

import type { Accounts, Connection, Endpoint, Engine, NodeProbe, Position } from '../types.ts';
import { waitFor } from '../wait-for.ts';
import { type BootstrapPlan, decideBootstrap, type Observation } from './decide.ts';
import { BootstrapError } from './errors.ts';
import { connectLab, type LabAccess, observe } from './observe.ts';
import { armNode, awaitConfirmer, LabLocks, onChannel } from './quorum.ts';

const DEFAULT_TIMEOUT_MS = 120_000;
const DEFAULT_GRACE_MS = 8000;
const DRAIN_TIMEOUT_MS = 60_000;
/** A replica that comes no nearer for so long is stuck; one that comes nearer may take its time. */
const STALL_MS = 15_000;
const ATTACH_TIMEOUT_MS = 20_000;
const LOGIN_TIMEOUT_MS = 60_000;

export interface BootstrapOptions {
  readonly engine: Engine;
  /** The nodes of this topology, in order: db-1 alone for `single`. The first is the first primary. */
  readonly nodes: readonly Endpoint[];
  readonly accounts: Accounts;
  readonly database: string;
  /**
   * `quorum`: a commit of the primary waits for a replica when this has ended, and always where a lab is opened again. While
   * a supervisor acts on the lab, bootstrap only waits for what it does.
   */
  readonly durability: Durability;
  /** Copies the data of `source` to `node` and has its server running, closed, when it resolves (postgres). */
  copyData(node: Endpoint, source: Endpoint, signal: AbortSignal): Promise<void>;
  /** The node's host is there and waits for data (postgres before its first copy). Without it, nodes are never empty. */
  isEmpty?(node: Endpoint): Promise<boolean>;
  /** Gives an empty node data of its own and has its server running, closed. Needed where `isEmpty` may say yes to all. */
  initialise?(node: Endpoint, signal: AbortSignal): Promise<void>;
  /** For all of it, waiting for nodes to answer included. Default 120,000. */
  readonly timeoutMs?: number;
  /**
   * How long nodes may keep silent, counted from when a majority answers or else from the start, before bootstrap decides
   * with those that answer. Default 8,000.
   */
  readonly graceMs?: number;
}

export interface BootstrapResult {
  readonly action: 'started' | 'kept' | 'reopened';
  readonly primary: string;
  readonly epoch: number;
  /** Replicas that follow the primary and have caught up. */
  readonly replicas: readonly string[];
  /** Nodes that answer and were left closed, and why. */
  readonly refused: readonly { readonly node: string; readonly why: string }[];
  readonly silent: readonly string[];
}

type Plan = Exclude<BootstrapPlan, { kind: 'refuse' }>;
type Progress = (message: string) => void;

/**
 * Brings a lab whose nodes run (closed) to one open primary with replicas that have caught up. Opens the first primary
 * of a fresh lab; after a stop of the whole lab reopens the node with the newest history; changes nothing when all is
 * well. Throws BootstrapError when it must not decide, EngineError or the signal's reason when something breaks.
 */
export async function runBootstrap(
  options: BootstrapOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<BootstrapResult> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  let last = 'waiting for the nodes to answer';
  const noted: Progress = (message) => {
    last = message;
    progress(message);
  };
  try {
    return await new Bootstrap(options, noted, limit).run();
  } catch (error) {
    if (signal.aborted || !limit.aborted) throw error;
    throw new BootstrapError('timeout', `not done after ${timeoutMs} ms. The last step: ${last}.`, error);
  }
}

class Bootstrap {
  readonly #options: BootstrapOptions;
  readonly #access: LabAccess;
  readonly #progress: Progress;
  readonly #signal: AbortSignal;
  readonly #started = performance.now();
  #locks: LabLocks | null = null;

  constructor(options: BootstrapOptions, progress: Progress, signal: AbortSignal) {
    this.#options = options;
    this.#access = { engine: options.engine, admin: options.accounts.admin, database: options.database };
    this.#progress = progress;
    this.#signal = signal;
  }

  async run(): Promise<BootstrapResult> {
    const { nodes, durability } = this.#options;
    const observations = await this.#observeAll();
    if (durability === 'async' || nodes.length === 1) return this.#carryOut(observations);
    await using locks = await LabLocks.take(this.#access, nodes);
    if (!locks) return this.#awaitSupervisor();
    this.#locks = locks;
    // Once more: a supervisor may have acted until the locks were taken.
    const result = await this.#carryOut(await this.#observeAll());
    await this.#arm(result);
    return result;
  }

  async #carryOut(observations: readonly Observation[]): Promise<BootstrapResult> {
    const { engine, nodes } = this.#options;
    const plan = decideBootstrap(observations, {
      nodes,
      positions: engine.client.positions,
      replicaNeedsCopy: engine.admin.replicaNeedsCopy,
    });
    if (plan.kind === 'refuse') throw new BootstrapError(plan.code, plan.message);
    for (const node of plan.close) await this.#as(node, (connection) => engine.admin.close(connection));
    const opensArmed = plan.kind === 'reopen' && this.#locks !== null;
    if (!opensArmed) await this.#openPrimary(plan);
    const refused = await (opensArmed ? this.#reopenArmed(plan) : this.#attachAll(plan));
    const replicas = this.#namesOf(plan).filter((name) => !refused.some(({ node }) => node === name));
    if (plan.finish) {
      await this.#awaitCatchUp(plan.primary, replicas);
      await this.#as(plan.primary, (c) => engine.admin.writeMarker(c, this.#options.database));
    }
    await this.#awaitCatchUp(plan.primary, replicas);
    const action = ({ start: 'started', keep: 'kept', reopen: 'reopened' } as const)[plan.kind];
    return { action, primary: plan.primary, epoch: plan.epoch, replicas, refused, silent: plan.silent };
  }

  /** Who acts on the lab is a supervisor: what it opens is waited for. */
  async #awaitSupervisor(): Promise<BootstrapResult> {
    this.#progress('a supervisor acts on this lab: waiting for the primary that it opens');
    for (;;) {
      const up = (await this.#observeAll()).filter((o) => o.state === 'up');
      const epoch = Math.max(0, ...up.map((o) => o.probe.epoch));
      const open = up.filter((o) => !o.probe.readOnly && o.probe.epoch === epoch);
      const [primary] = open;
      if (primary && open.length === 1) {
        const { host } = this.#node(primary.node);
        const following = up.filter((o) => o.probe.source === host && o.probe.replicating);
        const answering = new Set(up.map(({ node }) => node));
        const silent = this.#options.nodes.map(({ name }) => name).filter((name) => !answering.has(name));
        const replicas = following.map(({ node }) => node);
        return { action: 'kept', primary: primary.node, epoch, replicas, refused: [], silent };
      }
      await setTimeout(100, undefined, { signal: this.#signal });
    }
  }

  /** With nobody there to confirm nothing is armed: that would end all writing. A supervisor does it when one is. */
  async #arm({ primary, replicas }: BootstrapResult): Promise<void> {
    if (replicas.length === 0) return;
    this.#progress(`commits of ${primary} wait for ${replicas.join(' or ')}`);
    const voters = replicas.map((name) => this.#node(name));
    await armNode(this.#access, this.#node(primary), voters);
    await awaitConfirmer(this.#access, this.#node(primary), voters, this.#signal);
  }

  /**
   * Opens a lab again so that not one commit is acknowledged that only one node has: it is armed, and a replica confirms,
   * before it is promoted. Returns who could not be attached.
   */
  async #reopenArmed(plan: Plan): Promise<{ node: string; why: string }[]> {
    const { failover } = this.#options.engine;
    const node = this.#node(plan.primary);
    await this.#drain(plan);
    await onChannel(this.#access, node, (channel) => failover.detach(channel));
    const others = this.#namesOf(plan).map((name) => this.#node(name));
    this.#progress(`${node.name} will be the primary of epoch ${plan.epoch}; its commits wait for a replica`);
    await armNode(this.#access, node, others);
    const refused = await this.#attachAll(plan);
    const voters = others.filter(({ name }) => !refused.some((left) => left.node === name));
    await awaitConfirmer(this.#access, node, voters, this.#signal);
    this.#progress(`opening ${node.name} as the primary of epoch ${plan.epoch}`);
    this.#locks?.check();
    await onChannel(this.#access, node, (channel) => failover.promote(channel));
    await this.#furnish(plan);
    await onChannel(this.#access, node, (channel) => failover.open(channel));
    return refused;
  }

  #namesOf(plan: Plan): string[] {
    const followers = [...plan.attach.map(({ node }) => node), ...plan.following, ...plan.diverged];
    return this.#options.nodes.map(({ name }) => name).filter((name) => followers.includes(name));
  }

  /** Waits until all have answered, or for a while longer when enough have. */
  async #observeAll(): Promise<Observation[]> {
    const { nodes, isEmpty = async () => false, graceMs = DEFAULT_GRACE_MS } = this.#options;
    const majority = Math.floor(nodes.length / 2) + 1;
    let enoughSince: number | null = null;
    for (;;) {
      this.#signal.throwIfAborted();
      const observations = await Promise.all(nodes.map((node) => observe(this.#access, node, isEmpty)));
      const silent = observations.filter(({ state }) => state === 'silent');
      if (silent.length === 0) return observations;
      const now = performance.now();
      if (nodes.length - silent.length >= majority) enoughSince ??= now;
      if (now - (enoughSince ?? this.#started) > graceMs) return observations;
      await setTimeout(200, undefined, { signal: this.#signal });
    }
  }

  async #openPrimary(plan: Plan): Promise<void> {
    const { engine, initialise } = this.#options;
    const node = this.#node(plan.primary);
    if (plan.initialise) {
      if (!initialise)
        throw new Error(`${node.name} has no data, and runBootstrap was given no way to initialise it`);
      this.#progress(`making the data of ${node.name}`);
      await initialise(node, this.#signal);
      await this.#awaitLogin(node);
    }
    if (plan.kind === 'keep') {
      this.#progress(`${node.name} is the open primary of epoch ${plan.epoch}`);
      if (plan.finish) await this.#furnish(plan);
      return;
    }
    await this.#drain(plan);
    this.#progress(`opening ${node.name} as the primary of epoch ${plan.epoch}`);
    await this.#as(node.name, (connection) => engine.admin.open(connection, () => this.#furnish(plan)));
  }

  /** What has been received has to be applied before the node is opened: opening forgets it. */
  async #drain(plan: Plan): Promise<void> {
    const { admin, client } = this.#options.engine;
    await this.#as(plan.primary, async (connection) => {
      if ((await admin.readApplyDelay(connection)) > 0) await admin.setApplyDelay(connection, 0);
      const drained = async () => {
        const { position, received } = await client.probe(connection);
        return client.positions.covers(position, received);
      };
      if (await waitFor(drained, { timeoutMs: DRAIN_TIMEOUT_MS, everyMs: 50, signal: this.#signal })) return;
      throw new BootstrapError(
        'not-drained',
        `${plan.primary} has not applied all it had received after ${DRAIN_TIMEOUT_MS} ms; its log says why.`,
      );
    });
  }

  /** All that has to be on the primary before clients are let in: schema and accounts once, the epoch row always. */
  async #furnish({ primary, finish, epoch }: Plan): Promise<void> {
    const { engine, accounts, database } = this.#options;
    const { admin } = engine;
    const node = this.#node(primary);
    if (finish) {
      await using maintenance = await engine.client.connect(node, accounts.admin);
      await admin.createDatabase(maintenance, database);
    }
    await using connection = await engine.client.connect(node, accounts.admin, { database });
    if (finish) await admin.createSchema(connection, database);
    // First of all that a new reign writes, so that its fork is what was there before. Never called lossless: a whole stop
    // is also when data directories are restored, copied and swapped, and nobody here can tell.
    await admin.writeEpoch(connection, database, epoch, primary);
    if (finish) await admin.createAccounts(connection, accounts, database);
  }

  /** Attaches side by side; those that cannot be attached are returned with the reason, and stay closed. */
  async #attachAll(plan: Plan): Promise<{ node: string; why: string }[]> {
    const refused: { node: string; why: string }[] = [];
    const attempt = async (name: string, work: () => Promise<void>): Promise<void> => {
      try {
        await work();
        this.#progress(`${name} follows ${plan.primary}`);
      } catch (error) {
        this.#signal.throwIfAborted();
        // At the very first start nothing can have diverged: whatever it is, it has to be mended.
        if (plan.kind === 'start') throw error;
        const why = error instanceof Error ? error.message : String(error);
        refused.push({ node: name, why });
        this.#progress(`${name} is left out: ${why}`);
      }
    };
    await Promise.all([
      ...plan.attach.map(({ node, copy }) => attempt(node, () => this.#attach(node, plan.primary, copy))),
      ...plan.diverged.map((node) => attempt(node, () => this.#attachUnlessDiverged(node, plan.primary))),
    ]);
    return refused;
  }

  async #attach(name: string, primary: string, copy: boolean): Promise<void> {
    const { engine, accounts, copyData } = this.#options;
    const node = this.#node(name);
    const source = this.#node(primary);
    const replication = accounts.replication[name];
    if (!replication) throw new Error(`there is no replication account for ${name}`);
    if (copy) {
      this.#progress(`copying the data of ${primary} to ${name}`);
      await copyData(node, source, this.#signal);
      await this.#awaitLogin(node);
    }
    await this.#as(name, (connection) =>
      engine.admin.attach(connection, node, source, replication, {
        timeoutMs: ATTACH_TIMEOUT_MS,
        signal: this.#signal,
      }),
    );
  }

  /** A server that has just been started may need a moment until it takes logins. */
  async #awaitLogin(node: Endpoint): Promise<void> {
    let last: unknown;
    const login = async (): Promise<boolean> => {
      try {
        await (await connectLab(this.#access, node)).connection.close();
        return true;
      } catch (error) {
        last = error;
        return false;
      }
    };
    if (!(await waitFor(login, { timeoutMs: LOGIN_TIMEOUT_MS, everyMs: 100, signal: this.#signal })))
      throw last;
  }

  /** The plan's positions were not read at one moment, so a replica may seem to be ahead. Only a later reading tells. */
  async #attachUnlessDiverged(name: string, primary: string): Promise<void> {
    const has = await this.#held(name);
    const primaryHas = await this.#held(primary);
    if (!this.#options.engine.client.positions.covers(primaryHas, has)) {
      throw new Error(
        `it holds writes that ${primary} does not have, so it has to be made anew. It has ${has}, ${primary} has ${primaryHas}.`,
      );
    }
    await this.#attach(name, primary, false);
  }

  async #awaitCatchUp(primary: string, replicas: readonly string[]): Promise<void> {
    if (replicas.length === 0) return;
    const target = (await this.#probe(primary)).position;
    await Promise.all(replicas.map((name) => this.#awaitPosition(name, target, primary)));
  }

  async #awaitPosition(name: string, target: Position, primary: string): Promise<void> {
    const { positions } = this.#options.engine.client;
    let nearest = Number.POSITIVE_INFINITY;
    let nearestAt = performance.now();
    for (;;) {
      const { position } = await this.#probe(name);
      if (positions.covers(position, target)) return;
      const distance = positions.distance(position, target);
      if (distance < nearest) {
        nearest = distance;
        nearestAt = performance.now();
      } else if (performance.now() - nearestAt > STALL_MS) {
        throw new BootstrapError(
          'not-caught-up',
          `${name} follows ${primary}, but has come no nearer to ${target} than ${position} for ${STALL_MS} ms.`,
        );
      }
      await setTimeout(50, undefined, { signal: this.#signal });
    }
  }

  async #held(name: string): Promise<Position> {
    const { client, admin } = this.#options.engine;
    return this.#as(name, async (connection) => admin.held(connection, await client.probe(connection)));
  }

  async #probe(name: string): Promise<NodeProbe> {
    return this.#as(name, (connection) => this.#options.engine.client.probe(connection));
  }

  /** The connection is destroyed when the time is up: administration has statements that wait for the server. */
  async #as<T>(name: string, work: (connection: Connection) => Promise<T>): Promise<T> {
    await using connection = (await connectLab(this.#access, this.#node(name))).connection;
    const giveUp = () => connection.destroy();
    this.#signal.addEventListener('abort', giveUp, { once: true });
    try {
      this.#signal.throwIfAborted();
      this.#locks?.check();
      return await work(connection);
    } finally {
      this.#signal.removeEventListener('abort', giveUp);
    }
  }

  #node(name: string): Endpoint {
    const node = this.#options.nodes.find((endpoint) => endpoint.name === name);
    if (!node) throw new Error(`there is no node ${name}`);
    return node;
  }
}
