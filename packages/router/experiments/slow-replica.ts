import type { EngineName } from '@replication-lab/engines';
import type { Cluster } from '@replication-lab/engines/testing';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { createRouter } from '../src/index.ts';
import {
  criterion,
  type Experiment,
  type ExperimentOptions,
  type ExperimentResult,
  evidence,
} from './experiment.ts';
import { freezeNowAndThen } from './faults.ts';
import { openLoop } from './open-loop.ts';
import { Random } from './random.ts';
import { createKeys, openCluster, REPLICAS, routerOptions, statements } from './setup.ts';
import { count, describeCounts, Histogram, intervalOfMedian, median, milliseconds } from './statistics.ts';

const SLOW = 'db-3';
const FREEZE = { frozenMs: 200, periodMs: 1_000 } as const;
const PER_SECOND = 400;
const POOL_SIZE = 10;
const BLOCK_MS = 6_000;
const DEFAULT_SECONDS = 120;
const KEYS = 100;
/** Ours against theirs. */
const MOST_RATIO = 0.5;
const LEAST_SAMPLES = 5_000;

const ARMS = ['router', 'round-robin'] as const;
type Arm = (typeof ARMS)[number];

/** A way to read, with its end. */
interface Reader extends AsyncDisposable {
  read(key: number): Promise<unknown>;
}

interface ArmTotals {
  readonly latency: Histogram;
  readonly errors: Record<string, number>;
  readonly p99PerBlockMs: number[];
  dropped: number;
}

export const slowReplica: Experiment = {
  name: 'slow-replica',
  summary:
    'p99 of eventual reads while one replica stands still for 200 ms of every second, against round robin',
  controls: ['round-robin-twice'],
  async run(options) {
    const { engine, seed, control, progress, signal } = options;
    await using cluster = await openCluster(options);
    await createKeys(
      cluster,
      Array.from({ length: KEYS }, (_, key) => key),
    );
    await using readers = new AsyncDisposableStack();
    const ours = control === 'round-robin-twice' ? roundRobin(cluster) : await throughRouter(cluster);
    const arms: Readonly<Record<Arm, Reader>> = {
      router: readers.use(ours),
      'round-robin': readers.use(roundRobin(cluster)),
    };
    const totals = { router: newTotals(), 'round-robin': newTotals() };
    for (const arm of ARMS) await block(arms[arm], newTotals(), Random.of(seed, 1), signal, 1_000);
    await using freezing = freezeNowAndThen(cluster, SLOW, FREEZE);
    const random = Random.of(seed, 0);
    const endMs = performance.now() + (options.seconds ?? DEFAULT_SECONDS) * 1_000;
    for (let pair = 1; performance.now() < endMs && !signal.aborted; pair++) {
      for (const arm of random.shuffled(ARMS)) await block(arms[arm], totals[arm], random, signal, BLOCK_MS);
      const at = (arm: Arm) => milliseconds(totals[arm].p99PerBlockMs.at(-1) ?? 0);
      progress(`pair ${pair}: p99 router ${at('router')} ms, round robin ${at('round-robin')} ms`);
    }
    return conclude(totals, freezing.frozenForMs, engine, options);
  },
};

const newTotals = (): ArmTotals => ({ latency: new Histogram(), errors: {}, p99PerBlockMs: [], dropped: 0 });

async function throughRouter(cluster: Cluster): Promise<Reader> {
  const router = createRouter(routerOptions(cluster, { pool: { read: POOL_SIZE } }));
  await router.ready();
  const sql = statements(cluster.engine).readKey;
  return {
    read: (key) => router.read(sql, [key], { level: 'eventual' }),
    [Symbol.asyncDispose]: () => router.close(),
  };
}

/** What most services do: a pool of the driver's own per replica, and each read to the next one in turn. */
function roundRobin(cluster: Cluster): Reader {
  const { engine, accounts, database } = cluster;
  const sql = statements(engine).readKey;
  const pools = REPLICAS.map((node) =>
    driverPool(engine, cluster.endpoint(node), accounts.appReadOnly, database),
  );
  let turn = 0;
  return {
    read: (key) => pools[turn++ % pools.length]!.read(sql, key),
    async [Symbol.asyncDispose]() {
      await Promise.all(pools.map((pool) => pool.end()));
    },
  };
}

function driverPool(
  engine: EngineName,
  { host, port }: { readonly host: string; readonly port: number },
  { user, password }: { readonly user: string; readonly password: string },
  database: string,
) {
  if (engine === 'postgres') {
    const pool = new pg.Pool({ host, port, user, password, database, max: POOL_SIZE });
    pool.on('error', () => {}); // an idle connection that breaks; reads tell their own
    return {
      read: (sql: string, key: number): Promise<unknown> => pool.query(sql, [key]),
      end: () => pool.end(),
    };
  }
  const pool = mysql.createPool({ host, port, user, password, database, connectionLimit: POOL_SIZE });
  return {
    read: (sql: string, key: number): Promise<unknown> => pool.execute(sql, [key]),
    end: () => pool.end(),
  };
}

async function block(
  reader: Reader,
  totals: ArmTotals,
  random: Random,
  signal: AbortSignal,
  durationMs: number,
): Promise<void> {
  const send = () => reader.read(random.below(KEYS));
  const result = await openLoop({ perSecond: PER_SECOND, durationMs, random, signal, send });
  totals.latency.merge(result.latency.data());
  totals.p99PerBlockMs.push(result.latency.percentileMs(0.99) ?? 0);
  totals.dropped += result.dropped;
  for (const [code, n] of Object.entries(result.errors)) count(totals.errors, code, n);
}

function conclude(
  totals: Readonly<Record<Arm, ArmTotals>>,
  frozenForMs: readonly number[],
  engine: EngineName,
  { seed }: ExperimentOptions,
): ExperimentResult {
  const { router, 'round-robin': other } = totals;
  const p99 = ({ latency }: ArmTotals) => latency.percentileMs(0.99) ?? Number.NaN;
  const ratio = p99(router) / p99(other);
  const perPair = router.p99PerBlockMs.map((ms, i) => ms / (other.p99PerBlockMs[i] ?? Number.NaN));
  const interval = intervalOfMedian(perPair, Random.of(seed, 2));
  const errors = Object.values(router.errors).reduce((sum, n) => sum + n, 0);
  const samples = Math.min(router.latency.total, other.latency.total);
  const dropped = router.dropped + other.dropped;
  const criteria = [
    criterion(
      'p99 of the router over p99 of round robin',
      `at most ${MOST_RATIO}`,
      `${ratio.toFixed(3)} (${milliseconds(p99(router))} over ${milliseconds(p99(other))} ms)`,
      ratio <= MOST_RATIO,
    ),
    criterion('failed reads of the router', '0', `${errors} of ${router.latency.total}`, errors === 0),
    evidence('reads in each arm', `at least ${LEAST_SAMPLES}`, `${samples}`, samples >= LEAST_SAMPLES),
    evidence('reads that could not be sent', '0', `${dropped}`, dropped === 0),
    evidence(
      'p99 of round robin',
      'above 50 ms: the fault is felt',
      `${milliseconds(p99(other))} ms`,
      p99(other) > 50,
    ),
  ];
  const words = interval
    ? `${interval.low.toFixed(3)} to ${interval.high.toFixed(3)}`
    : 'too few pairs for an interval';
  const notes = [
    `router:      ${router.latency.describe()}; errors: ${describeCounts(router.errors)}`,
    `round robin: ${other.latency.describe()}; errors: ${describeCounts(other.errors)}`,
    `ratio of p99, median of ${perPair.length} pairs of blocks: ${(median(perPair) ?? Number.NaN).toFixed(3)} (95 %: ${words})`,
    `${engine}, ${PER_SECOND} reads/s by Poisson arrivals, time from the intended start, ${POOL_SIZE} connections per replica; ${SLOW} stood still ${frozenForMs.length} times for ${milliseconds(median(frozenForMs) ?? 0)} ms (median) of every ${FREEZE.periodMs} ms`,
  ];
  const armFigures = ({ latency, errors: codes, p99PerBlockMs }: ArmTotals) => ({
    p50: latency.percentileMs(0.5),
    p99: latency.percentileMs(0.99),
    max: latency.maxMs,
    reads: latency.total,
    errors: codes,
    p99PerBlockMs,
  });
  return {
    criteria,
    notes,
    figures: { ratio, perPair, interval, router: armFigures(router), roundRobin: armFigures(other) },
  };
}
