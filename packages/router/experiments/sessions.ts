import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { EngineName } from '@replication-lab/engines';
import type { Cluster } from '@replication-lab/engines/testing';
import {
  criterion,
  type Experiment,
  type ExperimentOptions,
  type ExperimentResult,
  evidence,
} from './experiment.ts';
import { holdBack, LagMeter, type LagPlan, parseLag } from './hold-back.ts';
import { allKeys, type Control, MIX } from './sessions-client.ts';
import { newTally, type Tally } from './sessions-tally.ts';
import type { FromWorker, ToWorker, WorkerPlan } from './sessions-worker.ts';
import { createKeys, openCluster, pause, REPLICAS, routerOptions, statements } from './setup.ts';
import {
  count,
  describeCounts,
  Histogram,
  milliseconds,
  percent,
  quantile,
  wordCount,
} from './statistics.ts';

const ROUTERS = 3;
const CLIENTS = 900;
const CONCURRENCY = 12;
/** With none broken in so many, the rate of broken promises is below 4 in a million (95 %). */
const ENOUGH_READS = 750_000;
const LONGEST_SECONDS = 1_800;
const HELD_BACK = 'db-3';
const LEAST_LAG_MS = 200;
const LEAST_REPLICA_SHARE = 0.9;
const PROGRESS_EVERY_MS = 10_000;
/** Without a fault nothing should fail; a run in which more does shows something else. */
const MOST_ERRORS = 0.001;
/** MariaDB counts a delay from a commit's whole second: a delay of 1 may be almost none. */
const DEFAULT_LAG = { mysql: 'delay:1', mariadb: 'delay:2', postgres: 'delay:1' } as const;

interface Totals {
  /** Of the time in which the lag of the slow replica was measured to be `LEAST_LAG_MS` or more: only that counts. */
  readonly counted: Tally;
  /** Session reads of the rest. */
  readonly notCounted: number;
  readonly latency: Record<string, Histogram>;
  readonly lagMs: Readonly<Record<string, readonly number[]>>;
  readonly seconds: number;
  /** Of the router processes together. */
  readonly cpuSeconds: number;
}

export const sessions: Experiment = {
  name: 'sessions',
  summary: 'read-your-writes and monotonic reads across three router processes, one replica held back',
  controls: ['eventual', 'lost-token'],
  async run(options) {
    const lag = parseLag(options.lag ?? DEFAULT_LAG[options.engine]);
    await using cluster = await openCluster(options);
    await createKeys(cluster, allKeys(CLIENTS));
    await using _held = await holdBack(cluster, HELD_BACK, lag);
    await using meter = await LagMeter.start(cluster, 'db-1', REPLICAS);
    await using workers = new AsyncDisposableStack();
    const children = await startWorkers(cluster, options, workers);
    const totals = await measure(children, meter, options);
    return conclude(totals, options, lag);
  },
};

class Child {
  readonly process: ChildProcess;
  readonly #messages: FromWorker[] = [];
  onMessage: (message: FromWorker) => void = (message) => this.#messages.push(message);

  constructor() {
    this.process = fork(join(import.meta.dirname, 'sessions-worker.ts'));
    this.process.on('message', (message: FromWorker) => this.onMessage(message));
  }

  tell(message: ToWorker): void {
    this.process.send(message);
  }

  /** Resolves with the first message of that kind; throws when the process ends before it. */
  async hear<K extends FromWorker['kind']>(kind: K): Promise<FromWorker & { kind: K }> {
    const { promise, resolve, reject } = Promise.withResolvers<FromWorker & { kind: K }>();
    const before = this.onMessage;
    this.onMessage = (message) => {
      before(message);
      if (message.kind === kind) resolve(message as FromWorker & { kind: K });
    };
    this.process.once('exit', (code) => reject(new Error(`a router process ended with code ${code}`)));
    return await promise;
  }

  async end(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await ended;
  }
}

async function startWorkers(
  cluster: Cluster,
  { seed, control, progress }: ExperimentOptions,
  stack: AsyncDisposableStack,
): Promise<Child[]> {
  progress(`${ROUTERS} routers, each in a process of its own; ${CLIENTS} clients, each call to any of them`);
  const sockets = Array.from({ length: ROUTERS }, (_, i) => join(cluster.stateDir, `router-${i}.sock`));
  const children = sockets.map(() => new Child());
  for (const child of children) stack.defer(() => child.end());
  await Promise.all(
    children.map(async (child, index) => {
      const plan: WorkerPlan = {
        index,
        sockets,
        router: routerOptions(cluster),
        clients: Array.from({ length: CLIENTS }, (_, id) => id).filter((id) => id % ROUTERS === index),
        concurrency: CONCURRENCY,
        seed,
        control: control as Control,
      };
      const ready = child.hear('ready');
      child.tell({ kind: 'plan', plan });
      await ready;
    }),
  );
  return children;
}

async function measure(
  children: readonly Child[],
  meter: LagMeter,
  options: ExperimentOptions,
): Promise<Totals> {
  const counted = newTally(0);
  let notCounted = 0;
  const take = (tally: Tally) => {
    // A lag measured a moment after the reads counts too: there is a sample every 40 ms, and at least one is wanted.
    const lagMs = meter.smallestMs(HELD_BACK, tally.fromMs - 50, tally.toMs);
    if (lagMs !== null && lagMs >= LEAST_LAG_MS) add(counted, tally);
    else notCounted += tally.session;
  };
  for (const child of children)
    child.onMessage = (message) => message.kind === 'tally' && take(message.tally);
  const startedMs = performance.now();
  const seconds = () => (performance.now() - startedMs) / 1_000;
  const wanted = options.reads ?? ENOUGH_READS;
  for (const child of children) child.tell({ kind: 'start' });
  let toldMs = startedMs;
  while (counted.eligible < wanted && seconds() < (options.seconds ?? LONGEST_SECONDS)) {
    await pause(250, options.signal);
    if (options.signal.aborted) break;
    if (children.some(({ process: { exitCode } }) => exitCode !== null))
      throw new Error('a router process ended');
    if (performance.now() - toldMs < PROGRESS_EVERY_MS) continue;
    toldMs = performance.now();
    options.progress(progressLine(counted, notCounted, wanted, seconds()));
  }
  const took = seconds();
  const endings = await Promise.all(
    children.map((child) => {
      const done = child.hear('done');
      child.tell({ kind: 'stop' });
      return done;
    }),
  );
  const latency: Record<string, Histogram> = {};
  let cpuSeconds = 0;
  for (const ending of endings) {
    take(ending.tally);
    cpuSeconds += ending.cpuSeconds;
    for (const [name, data] of Object.entries(ending.latency)) {
      latency[name] ??= new Histogram();
      latency[name].merge(data);
    }
  }
  const lagMs = Object.fromEntries(REPLICAS.map((node) => [node, meter.measured(node)]));
  return { counted, notCounted, latency, lagMs, seconds: took, cpuSeconds };
}

function progressLine(counted: Tally, notCounted: number, wanted: number, seconds: number): string {
  const perSecond = Math.round((counted.session + notCounted) / seconds);
  const broken = counted.ownWriteMissing + counted.wentBack;
  return `${counted.eligible} of ${wanted} eligible session reads, ${broken} broken promises, ${perSecond} session reads/s, ${percent(counted.onReplica / Math.max(1, counted.session))} on replicas`;
}

function conclude(totals: Totals, options: ExperimentOptions, lag: LagPlan): ExperimentResult {
  const { counted, notCounted, latency, lagMs, seconds, cpuSeconds } = totals;
  const wanted = options.reads ?? ENOUGH_READS;
  const share = counted.session === 0 ? 0 : counted.onReplica / counted.session;
  const operations = counted.session + counted.eventual + counted.writes;
  const errors = Object.values(counted.errors).reduce((sum, n) => sum + n, 0);
  const lagText = (node: string) =>
    [0.05, 0.5, 0.95].map((p) => milliseconds(quantile(lagMs[node] ?? [], p) ?? Number.NaN)).join(' / ');
  const criteria = [
    criterion(
      'read-your-writes broken',
      '0',
      wordCount(counted.ownWriteMissing, counted.eligibleForOwnWrites),
      counted.ownWriteMissing === 0,
    ),
    criterion(
      'monotonic reads broken',
      '0',
      wordCount(counted.wentBack, counted.eligibleForMonotonic),
      counted.wentBack === 0,
    ),
    evidence(
      'eligible session reads',
      `at least ${wanted}`,
      `${counted.eligible}`,
      counted.eligible >= wanted,
    ),
    evidence(
      'stale eventual reads beside them',
      'more than 0: the check can fail',
      wordCount(counted.eventualStale, counted.eventualEligible),
      counted.eventualStale > 0,
    ),
    evidence(
      `lag of ${HELD_BACK} while counted`,
      `at least ${LEAST_LAG_MS} ms`,
      `${lagText(HELD_BACK)} ms (p5 / p50 / p95 of all time)`,
      counted.session > 0,
    ),
    criterion(
      'session reads on replicas',
      `at least ${percent(LEAST_REPLICA_SHARE)}`,
      percent(share),
      share >= LEAST_REPLICA_SHARE,
    ),
    evidence(
      'failed operations',
      `at most ${percent(MOST_ERRORS)}`,
      `${errors} of ${operations + errors}: ${describeCounts(counted.errors)}`,
      errors <= MOST_ERRORS * operations,
    ),
    evidence('versions nobody wrote', '0', `${counted.impossible}`, counted.impossible === 0),
  ];
  const notes = [
    `${CLIENTS} clients over ${ROUTERS} router processes, ${Math.round(counted.session / seconds)} counted session reads/s; ${counted.hops} of ${operations} operations went to another router than the one before; the router processes used ${cpuSeconds.toFixed(1)} s of CPU`,
    `mix: ${mixText(options.engine)}; measured ${counted.writes} writes, ${counted.session} session reads, ${counted.eventual} eventual reads`,
    `held back by ${lag.kind === 'delay' ? `an apply delay of ${lag.seconds} s` : `pauses of ${lag.ms} ms`}; ${notCounted} session reads not counted because the lag was less; lag of db-2: ${lagText('db-2')} ms`,
    `reasons: ${describeCounts(counted.reasons)}`,
    ...Object.entries(latency)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([name, histogram]) => `time of ${name}: ${histogram.describe()}`),
    ...counted.examples.map((example) => `broken: ${example}`),
  ];
  return { criteria, notes, figures: figuresOf(totals, share) };
}

function figuresOf({ counted, notCounted, latency, lagMs, seconds }: Totals, replicaShare: number) {
  const percentiles = (histogram: Histogram) => ({
    p50: histogram.percentileMs(0.5),
    p95: histogram.percentileMs(0.95),
    p99: histogram.percentileMs(0.99),
    max: histogram.maxMs,
    count: histogram.total,
  });
  return {
    ...counted,
    notCounted,
    replicaShare,
    seconds,
    mix: MIX,
    lagMs: Object.fromEntries(
      Object.entries(lagMs).map(([node, all]) => [node, [0.05, 0.5, 0.95].map((p) => quantile(all, p))]),
    ),
    latencyMs: Object.fromEntries(
      Object.entries(latency).map(([name, histogram]) => [name, percentiles(histogram)]),
    ),
  };
}

const mixText = (engine: EngineName): string => {
  const returning =
    statements(engine).setKeyReturning === null ? '' : `, ${percent(MIX.positionUnknown)} with RETURNING`;
  const reads = 1 - MIX.write - MIX.eventualRead;
  return `1 write to ${(reads / MIX.write).toFixed(0)} session reads and ${(MIX.eventualRead / MIX.write).toFixed(0)} eventual reads; of the writes ${percent(MIX.ownWrite)} to own keys (${percent(MIX.inTransaction)} of them in transactions${returning}), the rest bump shared keys; ${percent(MIX.ownRead)} of the reads to own keys; the next call follows at once after ${percent(MIX.atOnceAfterWrite)} of the writes`;
};

function add(total: Tally, part: Tally): void {
  for (const [name, value] of Object.entries(part)) {
    if (typeof value === 'number' && name !== 'fromMs' && name !== 'toMs') {
      (total as unknown as Record<string, number>)[name]! += value;
    }
  }
  for (const group of ['reasons', 'errors'] as const) {
    for (const [name, n] of Object.entries(part[group])) count(total[group], name, n);
  }
  total.examples.push(...part.examples.slice(0, 10 - total.examples.length));
}
