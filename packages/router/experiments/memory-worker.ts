import type { EngineName } from '@replication-lab/engines';
import { createRouter, type Router, type RouterOptions } from '../src/index.ts';
import { Random } from './random.ts';
import { statements } from './setup.ts';
import { count } from './statistics.ts';

export interface MemoryPlan {
  readonly router: RouterOptions;
  readonly keys: number;
  readonly clients: number;
  readonly everyMs: number;
  readonly seed: number;
  /** Keeps every answer, so that the check can be seen to fail. */
  readonly leak: boolean;
}

export interface MemorySample {
  readonly atMs: number;
  /** After a full collection. */
  readonly heapBytes: number;
  /** Buffers outside the heap. */
  readonly externalBytes: number;
  readonly rssBytes: number;
  readonly done: Readonly<Record<string, number>>;
  /** Calls that failed as they were meant to. */
  readonly refused: Readonly<Record<string, number>>;
  /** Calls that failed and should not have. */
  readonly failed: Readonly<Record<string, number>>;
  /** The longest time in which this process did nothing else, the collections left out. */
  readonly longestStallMs: number;
}

/** After so many calls a client leaves, and another comes with a session of its own. */
const CALLS_PER_SESSION = 50;

const done: Record<string, number> = {};
const refused: Record<string, number> = {};
const failed: Record<string, number> = {};
const kept: unknown[] = [];

/** Calls that are made to fail, and how they should. */
const MEANT: Readonly<Record<string, string>> = {
  'failing statement': 'bad-statement',
  'token refused': 'invalid-token',
  'aborted read': 'aborted',
  'rolled back': 'changed-my-mind',
};

const TICK_MS = 50;
let longestStallMs = 0;
let tickedMs = 0;

function tick(): void {
  const nowMs = performance.now();
  if (tickedMs > 0) longestStallMs = Math.max(longestStallMs, nowMs - tickedMs - TICK_MS);
  tickedMs = nowMs;
}

/** One call of the mix. Answers the newest token, undefined when the call told none. */
type Call = (router: Router, token: string | undefined, random: Random) => Promise<string | undefined>;

/** The whole interface, the calls that fail too: what only a failure leaves behind is a leak as well. */
function callsFor(
  engine: EngineName,
  keys: number,
): readonly (readonly [share: number, name: string, call: Call])[] {
  const sql = statements(engine);
  const key = (random: Random) => random.below(keys);
  let texts = 0;
  return [
    [
      40,
      'session read',
      async (router, token, random) => (await router.read(sql.readKey, [key(random)], { token })).token,
    ],
    [
      10,
      'eventual read',
      async (router, token, random) =>
        (await router.read(sql.readKey, [key(random)], { token, level: 'eventual' })).token,
    ],
    [
      5,
      'bounded read',
      async (router, token, random) =>
        (await router.read(sql.readKey, [key(random)], { token, level: 'bounded', maxStalenessMs: 1_000 }))
          .token,
    ],
    [
      10,
      'query that reads',
      async (router, token, random) => (await router.query(sql.readKey, [key(random)], { token })).token,
    ],
    // No two alike: whatever remembers statements has to forget some.
    [
      5,
      'query never seen before',
      async (router, token, random) =>
        (
          await router.query(`SELECT v, ${++texts} AS turn FROM exp_keys WHERE k = ${key(random)}`, [], {
            token,
          })
        ).token,
    ],
    [
      4,
      'query that writes',
      async (router, token, random) => (await router.query(sql.bumpKey, [key(random)], { token })).token,
    ],
    [
      4,
      'write',
      async (router, token, random) => (await router.write(sql.bumpKey, [key(random)], { token })).token,
    ],
    [3, 'transaction', async (router, token, random) => transaction(router, token, random, false)],
    [3, 'read-only transaction', async (router, token, random) => transaction(router, token, random, true)],
    [5, 'session object', async (router, token, random) => inSession(router, token, random)],
    [4, 'explain', async (router, token) => void router.explain(sql.readKey, { token })],
    [
      2,
      'failing statement',
      async (router, token) => (await router.read('SELECT nothing FROM exp_keys', [], { token })).token,
    ],
    [
      2,
      'token refused',
      async (router, token, random) =>
        (await router.read(sql.readKey, [1], { token: `${token ?? ''}${random.below(10)}` })).token,
    ],
    [
      2,
      'aborted read',
      async (router, token, random) =>
        (await router.read(sql.readKey, [key(random)], { token, signal: AbortSignal.timeout(1) })).token,
    ],
    [1, 'rolled back', async (router, token) => rolledBack(router, token)],
  ];

  async function transaction(router: Router, token: string | undefined, random: Random, readOnly: boolean) {
    const work = async (tx: { query(text: string, params: readonly number[]): Promise<unknown> }) => {
      await tx.query(sql.readKey, [key(random)]);
      if (!readOnly) await tx.query(sql.bumpKey, [key(random)]);
    };
    return (await router.transaction(work, { token, readOnly })).token;
  }

  async function inSession(router: Router, token: string | undefined, random: Random) {
    const session = router.session(token);
    await session.run(async () => {
      await router.read(sql.readKey, [key(random)]);
      await Promise.all([router.query(sql.readKey, [key(random)]), router.query(sql.readKey, [key(random)])]);
    });
    return session.token;
  }

  async function rolledBack(router: Router, token: string | undefined): Promise<undefined> {
    await router.transaction(
      async (tx) => {
        await tx.query(sql.bumpKey, [1]);
        throw Object.assign(new Error('changed my mind'), { code: 'changed-my-mind' });
      },
      { token },
    );
  }
}

async function client(router: Router, plan: MemoryPlan, random: Random): Promise<never> {
  const calls = callsFor(plan.router.engine, plan.keys);
  const total = calls.reduce((sum, [share]) => sum + share, 0);
  let token: string | undefined;
  for (let turn = 0; ; turn++) {
    if (turn % CALLS_PER_SESSION === 0) token = undefined;
    let dice = random.below(total);
    const [, name, call] = calls.find(([share]) => {
      dice -= share;
      return dice < 0;
    })!;
    try {
      token = (await call(router, token, random)) ?? token;
      count(done, name);
      if (plan.leak) kept.push({ name, token });
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (typeof code !== 'string') throw error; // a mistake in the experiment
      count(MEANT[name] === code ? refused : failed, `${name}: ${code}`);
    }
    await new Promise(setImmediate); // calls that fail at once must leave room for the router's own news
  }
}

async function run(plan: MemoryPlan): Promise<void> {
  const collect = globalThis.gc;
  if (!collect) throw new Error('start with --expose-gc');
  const router = createRouter(plan.router);
  await router.ready();
  for (let i = 0; i < plan.clients; i++) client(router, plan, Random.of(plan.seed, i)).catch(fail);
  const startedMs = performance.now();
  setInterval(tick, TICK_MS);
  setInterval(() => {
    tick();
    collect();
    tickedMs = performance.now();
    const { heapUsed, external, rss } = process.memoryUsage();
    const sample: MemorySample = {
      atMs: performance.now() - startedMs,
      heapBytes: heapUsed,
      externalBytes: external,
      rssBytes: rss,
      done,
      refused,
      failed,
      longestStallMs,
    };
    process.send?.(sample);
  }, plan.everyMs);
}

function fail(error: unknown): never {
  console.error(error);
  process.exit(1);
}

process.on('message', (plan: MemoryPlan) => void run(plan).catch(fail));
process.on('disconnect', () => process.exit(1));
process.on('SIGINT', () => {}); // the parent decides
