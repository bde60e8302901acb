import { setTimeout } from 'node:timers/promises';
import { EngineError, type EngineName } from '@replication-lab/engines';
import { engineOf } from '@replication-lab/engines/local';
import { availableEngines, type Cluster, startCluster } from '@replication-lab/engines/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Router } from '../src/index.ts';
import {
  ALL_HEALTHY,
  addressesOf,
  asAdmin,
  codeOf,
  rolesOf,
  routerFor,
  sleepSql,
  statements,
  until,
  whoOf,
  whoSql,
} from './support.ts';

const { engines, notRun } = await availableEngines();

for (const { engine, reason } of notRun) test.skip(`NOT RUN: ${engine}: ${reason}`);

describe.each(engines)('%s', (engine: EngineName) => {
  let cluster: Cluster;
  let router: Router;
  const sql = statements(engine);
  const newEmail = addressesOf('calls');
  const delayAll = (seconds: number) =>
    Promise.all(
      ['db-2', 'db-3'].map((name) =>
        asAdmin(cluster, name, (connection) => engineOf(engine).admin.setApplyDelay(connection, seconds)),
      ),
    );
  const healthy = (of = router) => until(() => rolesOf(of)).toEqual(ALL_HEALTHY);

  beforeAll(async () => {
    cluster = await startCluster(engine, { subnet: '127.0.49' });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    router = routerFor(cluster);
    await router.ready();
    await healthy();
  });
  afterEach(() => router?.close());

  describe('query', () => {
    test('reads on replicas what is proved to be a read, and sends everything else to the primary', async () => {
      const email = newEmail();
      const written = await router.query(sql.insert, [email]);
      expect(written).toMatchObject({ affectedRows: 1, decision: { node: 'db-1', reason: 'write' } });
      const read = await router.query('SELECT name FROM users', [], { level: 'eventual' });
      expect(read.decision.role).toBe('replica');
      const locked = `SELECT name FROM users LIMIT 1 FOR UPDATE`;
      expect((await router.query(locked, [], { level: 'eventual' })).decision.node).toBe('db-1');
      const own = await router.query(sql.byEmail, [email], { token: written.token });
      expect(own.rows).toHaveLength(1);
    });

    test('says what is wrong with a call that was written for another pool', async () => {
      const asOthers = router.query as (...args: unknown[]) => Promise<unknown>;
      await expect(asOthers.call(router, { text: 'SELECT 1', values: [] })).rejects.toThrow(/query\(text/);
      await expect(asOthers.call(router, 'SELECT 1', { id: 1 })).rejects.toThrow(/query\(text/);
      await expect(router.read('SELECT 1', [], { level: 'strong' as never })).rejects.toThrow(
        /'strong' is none/,
      );
      if (engine === 'postgres') return;
      const list = router.read('SELECT name FROM users WHERE id IN (?)', [[1, 2] as never]);
      await expect(list).rejects.toThrow(/cannot be a list/);
    });

    test('explain says what a statement is and where it would go, without running it', async () => {
      const eventual = { level: 'eventual' } as const;
      expect(router.explain('SELECT name FROM users', eventual)).toMatchObject({
        role: 'replica',
        reason: 'any-replica',
        classification: { target: 'any', reason: 'pure-read' },
      });
      expect(router.explain('DELETE FROM users', eventual)).toEqual({
        node: 'db-1',
        role: 'primary',
        reason: 'write',
        classification: { target: 'primary', reason: 'not-a-read' },
      });
    });
  });

  describe('a session', () => {
    test('hands its token on by itself, through a second router too', async () => {
      await using other = routerFor(cluster);
      await other.ready();
      const email = newEmail();
      const here = router.session();
      await here.write(sql.insert, [email]);
      const there = other.session(here.token);
      expect((await there.query(sql.byEmail, [email])).rows).toHaveLength(1);
      expect(there.token).not.toBe(here.token);
    });

    test('merges what calls have seen that overlap', async () => {
      const session = router.session();
      const all = Array.from({ length: 20 }, newEmail);
      await Promise.all(all.map((email) => session.write(sql.insert, [email])));
      const found = await Promise.all(all.map((email) => session.read(sql.byEmail, [email])));
      expect(found.map(({ rows }) => rows.length)).toEqual(all.map(() => 1));
    });

    test('ends with the work it runs: what goes on after it belongs to nobody', async () => {
      const session = router.session();
      const gate = Promise.withResolvers<void>();
      let background: Promise<unknown> = Promise.resolve();
      await session.run(async () => {
        background = gate.promise.then(() => router.write(sql.insert, [newEmail()]));
        await router.read(whoSql(engine));
      });
      const { token } = session;
      gate.resolve();
      await background;
      expect(session.token).toBe(token);
    });

    test('reads the primary after a write of which nobody knows the outcome', async () => {
      const session = router.session();
      await session.write(sql.insert, [newEmail()]); // so that there is a connection to hang on
      const email = newEmail();
      let unknown: unknown;
      try {
        await cluster.kill('db-1', 'SIGSTOP');
        unknown = await session.write(sql.insert, [email], { timeoutMs: 300 }).catch((error) => error);
      } finally {
        await cluster.kill('db-1', 'SIGCONT');
      }
      expect(unknown).toMatchObject({ code: 'outcome-unknown', token: expect.any(String) });
      await healthy();
      const { token } = unknown as { token: string };
      expect((await session.read(sql.byEmail, [email])).decision.reason).toBe('position-unknown');
      expect((await router.read(sql.byEmail, [email], { token })).decision.node).toBe('db-1');
    });

    test('is that of the code which runs in it, and of no other', async () => {
      const users = Array.from({ length: 20 }, () => ({ email: newEmail(), session: router.session() }));
      await Promise.all(
        users.map(({ email, session }) =>
          session.run(async () => {
            await router.query(sql.insert, [email]);
            await setTimeout(1);
            expect((await router.query(sql.byEmail, [email])).rows).toHaveLength(1);
          }),
        ),
      );
      expect(new Set(users.map(({ session }) => session.token)).size).toBe(users.length);
    });
  });

  describe('a transaction', () => {
    test('takes in every statement inside it, and none outside or after it', async () => {
      const [email, outside] = [newEmail(), newEmail()];
      let late: (() => Promise<unknown>) | null = null;
      const undone = router.transaction(async () => {
        await router.query(sql.insert, [email]);
        const seen = await router.read(sql.byEmail, [email], { level: 'eventual' });
        expect(seen).toMatchObject({ rows: [{ version: 1 }], decision: { reason: 'in-transaction' } });
        late = () => router.read(sql.byEmail, [email], { level: 'primary' });
        throw new Error('changed my mind');
      });
      const beside = router.write(sql.insert, [outside]);
      await expect(undone).rejects.toThrow('changed my mind');
      const { token } = await beside;
      expect((await router.read(sql.byEmail, [outside], { token })).rows).toHaveLength(1);
      expect(await late!()).toMatchObject({ rows: [], decision: { reason: 'level-primary' } });
    });

    test('that was rolled back has shown the primary all the same: its session does not go back', async () => {
      const email = newEmail();
      await delayAll(3);
      try {
        const { token } = await router.write(sql.insert, [email]);
        const session = router.session();
        const undone = session.transaction(async (tx) => {
          expect((await tx.query(sql.byEmail, [email])).rows).toHaveLength(1);
          throw new Error('changed my mind');
        });
        await expect(undone).rejects.toThrow('changed my mind');
        expect((await session.read(sql.byEmail, [email])).rows).toHaveLength(1);
        expect(token).not.toBe(session.token);
      } finally {
        await delayAll(0);
      }
    });

    test('leaks into nothing that was begun inside it and goes on after it', async () => {
      const gate = Promise.withResolvers<void>();
      let background: Promise<{ decision: { reason: string } }> | null = null;
      await router.transaction(async (tx) => {
        await tx.query(sql.insert, [newEmail()]);
        background = gate.promise.then(() => router.read(whoSql(engine), [], { level: 'eventual' }));
      });
      gate.resolve();
      expect((await background!).decision.reason).toBe('any-replica');
    });

    test('does not nest', async () => {
      const nested = router.transaction(() => router.transaction(async () => 1));
      expect(await nested.catch(codeOf)).toBe('nested-transaction');
    });

    test('that only reads goes to a replica which holds what the session needs, and cannot write', async () => {
      const email = newEmail();
      const { token } = await router.write(sql.insert, [email]);
      const { value, decision } = await router.transaction(
        async (tx) => {
          const user = await tx.query(sql.byEmail, [email]);
          return { rows: user.rows.length, node: whoOf(await router.read(whoSql(engine))) };
        },
        { readOnly: true, token },
      );
      expect(value).toEqual({ rows: 1, node: decision.node });
      const writes = router.transaction((tx) => tx.query(sql.bump, [email]), {
        readOnly: true,
        level: 'eventual',
      });
      expect(await writes.catch((error: unknown) => error)).toBeInstanceOf(EngineError);
      const { rows } = await router.read(sql.byEmail, [email], { level: 'primary' });
      expect(rows).toMatchObject([{ version: 1 }]);
    });

    test('is not begun again by the router, unless the caller allows it', async () => {
      const runs = { once: 0, repeatable: 0 };
      const close = () => asAdmin(cluster, 'db-1', (c) => engineOf(engine).admin.close(c));
      const open = () => asAdmin(cluster, 'db-1', (c) => engineOf(engine).admin.open(c));
      const work = (kind: keyof typeof runs, email: string) => async (tx: { query: Router['query'] }) => {
        runs[kind] += 1;
        if (runs[kind] === 1) await close();
        await tx.query(sql.insert, [email]);
      };
      try {
        const failed = await router
          .transaction(work('once', newEmail()) as never, { timeoutMs: 10_000 })
          .catch(codeOf);
        expect(failed).toBe('no-primary');
        expect(runs.once).toBe(1);
        await open();
        await healthy();
        const email = newEmail();
        const repeated = router.transaction(work('repeatable', email) as never, {
          repeatable: true,
          timeoutMs: 20_000,
        });
        const reopened = until(() => runs.repeatable).toBe(1);
        await reopened;
        await until(() => router.topology().primary).toBe(null);
        await open();
        const outcome = await repeated.then(() => 'done', codeOf);
        if (outcome === 'done') {
          const { rows } = await router.read(sql.byEmail, [email], { level: 'primary' });
          expect(rows).toHaveLength(1);
          expect(runs.repeatable).toBeGreaterThan(1);
        } else {
          // The primary was away for longer than writes wait for one: nothing was written, and it says so.
          expect(outcome).toBe('no-primary');
        }
      } finally {
        await open();
      }
    });
  });

  test('a session waits a moment for its replica in place of burdening the primary', async () => {
    const reasons: string[] = [];
    let { token } = await router.read(whoSql(engine), []);
    for (let turn = 0; turn < 40; turn++) {
      const email = newEmail();
      token = (await router.write(sql.insert, [email], { token })).token;
      const read = await router.read(sql.byEmail, [email], { token });
      expect(read.rows).toHaveLength(1);
      reasons.push(read.decision.reason);
      token = read.token;
    }
    expect(reasons).toContain('replica-waited');
  });

  test('sessions cannot flood the primary: above their share they wait for a replica, or are told so', async () => {
    await using narrow = routerFor(cluster, {
      sessionWaitMs: 0,
      primaryReads: { perSessionPerSecond: 2 },
      readTimeoutMs: 300,
    });
    await narrow.ready();
    await healthy(narrow);
    await delayAll(3);
    try {
      const { token } = await narrow.write(sql.insert, [newEmail()]);
      const results: string[] = [];
      for (let turn = 0; turn < 6; turn++) {
        const read = narrow.read(whoSql(engine), [], { token });
        results.push(
          await read.then(
            ({ decision }) => decision.reason,
            (error: unknown) => codeOf(error),
          ),
        );
      }
      expect(results.slice(0, 2)).toEqual(['replica-behind', 'replica-behind']);
      expect(results).toContain('overloaded');
      const eventual = await narrow.read(whoSql(engine), [], { level: 'eventual' });
      expect(eventual.decision.role).toBe('replica');
    } finally {
      await delayAll(0);
    }
  });

  test('full pools answer at once, and do not spill over to the primary', async () => {
    await using narrow = routerFor(cluster, { pool: { read: 2, write: 1, queueLimit: 1 } });
    await narrow.ready();
    const startedMs = performance.now();
    const reads = Array.from({ length: 20 }, () =>
      narrow.read(sleepSql(engine), [], { level: 'eventual' }).then(
        () => 'done',
        (error: unknown) => codeOf(error),
      ),
    );
    const results = await Promise.all(reads);
    expect(performance.now() - startedMs).toBeLessThan(3_000);
    expect(results.filter((result) => result === 'done').length).toBeGreaterThanOrEqual(4);
    expect(results.filter((result) => result === 'overloaded').length).toBeGreaterThanOrEqual(10);
    expect(new Set(results)).toEqual(new Set(['done', 'overloaded']));
    const stats = narrow.poolStats();
    expect(stats['db-1']?.read.size).toBe(0);
    expect(stats['db-2']?.read.size).toBeLessThanOrEqual(2);
  });

  test('close ends everything: no socket, no timer', async () => {
    const busy = () =>
      process.getActiveResourcesInfo().filter((kind) => /TCP|Timeout|Immediate/.test(kind)).length;
    await router.close();
    const before = busy();
    const short = routerFor(cluster);
    await short.ready();
    await Promise.all(Array.from({ length: 12 }, () => short.read(whoSql(engine), [])));
    await short.write(sql.insert, [newEmail()]);
    expect(busy()).toBeGreaterThan(before);
    await short.close();
    await short.close();
    await until(busy).toBeLessThanOrEqual(before);
    expect(codeOf(await short.read(whoSql(engine), []).catch((error: unknown) => error))).toBe('closed');
  });
});
