import { type Connection, getEngineClient } from '@replication-lab/engines';
import { availableEngines, type Cluster, startCluster } from '@replication-lab/engines/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { classifyMariadb, classifyMysql } from '../src/classify/mysql/index.ts';
import type { Classifier } from '../src/classify/types.ts';
import { corpusFor, type Labelled, type Server, schemaOf } from './corpus/mysql/index.ts';
import { relaidOut, spliced, withFragment } from './corpus/mysql/mutate.ts';
import { Observer } from './corpus/mysql/observe.ts';
import { asAdmin } from './support.ts';

const SERVERS: readonly Server[] = ['mysql', 'mariadb'];
const { engines, notRun } = await availableEngines();
const present = SERVERS.filter((server) => engines.includes(server));

for (const { engine, reason } of notRun.filter(({ engine }) => SERVERS.includes(engine as Server)))
  test.skip(`NOT RUN: ${engine}: ${reason}`);

const NONE = { safeFunctions: [] };
const CLASSIFIERS: Readonly<Record<Server, Classifier>> = { mysql: classifyMysql, mariadb: classifyMariadb };
/** Ways in which servers read the same text. The last is MySQL's default, or near enough. */
const SQL_MODES: Readonly<Record<Server, readonly string[]>> = {
  mysql: [
    '',
    'ANSI',
    'ANSI_QUOTES,NO_BACKSLASH_ESCAPES',
    'PIPES_AS_CONCAT,HIGH_NOT_PRECEDENCE',
    'IGNORE_SPACE',
  ],
  mariadb: ['', 'ORACLE', 'MSSQL', 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES', 'IGNORE_SPACE'],
};
/** One of each kind. */
const EFFECTS_IN_BOTH: readonly string[] = [
  "INSERT INTO audit (what) VALUES ('seen')",
  "UPDATE audit SET what = 'changed'",
  'SELECT f_write(1)',
  'CALL p_write()',
  'SELECT id FROM orders FOR UPDATE',
  'SELECT id FROM orders LOCK IN SHARE MODE',
  "SELECT GET_LOCK('corpus', 0)",
  'SELECT LAST_INSERT_ID(5)',
  'SELECT @seen := 1',
  'SELECT 2 INTO @seen',
  'SET SESSION sql_safe_updates = 1',
  'CREATE TEMPORARY TABLE seen (id INT)',
  'CREATE TABLE seen_too (id INT)',
  'DROP TABLE seen_too',
  'HANDLER audit OPEN',
];
const EFFECTS: Readonly<Record<Server, readonly string[]>> = {
  mysql: EFFECTS_IN_BOTH,
  mariadb: [
    ...EFFECTS_IN_BOTH,
    'SELECT NEXTVAL(s1)',
    'SELECT SETVAL(s1, 1000)',
    'SELECT DEFAULT(id) FROM numbered LIMIT 1',
  ],
};
const CHUNK = 100;
/** Of the mutated texts that are `any`, how many are run. */
const MUTANTS = 1_500;

const chunksOf = (statements: readonly Labelled[]): Labelled[][] =>
  Array.from({ length: Math.ceil(statements.length / CHUNK) }, (_, i) =>
    statements.slice(i * CHUNK, (i + 1) * CHUNK),
  );

describe.each(present)('%s', (server) => {
  let cluster: Cluster;
  let session: Connection;
  let control: Connection;
  let observer: Observer;
  const isAny = (sql: string): boolean => CLASSIFIERS[server](sql, NONE).target === 'any';
  const corpus = corpusFor(server);
  const any = corpus.filter(({ sql }) => isAny(sql));

  beforeAll(async () => {
    cluster = await startCluster(server, { subnet: '127.0.41', nodes: 2 });
    control = await cluster.admin('db-1');
    for (const sql of schemaOf(server)) await control.query(sql);
    // More than the lab gives it: what stops a write here is the classifier, and the read-only session.
    await control.query('GRANT SELECT, SHOW VIEW, EXECUTE ON lab.* TO app_ro');
    session = await cluster.admin('db-1');
    observer = new Observer(server, session, control);
  });
  afterAll(async () => {
    await session?.close();
    await control?.close();
    await cluster?.[Symbol.asyncDispose]();
  });

  /** The chunk's effects, told by statement. */
  const culprits = async (chunk: readonly Labelled[]): Promise<string[]> => {
    const found: string[] = [];
    for (const statement of chunk) {
      const { effects } = await observer.leftBehind([statement]);
      if (effects.length > 0) found.push(`${statement.sql}: ${effects.join('; ')}`);
    }
    return found.length > 0 ? found : ['an effect that no statement of the chunk has alone'];
  };

  const expectNoEffect = async (statements: readonly Labelled[]): Promise<number> => {
    let refused = 0;
    for (const chunk of chunksOf(statements)) {
      const { effects, errors } = await observer.leftBehind(chunk);
      if (effects.length > 0) expect(await culprits(chunk)).toEqual([]);
      expect(effects).toEqual([]);
      refused += errors.length;
    }
    return refused;
  };

  test('the read sessions of a replica take every statement that is any', async () => {
    const probe = () => asAdmin(cluster, 'db-2', (admin) => getEngineClient(server).probe(admin));
    const { positions } = getEngineClient(server);
    const { position } = await getEngineClient(server).probe(control);
    await expect
      .poll(async () => positions.covers((await probe()).position, position), { timeout: 30_000 })
      .toBe(true);
    await using replica = await cluster.admin('db-2');
    const data = () => new Observer(server, replica, replica).node();
    const before = await data();
    await using pool = poolOf(server, cluster);
    const refusals: string[] = [];
    for (const { sql, params } of any.filter(({ several }) => !several)) {
      await pool.read(sql, params ?? []).catch((error: unknown) => refusals.push(`${sql}: ${error}`));
    }
    expect(refusals).toEqual([]);
    expect(await data()).toEqual(before);
  });

  test('an effect of any kind would be seen', async () => {
    await observer.prepare('');
    for (const sql of EFFECTS[server]) {
      const { effects, errors } = await observer.leftBehind([{ sql, pure: false }]);
      expect({ sql, errors }).toEqual({ sql, errors: [] });
      expect(effects, sql).not.toEqual([]);
    }
  });

  test('and none has any effect where it could have one, however the server reads it', async () => {
    for (const sqlMode of SQL_MODES[server]) {
      await observer.prepare(sqlMode);
      const refused = await expectNoEffect(any);
      console.log(`${server}, sql_mode '${sqlMode}': ${any.length} any, ${refused} refused, no effect`);
      // Refused are texts that name columns or strings in the quotes of the other mode, and words that a mode reserves.
      expect(refused).toBeLessThan(any.length / 100);
    }
  });

  test('texts put together at random that are any have no effect either', async () => {
    const pure = fc.constantFrom(...corpus.filter((each) => each.pure && !each.params).map(({ sql }) => sql));
    const other = fc.constantFrom(...corpus.filter((each) => !each.harmful).map(({ sql }) => sql));
    const mixed = fc.oneof(
      fc.tuple(pure, other).chain((pair) => spliced(...pair)),
      fc.tuple(pure, pure).chain((pair) => spliced(...pair)),
      fc.tuple(pure, other).chain((pair) => withFragment(...pair)),
      pure.chain(relaidOut),
    );
    const texts = new Set(fc.sample(mixed, { numRuns: 15_000, seed: 41 }).filter(isAny));
    const mutants = [...texts].slice(0, MUTANTS).map((sql) => ({ sql, pure: true }));
    expect(mutants.length).toBeGreaterThan(500);
    for (const sqlMode of [SQL_MODES[server][0]!, SQL_MODES[server][1]!]) {
      await observer.prepare(sqlMode);
      const refused = await expectNoEffect(mutants);
      console.log(
        `${server}, sql_mode '${sqlMode}': ${mutants.length} mutants, ${refused} refused, no effect`,
      );
    }
  });

  test('whatever the server takes for a write or a lock is not any', async () => {
    await observer.prepare('');
    const impure = corpus.filter((each) => !each.pure && !each.harmful);
    const writes: Labelled[] = [];
    for (const statement of impure) {
      if (await observer.writesOrLocks(statement)) writes.push(statement);
    }
    expect(writes.filter(({ sql }) => isAny(sql))).toEqual([]);
    expect(writes.length).toBeGreaterThan(250);

    const again = fc.sample(fc.constantFrom(...writes.map(({ sql }) => sql)).chain(relaidOut), {
      numRuns: 300,
      seed: 41,
    });
    let written = 0;
    for (const sql of again) {
      if (!(await observer.writesOrLocks({ sql, pure: false }))) continue;
      written++;
      expect(isAny(sql), sql).toBe(false);
    }
    console.log(
      `${server}: ${writes.length} of ${impure.length} wrote or locked, ${written} of 300 in another layout`,
    );
    expect(written).toBeGreaterThan(100);
  });
});

function poolOf(server: Server, cluster: Cluster) {
  const pool = getEngineClient(server).createPool(cluster.endpoint('db-2'), cluster.accounts.appReadOnly, {
    database: cluster.database,
    mode: 'read',
    size: 2,
    queueLimit: 10,
    connectTimeoutMs: 5_000,
    acquireTimeoutMs: 5_000,
  });
  return Object.assign(pool, { [Symbol.asyncDispose]: () => pool.close() });
}
