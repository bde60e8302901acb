import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CapturedPosition, NodePool, Position, Row } from '../src/index.ts';
import { availableEngines } from '../src/testing/index.ts';
import { waitFor } from '../src/wait-for.ts';
import { ClientCluster, commitEnds, errorOf } from './support/client-cluster.ts';

const { engines } = await availableEngines();
const LOOPS = 300;

let serial = 0;
const email = (): string => {
  serial += 1;
  return `client-${process.pid}-${serial}@example.test`;
};

const known = (captured: CapturedPosition): Position => {
  if (captured.kind !== 'known')
    throw new Error(`expected a known position, got ${JSON.stringify(captured)}`);
  return captured.position;
};

describe.each(engines)('%s: what a client sees of real servers', (engine) => {
  let lab: ClientCluster;
  let primary: NodePool;
  let replica: NodePool;

  const insertSql = () => lab.sql('INSERT INTO users (name, email) VALUES (?, ?)');
  const insert = (pool = primary, address = email()) => pool.write(insertSql(), ['Ada', address]);
  const countSql = () => lab.sql('SELECT COUNT(*) AS n FROM users WHERE email = ?');
  const count = async (pool: NodePool, address: string) =>
    (await pool.read(countSql(), [address])).rows[0]?.n;
  const sleepSql = (seconds: number) =>
    engine === 'postgres' ? `SELECT pg_sleep(${seconds})` : `SELECT SLEEP(${seconds})`;

  beforeAll(async () => {
    lab = await ClientCluster.start(engine, { subnet: '127.0.32', nodes: 2 });
    primary = lab.pool('db-1', 'write');
    replica = lab.pool('db-2', 'read');
  });
  afterAll(() => lab?.[Symbol.asyncDispose]());

  describe('probe', () => {
    it('tells primary from replica, their positions and the epoch', async () => {
      const position = known((await insert()).position);
      await lab.waitUntilCovered('db-2', position);
      const [one, two] = await Promise.all([lab.probe('db-1'), lab.probe('db-2')]);
      expect(one).toMatchObject({
        role: 'primary',
        readOnly: false,
        replicating: null,
        source: null,
        engineLagMs: null,
      });
      expect(two).toMatchObject({ role: 'replica', readOnly: true, replicating: true, source: '127.0.32.1' });
      expect(one.epoch).toBeGreaterThan(0);
      expect(two.epoch).toBe(one.epoch);
      for (const node of [one, two]) {
        expect(lab.client.positions.covers(node.position, position)).toBe(true);
        expect(lab.client.positions.covers(node.received, node.position)).toBe(true);
        expect(node.serverId).not.toBe('');
      }
    });

    it('works where the epoch table is missing: epoch 0', async () => {
      await using admin = await lab.cluster.admin('db-1');
      await admin.query('ALTER TABLE lab_epoch RENAME TO hidden_epoch');
      expect(await lab.client.probe(admin)).toMatchObject({ role: 'primary', epoch: 0 });
      await admin.query('ALTER TABLE hidden_epoch RENAME TO lab_epoch');
      expect((await lab.client.probe(admin)).epoch).toBeGreaterThan(0);
    });
  });

  describe('positions of writes', () => {
    it('an autocommitted insert, update and delete are known, and each is beyond the one before', async () => {
      const address = email();
      const inserted = known((await insert(primary, address)).position);
      const updated = known(
        (await primary.write(lab.sql("UPDATE users SET name = 'B' WHERE email = ?"), [address])).position,
      );
      const deleted = known(
        (await primary.write(lab.sql('DELETE FROM users WHERE email = ?'), [address])).position,
      );
      const { covers, merge } = lab.client.positions;
      expect(covers(inserted, updated) || covers(updated, deleted)).toBe(false);
      const node = (await lab.probe('db-1')).position;
      expect(covers(node, merge(merge(inserted, updated), deleted))).toBe(true);
    });

    it('writes that change nothing are none', async () => {
      const noop = await primary.write('UPDATE users SET version = version + 1 WHERE id = -1', []);
      expect(noop).toMatchObject({ affectedRows: 0, position: { kind: 'none' } });
      const empty = await primary.transaction(
        async (tx) => (await tx.query('SELECT COUNT(*) AS n FROM users')).rows,
      );
      expect(empty.position).toEqual({ kind: 'none' });
    });

    it('a transaction has the position of its COMMIT, and one that throws leaves nothing behind', async () => {
      const [kept, dropped] = [email(), email()];
      const { value, position } = await primary.transaction(async (tx) => {
        await tx.query(insertSql(), ['A', kept]);
        return (await tx.query(countSql(), [kept])).rows[0]?.n;
      });
      expect(value).toBe(1);
      await lab.waitUntilCovered('db-2', known(position));
      expect(await count(replica, kept)).toBe(1);

      const failed = primary.transaction(async (tx) => {
        await tx.query(insertSql(), ['A', dropped]);
        throw new RangeError('mine');
      });
      expect(await errorOf(failed)).toBeInstanceOf(RangeError);
      expect(await count(primary, dropped)).toBe(0);
      expect(primary.stats().busy).toBe(0);
    });

    it.runIf(engine === 'mariadb')(
      'INSERT … RETURNING is unknown by itself, and known in a transaction',
      async () => {
        const sql = `${insertSql()} RETURNING id`;
        const alone = await primary.write(sql, ['A', email()]);
        expect(alone.rows[0]?.id).toBeGreaterThan(0);
        expect(alone.position.kind).toBe('unknown');
        const inside = await primary.transaction((tx) => tx.query(sql, ['A', email()]));
        expect(inside.position.kind).toBe('known');
      },
    );

    it.runIf(engine === 'postgres')('INSERT … RETURNING is known, also below a WITH', async () => {
      const { rows, position } = await primary.write(`${insertSql()} RETURNING id, created_at`, [
        'A',
        email(),
      ]);
      expect(rows[0]?.created_at).toBeInstanceOf(Date);
      expect(position.kind).toBe('known');
      const nested = `WITH added AS (${insertSql()} RETURNING id) SELECT id FROM added WHERE id < 0`;
      expect((await primary.write(nested, ['A', email()])).position.kind).toBe('known');
    });

    it(`${LOOPS} times: the replica shows the row as soon as it says that it holds the position`, async () => {
      await using monitor = await lab.client.connect(
        lab.cluster.endpoint('db-2'),
        lab.cluster.accounts.monitor,
        {
          database: lab.cluster.database,
        },
      );
      let shownAtOnce = 0;
      for (let i = 0; i < LOOPS; i += 1) {
        const address = email();
        const position =
          i % 3 === 0
            ? known((await primary.transaction((tx) => tx.query(insertSql(), ['T', address]))).position)
            : known((await insert(primary, address)).position);
        if ((await count(replica, address)) === 1) shownAtOnce += 1;
        const covered = await waitFor(
          async () => lab.client.positions.covers((await lab.client.probe(monitor)).position, position),
          { timeoutMs: 3000, everyMs: 1 },
        );
        expect(covered, `write ${i} at ${position}`).toBe(true);
        expect(await count(replica, address), `write ${i} at ${position}`).toBe(1);
      }
      expect(shownAtOnce, 'the loop proves nothing when the replica is never behind').toBeLessThan(LOOPS);
    });
  });

  describe.each(['db-1', 'db-2'])('the upper bound of a read of %s', (node) => {
    const selectSql = `SELECT id${engine === 'postgres' ? ', xmin::text AS xid' : ''} FROM users ORDER BY id DESC LIMIT 8`;

    it('covers every row that the read saw, under concurrent writes', async () => {
      const start = (await lab.probe('db-1')).position;
      const positionOfId = new Map<string, Position>();
      const seen: { rows: readonly Row[]; bound: Position }[] = [];
      let writing = true;
      const writer = async (): Promise<void> => {
        for (let i = 0; i < 150; i += 1) {
          const { position, insertId } = await insert(primary);
          positionOfId.set(String(insertId), known(position));
        }
      };
      const reader = async (pool: NodePool): Promise<void> => {
        while (writing) {
          const { rows, upperBound } = await pool.read(selectSql, [], { withUpperBound: true });
          seen.push({ rows, bound: upperBound! });
        }
      };
      const reading = [1, 2].map(() => reader(node === 'db-1' ? lab.pool('db-1', 'read') : replica));
      await Promise.all([writer(), writer(), writer()]);
      writing = false;
      await Promise.all(reading);

      const truth = engine === 'postgres' ? await commitEnds(lab, start) : positionOfId;
      let judged = 0;
      for (const { rows, bound } of seen) {
        for (const row of rows) {
          const position = truth.get(String(engine === 'postgres' ? row.xid : row.id));
          if (!position) continue;
          judged += 1;
          const covered = lab.client.positions.covers(bound, position);
          expect(covered, `row ${row.id} at ${position}, bound ${bound}`).toBe(true);
        }
      }
      expect(judged).toBeGreaterThan(500);
    });
  });

  describe('values', () => {
    it('times are Dates in UTC, ids are numbers, and numbers can be limits', async () => {
      const before = Date.now();
      const address = email();
      await insert(primary, address);
      const { rows } = await primary.read(
        lab.sql('SELECT id, created_at FROM users WHERE email = ? LIMIT ?'),
        [address, 1],
      );
      expect(rows).toHaveLength(1);
      expect(typeof rows[0]?.id).toBe('number');
      const created = (rows[0]!.created_at as Date).getTime();
      expect(created).toBeGreaterThanOrEqual(before - 1000);
      expect(created).toBeLessThanOrEqual(Date.now() + 1000);
    });

    it('a Date, a bigint, null and text with quotes come back as they were sent', async () => {
      const when = new Date('2026-03-29T01:30:00.123Z'); // in the hour that Europe's clocks leave out
      const big = 9007199254740993n;
      const sql =
        engine === 'postgres'
          ? 'SELECT $1::timestamptz AS at, $2::bigint AS big, $3::text AS nothing, $4::text AS text'
          : 'SELECT CAST(? AS DATETIME(3)) AS at, CAST(? AS SIGNED) AS big, ? AS nothing, ? AS text';
      const { rows } = await primary.read(sql, [when, big, null, "O'Brien \\ \u{1F980}"]);
      expect(rows[0]).toEqual({ at: when, big: big.toString(), nothing: null, text: "O'Brien \\ \u{1F980}" });
    });
  });

  describe('errors', () => {
    it('a duplicate names its key', async () => {
      const address = email();
      await insert(primary, address);
      expect(await errorOf(insert(primary, address))).toMatchObject({
        code: 'unique-violation',
        constraint: 'users_email_key',
      });
    });

    it('what no retry mends is bad-statement, what the account may not do is access-denied', async () => {
      expect(await errorOf(primary.read('SELEC 1', []))).toMatchObject({ code: 'bad-statement' });
      expect(await errorOf(primary.read('SELECT * FROM no_such_table_at_all', []))).toMatchObject({
        code: expect.stringMatching(/bad-statement|access-denied/), // MySQL does not say whether it exists
      });
      expect(await errorOf(primary.write('INSERT INTO lab_marker (id) VALUES (77)', []))).toMatchObject({
        code: 'access-denied',
      });
      const wrong = lab.client.connect(lab.cluster.endpoint('db-1'), { user: 'app', password: 'wrong' });
      expect(await errorOf(wrong)).toMatchObject({ code: 'access-denied' });
      const nobody = lab.client.connect(
        { name: 'x', host: '127.0.32.250', port: 1 },
        lab.cluster.accounts.app,
      );
      expect(await errorOf(nobody)).toMatchObject({ code: 'connect-failed' });
    });

    it('a replica refuses writes, and so does a read pool of the primary', async () => {
      expect(await errorOf(insert(lab.pool('db-2', 'write')))).toMatchObject({ code: 'read-only' });
      const { app } = lab.cluster.accounts; // the account may write, so only the session's mode can refuse
      const reading = lab.client.createPool(lab.cluster.endpoint('db-1'), app, {
        database: lab.cluster.database,
        mode: 'read',
        size: 1,
        queueLimit: 0,
        connectTimeoutMs: 2000,
        acquireTimeoutMs: 1000,
      });
      expect(await errorOf(insert(reading))).toMatchObject({ code: 'read-only' });
      expect(await errorOf(reading.transaction((tx) => tx.query(insertSql(), ['A', email()])))).toMatchObject(
        { code: 'read-only' },
      );
      await reading.close();
    });

    it("two transactions in each other's way: one of them is a deadlock, and nothing of it stays", async () => {
      const [a, b] = [email(), email()];
      await insert(primary, a);
      await insert(primary, b);
      const update = lab.sql('UPDATE users SET version = version + 1 WHERE email = ?');
      let arrived = 0;
      const meet = () => waitFor(() => arrived === 2, { timeoutMs: 5000, everyMs: 2 });
      const crossing = (first: string, second: string) =>
        primary.transaction(async (tx) => {
          await tx.query(update, [first]);
          arrived += 1;
          await meet();
          await tx.query(update, [second]).catch(() => {}); // swallowed: the transaction must fail all the same
        });
      const outcomes = await Promise.allSettled([crossing(a, b), crossing(b, a)]);
      const failures = outcomes.filter((o) => o.status === 'rejected').map((o) => o.reason.code);
      expect(failures).toEqual(['deadlock']);
      const { rows } = await primary.read(lab.sql('SELECT version FROM users WHERE email IN (?, ?)'), [a, b]);
      expect(rows).toEqual([{ version: 2 }, { version: 2 }]);
    });
  });

  describe('bounds', () => {
    it('a full pool with a full queue refuses at once', async () => {
      const small = lab.pool('db-1', 'read', { size: 1, queueLimit: 1, acquireTimeoutMs: 5000 });
      const busy = [small.read(sleepSql(0.3), []), small.read('SELECT 1', [])];
      await waitFor(() => small.stats().busy === 1, { timeoutMs: 2000, everyMs: 5 });
      const started = performance.now();
      expect(await errorOf(small.read('SELECT 1', []))).toMatchObject({ code: 'overloaded' });
      expect(performance.now() - started).toBeLessThan(50);
      await Promise.all(busy);
    });

    it('a read ends at its timeout, its connection is gone, and the pool goes on', async () => {
      const small = lab.pool('db-1', 'read', { size: 1 });
      const connectionId =
        engine === 'postgres' ? 'SELECT pg_backend_pid() AS id' : 'SELECT CONNECTION_ID() AS id';
      const before = (await small.read(connectionId, [])).rows[0]?.id;
      const started = performance.now();
      expect(await errorOf(small.read(sleepSql(3), [], { timeoutMs: 150 }))).toMatchObject({
        code: 'timeout',
      });
      expect(performance.now() - started).toBeLessThan(600);
      expect(small.stats()).toEqual({ size: 0, idle: 0, busy: 0, waiting: 0 });
      const after = (await small.read(connectionId, [])).rows[0]?.id;
      expect(after).not.toBe(before);
    });

    it('an abort ends a call in the same way; a write that was sent has an unknown outcome', async () => {
      const controller = new AbortController();
      const slowRead = errorOf(primary.read(sleepSql(3), [], { signal: controller.signal }));
      const slowInsert = lab.sql(
        `INSERT INTO users (name, email) SELECT 'Slow', ? FROM (${sleepSql(3)}) AS slow`,
      );
      const slowWrite = errorOf(primary.write(slowInsert, [email()], { signal: controller.signal }));
      await waitFor(() => primary.stats().busy === 2, { timeoutMs: 2000, everyMs: 5 });
      setTimeout(() => controller.abort(), 50);
      expect(await slowRead).toMatchObject({ code: 'aborted' });
      expect(await slowWrite).toMatchObject({ code: 'outcome-unknown', cause: { code: 'aborted' } });
      expect(await errorOf(primary.read('SELECT 1', [], { signal: controller.signal }))).toMatchObject({
        code: 'aborted',
      });
    });

    it('a transaction that runs out of time is rolled back, whatever its work does', async () => {
      const address = email();
      const hanging = primary.transaction(
        async (tx) => {
          await tx.query(insertSql(), ['A', address]);
          await new Promise(() => {});
        },
        { timeoutMs: 150 },
      );
      expect(await errorOf(hanging)).toMatchObject({ code: 'timeout' });
      await waitFor(async () => (await primary.read('SELECT 1', [])).rows.length === 1, { timeoutMs: 2000 });
      expect(await count(primary, address)).toBe(0);
    });

    it('close waits for who is busy and refuses who comes later', async () => {
      const pool = lab.pool('db-1', 'read');
      const last = pool.read(sleepSql(0.2), []);
      await waitFor(() => pool.stats().busy === 1, { timeoutMs: 2000, everyMs: 5 });
      const closing = pool.close();
      expect(await errorOf(pool.read('SELECT 1', []))).toMatchObject({ code: 'connect-failed' });
      expect((await last).rows).toHaveLength(1);
      await closing;
      expect(pool.stats()).toEqual({ size: 0, idle: 0, busy: 0, waiting: 0 });
    });
  });

  describe('borrowed sessions', () => {
    it('leave nothing to the next borrower', async () => {
      const single = lab.pool('db-1', 'write', { size: 1 });
      expect(await errorOf(single.write('BEGIN', []))).toMatchObject({ code: 'bad-statement' });
      expect(await errorOf(single.read('SET SESSION x = 1', []))).toMatchObject({ code: 'bad-statement' });
      expect(await errorOf(single.read('SELECT 1; SELECT 2', []))).toMatchObject({ code: 'bad-statement' });
      let escaped: ((sql: string) => Promise<unknown>) | undefined;
      await errorOf(
        single.transaction(async (tx) => {
          escaped = (sql) => tx.query(sql);
          await tx.query(insertSql(), ['A', email()]);
          throw new Error('mine');
        }),
      );
      expect(await errorOf(escaped!('SELECT 1'))).toMatchObject({ code: 'bad-statement' });
      const address = email();
      await insert(single, address); // autocommitted: another connection sees it
      expect(await count(lab.pool('db-1', 'read'), address)).toBe(1);
    });

    it.runIf(engine === 'postgres')(
      'one whose synchronous_commit was changed behind our back is not lent again',
      async () => {
        const single = lab.pool('db-1', 'write', { size: 1 });
        const pid = async () => (await single.read('SELECT pg_backend_pid() AS id', [])).rows[0]?.id;
        const before = await pid();
        const sneaky = await single.write("SELECT set_config('synchronous_commit', 'off', false)", []);
        expect(sneaky.position.kind).toBe('unknown');
        expect(await pid()).not.toBe(before);
      },
    );
  });
});
