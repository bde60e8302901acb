import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineName } from '@replication-lab/engines';
import { engineOf } from '@replication-lab/engines/local';
import { type Cluster, startCluster } from '@replication-lab/engines/testing';
import { createRouter, type Router, RouterError } from '@replication-lab/router';
import {
  type Action,
  type AgentOrder,
  type Announcer,
  type NodeAgents,
  type OverrideOutcome,
  type Step,
  Supervisor,
  type SupervisorEvent,
  type SupervisorOptions,
  type SwitchoverOutcome,
} from '../src/index.ts';

/** Makes what a supervisor tells its events to. */
type Announce = (by: number, status: () => Step | null) => Announcer;

/** Some supervisors over one cluster, and what they said. */
export class Watch implements AsyncDisposable {
  readonly cluster: Cluster;
  readonly events: (SupervisorEvent & { readonly by: number })[] = [];
  readonly #supervisors = new Map<number, Supervisor>();
  readonly #announce: Announce | null;
  readonly #restarts: boolean;
  readonly #endings = new Map<number, (event: SupervisorEvent) => void>();
  #serial = 0;

  /** `restarts`: nodes that have to be restarted are. */
  constructor(cluster: Cluster, count: number, announce: Announce | null = null, { restarts = false } = {}) {
    this.cluster = cluster;
    this.#announce = announce;
    this.#restarts = restarts;
    for (let i = 0; i < count; i++) this.add();
  }

  add(): number {
    const by = ++this.#serial;
    const { engine, nodes, accounts, database } = this.cluster;
    const { supervisor: account, replication } = accounts;
    const options: SupervisorOptions = {
      engine: engineOf(engine),
      nodes,
      account,
      replication,
      database,
      onEvent: (event, agoMs) => {
        this.events.push({ ...event, by });
        announcer?.tell(event, agoMs);
        this.#endings.get(by)?.(event);
      },
      ...(this.#restarts && { agents: this.#agents() }),
    };
    const announcer = this.#announce?.(by, () => this.#supervisors.get(by)?.status() ?? null);
    const supervisor = new Supervisor(options);
    this.#supervisors.set(by, supervisor);
    supervisor.start();
    return by;
  }

  /** The one that acts; null while nobody does. */
  get active(): number | null {
    for (const [by, supervisor] of this.#supervisors) {
      const phase = supervisor.status()?.state.phase ?? 'passive';
      if (phase !== 'passive' && phase !== 'unfounded') return by;
    }
    return null;
  }

  #agents(): NodeAgents {
    return {
      carryOut: (node, errand) => this.#carryOut(node.name, errand),
      isEmpty: async ({ name }) => this.cluster.local(name).isEmpty(),
    };
  }

  async #carryOut(node: string, { do: order, source }: AgentOrder): Promise<void> {
    if (order === 'restart') await this.cluster.local(node).restart();
    else await this.cluster.local(node).rebuild(this.cluster.endpoint(source));
    if (order === 'rebuild') await this.cluster.start(node);
  }

  /** What they think now, and what led to it: for whoever reads why a test failed. */
  story(): string {
    const now = [...this.#supervisors].map(([by, supervisor]) => {
      const step = supervisor.status();
      const why = [...(step?.reasons ?? []), ...(step?.unarmed ?? [])].map(({ detail }) => detail);
      return `${by} is ${step?.state.phase}, epoch ${step?.epoch} of ${step?.primary}: ${why.join('; ')}`;
    });
    const isTelling = (event: SupervisorEvent) => event.what !== 'order' || event.action.do !== 'lock';
    const events = this.events.filter(isTelling).slice(-60);
    return [...events.map(({ by, ...event }) => `${by} ${JSON.stringify(event)}`), ...now].join('\n');
  }

  switchover(to: string, by = this.active!): Promise<SwitchoverOutcome> {
    return this.#supervisors.get(by)!.switchover(to);
  }

  override(to: string, allowDataLoss: boolean): Promise<OverrideOutcome> {
    return [...this.#supervisors.values()][0]!.override(to, allowDataLoss);
  }

  passive(): number {
    return [...this.#supervisors.keys()].find((by) => by !== this.active)!;
  }

  /** Armed, and all nodes but the primary follow it. */
  async untilWhole(): Promise<void> {
    await this.untilArmed();
    await until('following', async () => {
      const primary = this.status?.primary;
      if (!primary) return false;
      const others = this.cluster.nodes.filter(({ name }) => name !== primary);
      const { host } = this.cluster.endpoint(primary);
      const all = await Promise.all(others.map(({ name }) => this.#follows(name, host)));
      return all.every((follows) => follows);
    });
    await this.untilArmed();
  }

  async #follows(name: string, host: string): Promise<boolean> {
    try {
      await using connection = await this.cluster.admin(name);
      const { replicating, source } = await engineOf(this.cluster.engine).client.probe(connection);
      return replicating === true && source === host;
    } catch {
      return false; // it is being restarted
    }
  }

  /** Ends the supervisor at once when an order of this kind was carried out; resolves when it is gone. */
  endAfter(by: number, last: Action['do']): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#endings.set(by, (event) => {
        if (event.what !== 'order' || event.action.do !== last || event.outcome !== 'done') return;
        this.#endings.delete(by);
        this.end(by).then(resolve, reject);
      });
    });
  }

  get status() {
    const active = this.active;
    return active === null ? null : this.#supervisors.get(active)!.status();
  }

  async end(by: number): Promise<void> {
    const supervisor = this.#supervisors.get(by);
    this.#supervisors.delete(by);
    await supervisor?.close();
  }

  /** Waits until this one, which only watches, has seen all that it would have to know to take over. */
  untilKnowing(by: number): Promise<void> {
    return until('knowing', () => {
      const { state, epoch, primary } = this.#supervisors.get(by)!.status() ?? {};
      const voters = this.cluster.nodes.filter(({ name }) => name !== primary);
      return state?.armedEpoch === epoch && voters.every(({ name }) => state?.lives[name]?.isCaughtUp);
    });
  }

  /** Waits until a supervisor acts, the primary is open and a failover would succeed. */
  untilArmed(): Promise<void> {
    return until('armed', () => {
      const { status } = this;
      return status?.state.phase === 'watching' && status.unarmed.length === 0;
    });
  }

  /** Waits until another node than `primary` is the open one, and answers which. */
  async untilPromoted(primary: string): Promise<string> {
    await until('promoted', () => this.status?.state.phase === 'watching' && this.status.primary !== primary);
    return this.status!.primary!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#supervisors.values()].map((supervisor) => supervisor.close()));
  }
}

export interface Scene extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly watch: Watch;
  readonly writers: Writers;
}

/** An armed cluster, its supervisors, and clients that write to it all the time; they end together, also when one cannot begin. */
export async function setScene(
  engine: EngineName,
  subnet: string,
  supervisors: number,
  { restarts, ...writing }: { readonly restarts?: boolean } & WritersOptions = {},
): Promise<Scene> {
  await using all = new AsyncDisposableStack();
  const cluster = all.use(await startCluster(engine, { subnet, supervised: true }));
  const watch = all.use(new Watch(cluster, supervisors, null, { restarts }));
  await watch.untilArmed();
  const writers = all.use(new Writers(cluster, 4, writing));
  await writers.more();
  const kept = all.move();
  return { cluster, watch, writers, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** So long a successor may take from the death of a supervisor in the middle of something: a promise of the lab. */
export const FINISHED_WITHIN_MS = 6_000;

/** Throws when `condition` does not hold within the deadline. */
export async function until(
  what: string,
  condition: () => unknown | Promise<unknown>,
  timeoutMs = 30_000,
): Promise<void> {
  const endsAtMs = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > endsAtMs) throw new Error(`not ${what} after ${timeoutMs} ms`);
    await sleep(10);
  }
}

export interface WritersOptions {
  /** How long a write waits for a primary where there is none. */
  readonly primaryWaitMs?: number;
  /** Between two writes of one client. */
  readonly pauseMs?: number;
}

/** Inserts rows with unique keys, each once, and keeps account of what it was told. */
export class Writers implements AsyncDisposable {
  readonly acknowledged = new Set<string>();
  readonly refused = new Set<string>();
  readonly unknown = new Set<string>();
  readonly router: Router;
  readonly #timeoutMs: number;
  readonly #pauseMs: number;
  readonly #cluster: Cluster;
  readonly #workers: Promise<void>[];
  #isOver = false;
  #serial = 0;

  constructor(cluster: Cluster, count: number, { pauseMs = 0, ...options }: WritersOptions = {}) {
    this.#pauseMs = pauseMs;
    this.#cluster = cluster;
    this.#timeoutMs = 3_000 + (options.primaryWaitMs ?? 0);
    const { engine, nodes, accounts, database } = cluster;
    this.router = createRouter({
      engine,
      nodes,
      accounts,
      database,
      tokenKeys: ['k'.repeat(32)],
      ...options,
    });
    this.#workers = Array.from({ length: count }, () => this.#work());
  }

  /** Waits until so many more were acknowledged. */
  more(count = 20): Promise<void> {
    const before = this.acknowledged.size;
    return until('writing', () => this.acknowledged.size > before + count);
  }

  async #work(): Promise<void> {
    await this.router.ready();
    const sql =
      this.#cluster.engine === 'postgres'
        ? "INSERT INTO users (name, email) VALUES ('w', $1)"
        : "INSERT INTO users (name, email) VALUES ('w', ?)";
    while (!this.#isOver) {
      if (this.#pauseMs > 0) await sleep(this.#pauseMs);
      const email = `w-${process.pid}-${++this.#serial}@example.test`;
      try {
        await this.router.write(sql, [email], { timeoutMs: this.#timeoutMs });
        this.acknowledged.add(email);
      } catch (error) {
        const code = error instanceof RouterError ? error.code : 'other';
        (code === 'outcome-unknown' ? this.unknown : this.refused).add(email);
      }
    }
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#workers);
  }

  /** What `node` has, compared with what was told. All three are to be 0. */
  async audit(node: string) {
    await using connection = await this.#cluster.admin(node);
    const { rows } = await connection.query("SELECT email FROM users WHERE name = 'w'");
    const there = rows.map(({ email }) => String(email));
    const present = new Set(there);
    return {
      lost: [...this.acknowledged].filter((email) => !present.has(email)).length,
      falselyRefused: [...this.refused].filter((email) => present.has(email)).length,
      twice: there.length - present.size,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.router.close();
  }
}

export const CLEAN = { lost: 0, falselyRefused: 0, twice: 0 };
