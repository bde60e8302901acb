import type { EngineName } from '@replication-lab/engines';
import type { Cluster } from '@replication-lab/engines/testing';
import { type Measured, rivalriesOf, rowsOf, verdictsOf } from './figures.ts';
import type { BenchOptions } from './options.ts';
import { blocksOf, chooseSubjects, planRounds } from './plan.ts';
import type { Latency, Setup, Workload } from './protocol.ts';
import { profileFile } from './results.ts';
import { holdBack, startServers, waitForReplicas } from './servers.ts';
import { SubjectFailed, SubjectProcess } from './subject-process.ts';
import type { SubjectInfo } from './subjects/index.ts';
import type { WorkloadSummary } from './summary.ts';

/**
 * Which replicas are how far behind. Nobody reads while writes are measured: on one disk the replicas' commits would take turns with
 * the primary's, and a subject's rate would depend on how much they still had to apply of the subject before.
 */
const HELD_BACK: Readonly<
  Record<Workload, { readonly who: 'one' | 'all'; readonly seconds: number } | null>
> = {
  reads: null,
  writes: { who: 'all', seconds: 3_600 },
  mixed: { who: 'one', seconds: 1 },
};

export interface Course {
  readonly version: string;
  readonly workloads: readonly WorkloadSummary[];
  readonly how: Readonly<Record<string, string>>;
  readonly notRun: readonly { readonly subject: string; readonly reason: string }[];
}

/** Starts servers and subjects, measures, and stops all of it again, whatever happens. */
export async function runCourse(
  engine: EngineName,
  options: BenchOptions,
  say: (message: string) => void,
  signal: AbortSignal,
): Promise<Course> {
  say(`${engine}: starting a primary and two replicas, ${options.users} users`);
  const { cluster, version } = await startServers(engine, options.users, signal);
  const troupe = new Troupe(cluster, options, say);
  try {
    await troupe.open(chooseSubjects(options, engine), signal);
    const workloads: WorkloadSummary[] = [];
    for (const workload of options.workloads) workloads.push(await troupe.play(workload, signal));
    return { version, workloads, how: troupe.how(), notRun: troupe.notRun };
  } finally {
    await troupe.close();
    await cluster[Symbol.asyncDispose]();
  }
}

/** The subjects that are up. */
class Troupe {
  readonly notRun: { subject: string; reason: string }[] = [];
  readonly #cluster: Cluster;
  readonly #options: BenchOptions;
  readonly #say: (message: string) => void;
  #subjects: SubjectProcess[] = [];
  readonly #how: Record<string, string> = {};

  constructor(cluster: Cluster, options: BenchOptions, say: (message: string) => void) {
    this.#cluster = cluster;
    this.#options = options;
    this.#say = say;
  }

  how(): Readonly<Record<string, string>> {
    return this.#how;
  }

  async open(infos: readonly SubjectInfo[], signal: AbortSignal): Promise<void> {
    for (const [i, info] of infos.entries()) {
      signal.throwIfAborted();
      const subject = new SubjectProcess(info);
      this.#subjects.push(subject);
      await this.#guard(subject, async () => {
        await subject.open(this.#setup(i, infos.length));
        this.#how[info.name] = subject.how;
      });
    }
    this.#say(`${this.#subjects.length} subjects are up`);
  }

  /** Measures one workload: all blocks, all subjects that know it. */
  async play(workload: Workload, signal: AbortSignal): Promise<WorkloadSummary> {
    const { blocks: allBlocks, slices, seed } = this.#options;
    const players = this.#subjects.filter(({ info }) => info.workloads.includes(workload));
    const blocks = blocksOf(workload, allBlocks);
    await waitForReplicas(this.#cluster);
    for (const player of players)
      await this.#guard(player, () => player.prepare(workload, this.#options.prepareMs));
    await this.#profiled(players, (player) => player.startProfile());
    const held = HELD_BACK[workload];
    if (held) await holdBack(this.#cluster, held.who, held.seconds);
    try {
      const names = players.map(({ info }) => info.name);
      const measured: Measured[] = [];
      let told = -1;
      for (const round of planRounds(workload, names, { blocks, slices, seed })) {
        if (round.block !== told) this.#say(`${workload}: block ${round.block + 1} of ${blocks}`);
        told = round.block;
        for (const name of round.order) {
          signal.throwIfAborted();
          const slice = await this.#slice(name, workload, round.seed);
          if (slice) measured.push({ subject: name, block: round.block, slice });
        }
      }
      return await this.#summarise(workload, blocks, measured);
    } finally {
      if (held) await holdBack(this.#cluster, held.who, 0);
      await this.#profiled(players, async (player) => {
        const file = profileFile(this.#options, this.#cluster.engine, player.info.name, workload);
        this.#say(`${file}\n${await player.stopProfile(file)}`);
      });
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#subjects.map((subject) => subject.close()));
    this.#subjects = [];
  }

  async #slice(name: string, workload: Workload, seed: number) {
    const subject = this.#subjects.find(({ info }) => info.name === name);
    if (!subject) return null; // it failed in an earlier round
    const { warmUpMs, measureMs } = this.#options;
    return this.#guard(subject, () => subject.run({ workload, warmUpMs, measureMs, seed }));
  }

  async #summarise(
    workload: Workload,
    blocks: number,
    measured: readonly Measured[],
  ): Promise<WorkloadSummary> {
    const latencies = new Map<string, Latency>();
    for (const subject of this.#subjects) {
      const { name, workloads } = subject.info;
      if (workloads.includes(workload)) latencies.set(name, await subject.latency(workload));
    }
    // One that broke off half-way has no place beside those that did the whole course.
    const whole = measured.filter(({ subject }) => latencies.has(subject));
    const rows = rowsOf(whole, latencies, this.#options.seed);
    const verdicts = verdictsOf(this.#cluster.engine, workload, rows);
    return { workload, blocks, rows, verdicts, rivalries: rivalriesOf(workload, whole, this.#options.seed) };
  }

  /** A subject that fails is left out and named; without `raw` there is nothing to compare with. */
  async #guard<T>(subject: SubjectProcess, work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SubjectFailed)) throw error;
      const { name } = subject.info;
      if (name === 'raw') throw error;
      this.#say(`${error.notRun ? 'NOT RUN' : 'FAILED'}: ${name}: ${error.message}`);
      this.notRun.push({ subject: name, reason: error.message });
      this.#subjects = this.#subjects.filter((one) => one !== subject);
      await subject.close();
      return null;
    }
  }

  async #profiled(players: readonly SubjectProcess[], work: (player: SubjectProcess) => Promise<void>) {
    const player = players.find(({ info }) => info.name === this.#options.profile);
    if (player && this.#subjects.includes(player)) await work(player);
  }

  #setup(index: number, subjects: number): Setup {
    const { engine, nodes, accounts, database } = this.#cluster;
    const { users, concurrency } = this.#options;
    const half = Math.floor(users / 2);
    const count = Math.floor((users - half) / subjects);
    return {
      engine,
      nodes,
      primary: 'db-1',
      accounts: { app: accounts.app, appReadOnly: accounts.appReadOnly, monitor: accounts.monitor },
      database,
      concurrency,
      poolSize: concurrency,
      users,
      own: { from: half + 1 + index * count, count },
    };
  }
}
