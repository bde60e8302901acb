import type { EngineName } from '@replication-lab/engines';
import { createRouter, type Router, RouterError } from '../src/index.ts';
import {
  criterion,
  type Experiment,
  type ExperimentOptions,
  type ExperimentResult,
  evidence,
} from './experiment.ts';
import { KINDS, type Material, mutate } from './mutations.ts';
import { Random } from './random.ts';
import { createKeys, openCluster, pause, routerOptions, statements, TOKEN_KEYS } from './setup.ts';
import { count, describeCounts, milliseconds } from './statistics.ts';

const MUTATIONS = 100_000;
const CALLS = 4_000;
const CHECKS_AT_ONCE = 200;
const GOOD_TOKENS = 60;
const FOREIGN_TOKENS = 20;
/** A call that takes longer hangs: a refusal costs no I/O, and a good token one read. */
const HANG_MS = 10_000;
/** Bumped by calls with tokens; nobody else touches it. */
const WRITTEN_KEY = 0;

/** What became of one mutation. */
type Answer = 'accepted' | 'refused' | 'other error' | 'hung';

interface Totals {
  readonly answers: Record<string, number>;
  /** Answers that were neither a typed refusal of a changed token nor the acceptance of a good one. */
  readonly wrong: string[];
  slowestMs: number;
}

export const tokens: Experiment = {
  name: 'tokens',
  summary: 'forged, garbled and foreign tokens: a typed refusal or nothing',
  controls: ['own-key'],
  async run(options) {
    const { engine, seed, control, progress, signal } = options;
    await using cluster = await openCluster(options);
    await createKeys(cluster, [WRITTEN_KEY, 1, 2, 3]);
    await using router = createRouter(routerOptions(cluster));
    await router.ready();
    await using other = createRouter(
      routerOptions(cluster, {
        tokenKeys: control === 'own-key' ? TOKEN_KEYS : [`${TOKEN_KEYS[0]}-another`],
      }),
    );
    await other.ready();
    const material: Material = {
      good: await goodTokens(router, engine, GOOD_TOKENS),
      otherKey: await goodTokens(other, engine, FOREIGN_TOKENS),
      otherEngine: await foreignTokens(engine),
    };
    const wanted = options.reads ?? MUTATIONS;
    progress(`${wanted} mutations of ${material.good.length} tokens`);
    const checked = await checkAll(router, material, wanted, Random.of(seed, 0));
    progress(`${CALLS} calls with mutated tokens`);
    const before = await versionOf(router, engine);
    const called = await callAll(router, engine, material, Random.of(seed, 1), signal);
    const written = (await versionOf(router, engine)) - before;
    return conclude(checked, called, written, wanted, options);
  },
};

/** What clients of a working service hold: after reads, writes and transactions, of short and long sessions. */
async function goodTokens(router: Router, engine: EngineName, many: number): Promise<string[]> {
  const sql = statements(engine);
  const found = new Set<string>();
  while (found.size < many) {
    let { token } = await router.read(sql.readKey, [1]);
    found.add(token);
    ({ token } = await router.write(sql.bumpKey, [2], { token }));
    found.add(token);
    ({ token } = await router.read(sql.readKey, [1], { token, level: 'primary' }));
    found.add(token);
    found.add(router.session().token);
  }
  return [...found];
}

/** With the same key: a service that has moved to another engine, and clients that have not heard of it. */
async function foreignTokens(engine: EngineName): Promise<string[]> {
  const foreign = engine === 'postgres' ? 'mariadb' : 'postgres';
  const account = { user: 'nobody', password: 'none' };
  await using router = createRouter({
    engine: foreign,
    nodes: [{ name: 'db-1', host: '127.0.0.1', port: 1 }], // nobody listens there
    accounts: { app: account, appReadOnly: account, monitor: account },
    database: 'none',
    tokenKeys: TOKEN_KEYS,
  });
  return Array.from({ length: FOREIGN_TOKENS }, () => router.session().token);
}

async function versionOf(router: Router, engine: EngineName): Promise<number> {
  const { rows } = await router.read(statements(engine).readKey, [WRITTEN_KEY], { level: 'primary' });
  return Number(rows[0]?.v);
}

const newTotals = (): Totals => ({ answers: {}, wrong: [], slowestMs: 0 });

/** No token at all, which is what an empty one means, is nothing to refuse. */
const isGood = (good: ReadonlySet<string>, text: string): boolean => text === '' || good.has(text);

function note(
  totals: Totals,
  kind: string,
  text: string,
  good: boolean,
  answer: Answer,
  detail: unknown,
): void {
  count(totals.answers, answer);
  if (answer === (good ? 'accepted' : 'refused')) return;
  const shown = text.length > 80 ? `${text.slice(0, 80)}… (${text.length} characters)` : text;
  totals.wrong.push(
    `${kind}: ${answer}${detail === undefined ? '' : ` (${detail})`}: ${JSON.stringify(shown)}`,
  );
}

const isRefusal = (error: unknown): boolean => error instanceof RouterError && error.code === 'invalid-token';

async function checkAll(router: Router, material: Material, many: number, random: Random): Promise<Totals> {
  const totals = newTotals();
  const good = new Set(material.good);
  for (let i = 0; i < many; i++) {
    // A router whose process stands still for seconds hears from nobody, and takes the primary for lost.
    if (i % CHECKS_AT_ONCE === 0) await new Promise(setImmediate);
    const { kind, text } = mutate(material, i, random);
    const startedMs = performance.now();
    let answer: Answer = 'accepted';
    let detail: unknown;
    try {
      router.verifyToken(text);
    } catch (error) {
      answer = isRefusal(error) ? 'refused' : 'other error';
      if (answer === 'other error') detail = error;
    }
    totals.slowestMs = Math.max(totals.slowestMs, performance.now() - startedMs);
    note(totals, kind, text, isGood(good, text), answer, detail);
  }
  return totals;
}

/** Every way in that takes a token. `written`: the calls of these that bump the key. */
function waysIn(router: Router, engine: EngineName) {
  const sql = statements(engine);
  const bump = [WRITTEN_KEY];
  return [
    { writes: false, call: (token: string) => router.read(sql.readKey, [1], { token }) },
    { writes: false, call: (token: string) => router.query(sql.readKey, [1], { token }) },
    { writes: true, call: (token: string) => router.write(sql.bumpKey, bump, { token }) },
    { writes: true, call: (token: string) => router.query(sql.bumpKey, bump, { token }) },
    {
      writes: true,
      call: (token: string) => router.transaction((tx) => tx.query(sql.bumpKey, bump), { token }),
    },
    { writes: false, call: async (token: string) => router.session(token).read(sql.readKey, [1]) },
    { writes: false, call: async (token: string) => router.explain(sql.readKey, { token }) },
  ];
}

async function callAll(
  router: Router,
  engine: EngineName,
  material: Material,
  random: Random,
  signal: AbortSignal,
): Promise<Totals & { readonly writesAccepted: number }> {
  const totals = newTotals();
  const good = new Set(material.good);
  const ways = waysIn(router, engine);
  let writesAccepted = 0;
  for (let i = 0; i < CALLS && !signal.aborted; i++) {
    // Each kind of mutation meets each way in, in turn.
    const { writes, call } = ways[Math.floor(i / KINDS.length) % ways.length]!;
    const { kind, text } = mutate(material, i, random);
    const startedMs = performance.now();
    const { answer, detail } = await answerOf(() => call(text));
    totals.slowestMs = Math.max(totals.slowestMs, performance.now() - startedMs);
    if (answer === 'accepted' && writes) writesAccepted += 1;
    note(totals, kind, text, isGood(good, text), answer, detail);
  }
  return { ...totals, writesAccepted };
}

async function answerOf(call: () => unknown): Promise<{ answer: Answer; detail?: unknown }> {
  const enough = new AbortController();
  const hung = pause(HANG_MS, enough.signal).then(() => ({ answer: 'hung' as const }));
  // In a function of its own: a call that throws before it answers a promise counts all the same.
  const answered = (async () => call())().then(
    () => ({ answer: 'accepted' as const }),
    (error: unknown) =>
      isRefusal(error) ? { answer: 'refused' as const } : { answer: 'other error' as const, detail: error },
  );
  try {
    return await Promise.race([answered, hung]);
  } finally {
    enough.abort();
  }
}

function conclude(
  checked: Totals,
  called: Totals & { readonly writesAccepted: number },
  written: number,
  wanted: number,
  { control }: ExperimentOptions,
): ExperimentResult {
  const many = (totals: Totals) => Object.values(totals.answers).reduce((sum, n) => sum + n, 0);
  const { writesAccepted } = called;
  const criteria = [
    criterion(
      'verifyToken: answers that were wrong',
      '0',
      `${checked.wrong.length} of ${many(checked)}`,
      checked.wrong.length === 0,
    ),
    criterion(
      'calls: answers that were wrong',
      '0',
      `${called.wrong.length} of ${many(called)}`,
      called.wrong.length === 0,
    ),
    criterion(
      'writes of calls that were refused',
      '0',
      `${written - writesAccepted}`,
      written === writesAccepted,
    ),
    evidence('mutations', `at least ${wanted}`, `${many(checked)}`, many(checked) >= wanted),
    evidence('calls', `at least ${CALLS}`, `${many(called)}`, many(called) >= CALLS),
    evidence(
      'good tokens among them',
      'some, all accepted',
      `${checked.answers.accepted ?? 0} and ${called.answers.accepted ?? 0}`,
      Boolean(checked.answers.accepted && called.answers.accepted),
    ),
  ];
  const notes = [
    `verifyToken: ${describeCounts(checked.answers)}; slowest ${milliseconds(checked.slowestMs)} ms`,
    `read, write, query, transaction, session, explain: ${describeCounts(called.answers)}; slowest ${milliseconds(called.slowestMs)} ms`,
    `kinds: ${KINDS.join(', ')}${control === 'own-key' ? '; "another key" is the router’s own' : ''}`,
    ...[...checked.wrong, ...called.wrong].slice(0, 10).map((line) => `wrong: ${line}`),
  ];
  return {
    criteria,
    notes,
    figures: {
      checked: { ...checked, wrong: checked.wrong.length },
      called: { ...called, wrong: called.wrong.length },
      written,
    },
  };
}
