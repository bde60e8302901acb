import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { type Random, randomOf, wholeBetween } from '../../../../load-tests/scenarios/lib/random.ts';
import { judgeSession } from '../../../../load-tests/scenarios/lib/sessions.ts';
import type { Latency, Setup, Slice, Workload } from './protocol.ts';
import { nodeValue, type UserRow } from './statements.ts';
import type { Session, Subject } from './subjects/types.ts';

/** So many clients take turns: what a router may remember of one of them is not hot for the next. */
const SESSIONS = 1_000;
/** One write, then so many reads of the row: 90 % reads. */
const READS_PER_SESSION = 9;
const HIGHEST_US = 60_000_000;
const CATCH_UP_MS = 15_000;

/** Closed-loop load on one subject, and what comes of it. */
export class Load {
  readonly #subject: Subject;
  readonly #setup: Setup;
  readonly #primaryNode: string;
  readonly #sessions: readonly Session[];
  readonly #latency = new Map<Workload, RecordableHistogram>();
  #turn = 0;
  /** Grows with every write, so that no write leaves a row as it was. */
  #version = 1;

  constructor(subject: Subject, setup: Setup) {
    this.#subject = subject;
    this.#setup = setup;
    const primary = setup.nodes.find(({ name }) => name === setup.primary);
    this.#primaryNode = nodeValue(setup.engine, primary?.host ?? '');
    this.#sessions = Array.from({ length: subject.newSession ? SESSIONS : 1 }, () => this.#newSession());
  }

  /** `ms` of load that does not count; before reads, sessions that have written what the replicas have by now. */
  async prepare(workload: Workload, ms: number): Promise<void> {
    if (workload === 'reads' && this.#subject.newSession) await this.#prepareSessions();
    await this.#work(workload, ms, randomOf(0, 0), new Tally(), createHistogram());
  }

  async #prepareSessions(): Promise<void> {
    const { from } = this.#setup.own;
    await this.#eachSession((session) => this.#subject.write(++this.#version, from, session));
    const giveUpAt = performance.now() + CATCH_UP_MS;
    await this.#eachSession(async (session) => {
      while (this.#isPrimary(await this.#subject.read(from, session))) {
        if (performance.now() > giveUpAt) throw new Error('its sessions read the primary only');
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    });
  }

  /** As many at once as in the measurement. */
  async #eachSession(work: (session: Session) => Promise<unknown>): Promise<void> {
    const rest = this.#sessions.values();
    const worker = async () => {
      for (const session of rest) await work(session);
    };
    await Promise.all(Array.from({ length: this.#setup.concurrency }, worker));
  }

  async run(workload: Workload, warmUpMs: number, measureMs: number, seed: number): Promise<Slice> {
    const warmUp = new Tally();
    await this.#work(workload, warmUpMs, randomOf(seed, 0), warmUp, createHistogram());
    const tally = new Tally();
    const histogram = this.#histogram(workload);
    const cpuBefore = process.cpuUsage();
    const startedMs = performance.now();
    await this.#work(workload, measureMs, randomOf(seed, 1), tally, histogram);
    const wallMs = performance.now() - startedMs;
    const { user, system } = process.cpuUsage(cpuBefore);
    return { ...tally.slice(), wallMs, cpuMs: (user + system) / 1000 };
  }

  latency(workload: Workload): Latency {
    const histogram = this.#histogram(workload);
    return {
      p50Ms: histogram.percentile(50) / 1000,
      p99Ms: histogram.percentile(99) / 1000,
      samples: Number(histogram.count),
    };
  }

  #histogram(workload: Workload): RecordableHistogram {
    const known = this.#latency.get(workload);
    if (known) return known;
    const made = createHistogram({ lowest: 1, highest: HIGHEST_US, figures: 3 });
    this.#latency.set(workload, made);
    return made;
  }

  async #work(
    workload: Workload,
    ms: number,
    random: Random,
    tally: Tally,
    histogram: RecordableHistogram,
  ): Promise<void> {
    const round: Round = { endsAtMs: performance.now() + ms, random, tally, histogram };
    const worker = { reads: this.#readMany, writes: this.#writeMany, mixed: this.#liveSessions }[workload];
    const workers = Array.from({ length: this.#setup.concurrency }, (_, i) => worker.call(this, round, i));
    await Promise.all(workers);
  }

  async #readMany(round: Round): Promise<void> {
    const { users } = this.#setup;
    while (performance.now() < round.endsAtMs) {
      const id = wholeBetween(round.random, 1, users);
      await this.#read(round, id, this.#nextSession());
    }
  }

  async #writeMany(round: Round): Promise<void> {
    const half = Math.floor(this.#setup.users / 2);
    while (performance.now() < round.endsAtMs) {
      const id = wholeBetween(round.random, 1, half);
      await this.#write(round, ++this.#version, id, this.#nextSession());
    }
  }

  /** Sessions of one write and nine reads of the same row, each worker on rows of its own. */
  async #liveSessions(round: Round, worker: number): Promise<void> {
    const { own, concurrency } = this.#setup;
    const rows = Math.floor(own.count / concurrency);
    while (performance.now() < round.endsAtMs) {
      const session = this.#newSession();
      const version = ++this.#version;
      const id = own.from + worker * rows + (version % rows);
      const written = (await this.#write(round, version, id, session)) ? version : null;
      const reads: (number | null)[] = [];
      for (let i = 0; i < READS_PER_SESSION; i++) {
        reads.push((await this.#read(round, id, session))?.version ?? null);
      }
      round.tally.judge(written, reads);
    }
  }

  async #read(round: Round, id: number, session: Session): Promise<UserRow | undefined> {
    const { tally, histogram } = round;
    const startedMs = performance.now();
    try {
      const row = await this.#subject.read(id, session);
      record(histogram, startedMs);
      if (!row) throw new Error(`there is no user ${id}`);
      tally.operations++;
      tally.reads++;
      if (this.#isPrimary(row)) tally.readsOnPrimary++;
      return row;
    } catch (error) {
      await tally.failed(error);
      return undefined;
    }
  }

  async #write(round: Round, version: number, id: number, session: Session): Promise<boolean> {
    const { tally, histogram } = round;
    const startedMs = performance.now();
    try {
      await this.#subject.write(version, id, session);
      record(histogram, startedMs);
      tally.operations++;
      return true;
    } catch (error) {
      await tally.failed(error);
      return false;
    }
  }

  #isPrimary(row: UserRow | undefined): boolean {
    return String(row?.node) === this.#primaryNode;
  }

  #newSession(): Session {
    return this.#subject.newSession?.() ?? { token: undefined };
  }

  #nextSession(): Session {
    this.#turn = (this.#turn + 1) % this.#sessions.length;
    return this.#sessions[this.#turn]!;
  }
}

interface Round {
  readonly endsAtMs: number;
  readonly random: Random;
  readonly tally: Tally;
  readonly histogram: RecordableHistogram;
}

class Tally {
  operations = 0;
  reads = 0;
  readsOnPrimary = 0;
  errors = 0;
  #firstError: string | null = null;
  readonly #readYourWrites = { violations: 0, eligible: 0 };
  readonly #monotonicReads = { violations: 0, eligible: 0 };

  judge(written: number | null, reads: readonly (number | null)[]): void {
    const verdict = judgeSession({ written, reads });
    this.#readYourWrites.violations += verdict.readYourWrites.violations;
    this.#readYourWrites.eligible += verdict.readYourWrites.eligible;
    this.#monotonicReads.violations += verdict.monotonicReads.violations;
    this.#monotonicReads.eligible += verdict.monotonicReads.eligible;
  }

  /** A subject that fails at once must not spin so fast that nothing else gets the processor. */
  async failed(error: unknown): Promise<void> {
    this.errors++;
    this.#firstError ??= error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }

  slice(): Omit<Slice, 'wallMs' | 'cpuMs'> {
    const { operations, reads, readsOnPrimary, errors } = this;
    return {
      operations,
      reads,
      readsOnPrimary,
      readYourWrites: this.#readYourWrites,
      monotonicReads: this.#monotonicReads,
      errors,
      firstError: this.#firstError,
    };
  }
}

const record = (histogram: RecordableHistogram, startedMs: number): void =>
  histogram.record(Math.min(HIGHEST_US, Math.max(1, Math.round((performance.now() - startedMs) * 1000))));
