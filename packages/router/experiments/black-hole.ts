import { createRouter, type Outcome, type Router } from '../src/index.ts';
import {
  criterion,
  type Experiment,
  type ExperimentOptions,
  type ExperimentResult,
  evidence,
} from './experiment.ts';
import { blackHole, whyNoPacketFilter } from './faults.ts';
import { openLoop } from './open-loop.ts';
import { Random } from './random.ts';
import { createKeys, openCluster, pause, routerOptions, statements } from './setup.ts';
import { count, describeCounts, Histogram, milliseconds, quantile } from './statistics.ts';

const GONE = 'db-3';
const PER_SECOND = 300;
const CALM_MS = 3_000;
const HOLE_MS = 8_000;
const RETURN_MS = 6_000;
const DEFAULT_SECONDS = 90;
const SESSIONS = 200;
const KEYS = 100;
const POOL_SIZE = 10;
/** The router's default deadline of a read. */
const DEADLINE_MS = 5_000;
/** A read that took longer has waited for a node that was not there; all others take a few ms. */
const PAID_MS = 250;
const WRITES_PER_SECOND = 20;

const LEVELS = ['eventual', 'session'] as const;
type Level = (typeof LEVELS)[number];

interface Hole {
  readonly sent: number;
  /** Reads that waited for the missing node. */
  readonly paid: Readonly<Record<Level, number>>;
  readonly errors: Readonly<Record<string, number>>;
  readonly slowestMs: number;
  /** From the end of the hole to the first read that the node served; null: not within `RETURN_MS`. */
  readonly returnMs: number | null;
}

interface Answer {
  readonly level: Level;
  readonly node: string;
}

export const blackHoleExperiment: Experiment = {
  name: 'black-hole',
  summary: 'reads while every packet of one replica is dropped without a word',
  controls: ['no-silence'],
  async run(options) {
    const why = whyNoPacketFilter();
    if (why !== null)
      return { criteria: [evidence('packets can be dropped', 'yes', why, false)], notes: [], figures: {} };
    await using cluster = await openCluster(options);
    await createKeys(
      cluster,
      Array.from({ length: KEYS }, (_, key) => key),
    );
    await using router = createRouter(routerOptions(cluster, { pool: { read: POOL_SIZE } }));
    await router.ready();
    const readers = new Readers(router, statements(options.engine).readKey, Random.of(options.seed, 1));
    await using _writes = writeSteadily(router, statements(options.engine).bumpKey, options.signal);
    const latency: Record<Level, Histogram> = { eventual: new Histogram(), session: new Histogram() };
    const holes: Hole[] = [];
    const calm: Record<string, number> = {};
    const endMs = performance.now() + (options.seconds ?? DEFAULT_SECONDS) * 1_000;
    while (performance.now() < endMs && !options.signal.aborted) {
      readers.startSessionsAnew();
      const before = await readers.run(CALM_MS, options.signal, () => {});
      for (const [code, n] of Object.entries(before.errors)) count(calm, code, n);
      holes.push(await oneHole(cluster.endpoint(GONE).host, readers, options, latency));
      const { paid, errors, slowestMs, returnMs } = holes.at(-1)!;
      options.progress(
        `hole ${holes.length}: ${paid.eventual} eventual and ${paid.session} session reads waited, errors: ${describeCounts(errors)}, slowest ${milliseconds(slowestMs)} ms, back after ${returnMs === null ? 'never' : `${milliseconds(returnMs)} ms`}`,
      );
    }
    return conclude(holes, latency, calm);
  },
};

/** Sessions and reads without one, half each, at a steady rate. */
class Readers {
  readonly #router: Router;
  readonly #sql: string;
  readonly #random: Random;
  readonly #tokens: (string | undefined)[] = Array<string | undefined>(SESSIONS).fill(undefined);

  constructor(router: Router, sql: string, random: Random) {
    this.#router = router;
    this.#sql = sql;
    this.#random = random;
  }

  /** Sessions that had to leave a node do not go back to it by themselves, and would not meet the next hole. */
  startSessionsAnew(): void {
    this.#tokens.fill(undefined);
  }

  run(durationMs: number, signal: AbortSignal, onAnswer: (ms: number, answer: Answer) => void) {
    return openLoop({
      perSecond: PER_SECOND,
      durationMs,
      random: this.#random,
      signal,
      send: (index) => this.#read(LEVELS[index % LEVELS.length]!),
      onAnswer: (ms, answer) => onAnswer(ms, answer as Answer),
    });
  }

  async #read(level: Level): Promise<Answer> {
    const session = this.#random.below(SESSIONS);
    const token = level === 'session' ? this.#tokens[session] : undefined;
    const outcome: Outcome = await this.#router.read(this.#sql, [this.#random.below(KEYS)], { level, token });
    if (level === 'session') this.#tokens[session] = outcome.token;
    return { level, node: outcome.decision.node };
  }
}

/** Keeps positions moving, so that sessions have something to wait for. */
function writeSteadily(router: Router, sql: string, signal: AbortSignal): AsyncDisposable {
  const stop = new AbortController();
  const either = AbortSignal.any([stop.signal, signal]);
  const finished = (async () => {
    for (let n = 0; !either.aborted; n++) {
      await router.write(sql, [n % KEYS]).catch(() => {}); // the primary is not what is tested here
      await pause(1_000 / WRITES_PER_SECOND, either);
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await finished;
    },
  };
}

async function oneHole(
  host: string,
  readers: Readers,
  { signal, control }: ExperimentOptions,
  latency: Record<Level, Histogram>,
): Promise<Hole> {
  const paid: Record<Level, number> = { eventual: 0, session: 0 };
  const onAnswer = (ms: number, { level }: Answer) => {
    latency[level].add(ms);
    if (ms > PAID_MS) paid[level] += 1;
  };
  const hole = control === 'no-silence' ? null : blackHole(host);
  let during: Awaited<ReturnType<Readers['run']>>;
  try {
    during = await readers.run(HOLE_MS, signal, onAnswer);
  } finally {
    hole?.[Symbol.dispose]();
  }
  const endedMs = performance.now();
  let returnMs: number | null = null;
  const after = await readers.run(RETURN_MS, signal, (ms, answer) => {
    onAnswer(ms, answer);
    if (answer.node === GONE) returnMs ??= performance.now() - endedMs;
  });
  const errors: Record<string, number> = { ...during.errors };
  for (const [code, n] of Object.entries(after.errors)) count(errors, code, n);
  const slowestMs = Math.max(during.latency.maxMs, after.latency.maxMs);
  return { sent: during.sent + after.sent, paid, errors, slowestMs, returnMs };
}

function conclude(
  holes: readonly Hole[],
  latency: Readonly<Record<Level, Histogram>>,
  calm: Readonly<Record<string, number>>,
): ExperimentResult {
  const sum = (of: (hole: Hole) => number) => holes.reduce((total, hole) => total + of(hole), 0);
  const errors = sum((hole) => Object.values(hole.errors).reduce((total, n) => total + n, 0));
  const slowestMs = Math.max(0, ...holes.map((hole) => hole.slowestMs));
  const paid = sum((hole) => hole.paid.eventual + hole.paid.session);
  const returned = holes.map(({ returnMs }) => returnMs);
  const criteria = [
    criterion('failed reads', '0', `${errors} of ${sum(({ sent }) => sent)}`, errors === 0),
    criterion(
      'slowest read',
      `below its deadline of ${DEADLINE_MS} ms`,
      `${milliseconds(slowestMs)} ms`,
      slowestMs < DEADLINE_MS,
    ),
    ...LEVELS.map((level) => {
      const worst = Math.max(0, ...holes.map((hole) => hole.paid[level]));
      return criterion(
        `${level} reads that waited more than ${PAID_MS} ms, worst hole`,
        `at most ${POOL_SIZE}: one per connection`,
        `${worst} of about ${Math.round((PER_SECOND * HOLE_MS) / 1_000 / LEVELS.length)}`,
        worst <= POOL_SIZE,
      );
    }),
    criterion(
      'the node serves again after the hole',
      `within ${RETURN_MS} ms`,
      returned
        .map((ms) => (ms === null ? 'not' : milliseconds(ms)))
        .join(', ')
        .concat(' ms'),
      returned.every((ms) => ms !== null),
    ),
    evidence('holes', 'at least 1', `${holes.length}`, holes.length > 0),
    evidence('the holes were felt', 'a read waited in at least one', `${paid} reads`, paid > 0),
    evidence('failed reads without a hole', '0', describeCounts(calm), Object.keys(calm).length === 0),
  ];
  const notes = [
    `${PER_SECOND} reads/s by Poisson arrivals, half eventual, half of ${SESSIONS} sessions, ${WRITES_PER_SECOND} writes/s beside them; ${GONE} gone for ${HOLE_MS} ms, ${holes.length} times`,
    ...LEVELS.map((level) => `${level} reads, holes and returns: ${latency[level].describe()}`),
    ...LEVELS.map(
      (level) => `${level} reads that waited, per hole: ${holes.map((hole) => hole.paid[level]).join(', ')}`,
    ),
    `back after (median): ${milliseconds(
      quantile(
        returned.filter((ms) => ms !== null),
        0.5,
      ) ?? Number.NaN,
    )} ms`,
  ];
  return { criteria, notes, figures: { holes } };
}
