import { type Connection, getEngineClient, type NodePool } from '@replication-lab/engines';
import { availableEngines, type Cluster, startCluster } from '@replication-lab/engines/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { OPERATORS } from '../src/classify/postgres/catalog.ts';
import { classifyPostgres, loadPostgresParser } from '../src/classify/postgres/index.ts';
import { HARMLESS_VOLATILE, SAFE_FUNCTIONS } from '../src/classify/postgres/safe-functions.ts';
import { contentsOf, differences, Effects, stateOf } from './corpus/postgres/effects.ts';
import { type Case, CORPUS, fixtureSql } from './corpus/postgres/index.ts';
import { relaid } from './corpus/postgres/layout.ts';
import { layouts, mutations, statements } from './corpus/postgres/random.ts';

const { engines, notRun } = await availableEngines();
for (const { engine, reason } of notRun) {
  if (engine === 'postgres') test.skip(`NOT RUN: ${engine}: ${reason}`);
}

const isAny = (sql: string): boolean => classifyPostgres(sql, { safeFunctions: [] }).target === 'any';

/** Why a server may refuse a statement that is a read all the same: it is older, or the account may not see a catalog. */
const OWN_REASON =
  /syntax error|permission denied|multiple commands|does not exist|trailing junk|unrecognized EXPLAIN option/;
const REFUSED_SHARE = 0.02;
/** Each test takes less than ten seconds where nothing else runs. */
const BUSY_MACHINE_MS = 180_000;

describe.runIf(engines.includes('postgres'))('the verdicts for PostgreSQL, on real servers', () => {
  let cluster: Cluster;
  let primary: Connection;
  let replica: NodePool;
  let anywhere: readonly Case[] = [];
  let effectsOnPrimary: Effects;

  beforeAll(async () => {
    await loadPostgresParser();
    anywhere = CORPUS.filter(({ sql }) => isAny(sql));
    cluster = await startCluster('postgres', { subnet: '127.0.42', nodes: 2 });
    primary = await cluster.admin('db-1');
    await primary.query(fixtureSql(cluster.accounts.appReadOnly.user));
    await primary.query(`ALTER DATABASE ${cluster.database} SET statement_timeout = '5s'`); // of what is random
    await primary.close();
    primary = await cluster.admin('db-1');
    effectsOnPrimary = new Effects(primary);
    replica = getEngineClient('postgres').createPool(cluster.endpoint('db-2'), cluster.accounts.appReadOnly, {
      database: cluster.database,
      mode: 'read',
      size: 1,
      queueLimit: 10,
      acquireTimeoutMs: 5_000,
      connectTimeoutMs: 5_000,
    });
    const arrived = () => replica.read("SELECT FROM pg_class WHERE relname = 'tickets'", []);
    await vi.waitUntil(async () => (await arrived()).rows.length === 1, { timeout: 15_000, interval: 20 });
  });
  afterAll(async () => {
    await replica?.close();
    await primary?.close();
    await cluster?.[Symbol.asyncDispose]();
  });

  test('the lists of safe functions and operators are those of this server', async () => {
    const { rows } = await primary.query(
      `SELECT proname, bool_or(provolatile = 'v') AS volatile FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace GROUP BY proname`,
    );
    const volatile = new Map(rows.map((row) => [row.proname, row.volatile]));
    expect([...SAFE_FUNCTIONS].filter((name) => !volatile.has(name))).toEqual([]);
    const unsteady = [...SAFE_FUNCTIONS].filter((name) => volatile.get(name));
    expect(new Set(unsteady)).toEqual(HARMLESS_VOLATILE);

    const operators = await primary.query(
      `SELECT oprname, bool_or(provolatile = 'v') AS volatile FROM pg_operator JOIN pg_proc p ON p.oid = oprcode
        WHERE oprnamespace = 'pg_catalog'::regnamespace GROUP BY oprname`,
    );
    const steady = operators.rows.filter((row) => row.volatile === false).map((row) => row.oprname);
    expect([...OPERATORS].filter((name) => !steady.includes(name))).toEqual([]);
  });

  test('a hot standby answers what may go anywhere', async () => {
    const refused: string[] = [];
    for (const { sql, params = [] } of anywhere) {
      await replica.read(sql, params).catch((error: Error) => refused.push(`${error.message} | ${sql}`));
    }
    console.log(
      `standby: ${anywhere.length} statements, ${refused.length} refused for a reason of their own`,
    );
    expect(refused.filter((line) => !OWN_REASON.test(line))).toEqual([]);
    expect(refused.length).toBeLessThan(anywhere.length * REFUSED_SHARE);
  });

  test(
    'what may go anywhere has no effect, even for an administrator on the primary',
    async () => {
      const contents = await contentsOf(primary);
      const state = await stateOf(primary);
      const effects: string[] = [];
      let refused = 0;
      for (const { sql, params = [] } of anywhere) {
        await primary.query(sql, params).catch(() => refused++);
        const found = differences(state, await stateOf(primary));
        const inside = await effectsOnPrimary.of(sql, params);
        effects.push(...[...found, ...(inside ?? [])].map((effect) => `${effect} | ${sql}`));
      }
      console.log(`primary: ${anywhere.length} statements, ${refused} refused, ${effects.length} effects`);
      expect(effects).toEqual([]);
      expect(refused).toBeLessThan(anywhere.length * REFUSED_SHARE);
      expect(differences(contents, await contentsOf(primary))).toEqual([]);
    },
    BUSY_MACHINE_MS,
  );

  test(
    'what has an effect on the primary never may go anywhere',
    async () => {
      let accepted = 0;
      let effective = 0;
      const sendable = CORPUS.filter((one) => !one.pure && !one.sql.includes('\0')); // messages of the protocol end at a NUL
      for (const { sql, params } of sendable) {
        const effects = await effectsOnPrimary.of(sql, params);
        if (effects) accepted++;
        if (effects?.length) effective++;
        if (effects?.length) expect(isAny(sql), sql).toBe(false);
      }
      console.log(`of the corpus's impure statements ${accepted} were accepted, ${effective} had an effect`);
      expect(effective).toBeGreaterThan(300); // so the instrument sees
    },
    BUSY_MACHINE_MS,
  );

  test(
    'nor what is put together at random',
    async () => {
      const seen = { accepted: 0, effective: 0, anywhere: 0 };
      const property = fc.asyncProperty(statements, layouts, async (statement, layout) => {
        const sql = relaid(statement, layout, true) ?? statement;
        const effects = await effectsOnPrimary.of(sql);
        if (effects) seen.accepted++;
        if (isAny(sql)) seen.anywhere++;
        if (!effects?.length) return;
        seen.effective++;
        expect(isAny(sql), `${effects}`).toBe(false);
      });
      await fc.assert(property, { numRuns: 1_500 });
      console.log(`of 1500 statements ${JSON.stringify(seen)}`);
      expect(seen.effective).toBeGreaterThan(150);
      expect(seen.anywhere).toBeGreaterThan(150);
    },
    BUSY_MACHINE_MS,
  );

  test(
    'nor what is left of a statement of the corpus after some words were exchanged',
    async () => {
      let ran = 0;
      let accepted = 0;
      const property = fc.asyncProperty(mutations, async (sql) => {
        if (!isAny(sql)) return;
        const effects = await effectsOnPrimary.of(sql);
        ran++;
        if (effects) accepted++;
        expect(effects ?? []).toEqual([]);
      });
      await fc.assert(property, { numRuns: 15_000 });
      console.log(`of 15000 mutations ${ran} may go anywhere, ${accepted} of them were accepted`);
      expect(accepted).toBeGreaterThan(100);
    },
    BUSY_MACHINE_MS,
  );
});
