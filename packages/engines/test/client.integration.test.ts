import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineOf } from '../src/engines.ts';
import type { CapturedPosition, NodePool, Position, Row, Transaction } from '../src/index.ts';
import { availableEngines } from '../src/testing/index.ts';
import { waitFor } from '../src/wait-for.ts';
import { ClientCluster, errorOf, readLog } from './support/client-cluster.ts';

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

    it('sees what a replica has received and holds back', async () => {
      const { admin } = engineOf(engine);
      await using connection = await lab.cluster.admin('db-2');
      await admin.setApplyDelay(connection, 60);
      try {
        const position = known((await insert()).position);
        const { covers, distance } = lab.client.positions;
        const received = await waitFor(
          async () => {
            const node = await lab.probe('db-2');
            return covers(node.received, position) && node;
          },
          { timeoutMs: 5000, everyMs: 10 },
        );
        expect(received).toMatchObject({ role: 'replica', replicating: true });
        expect(covers(received!.position, position)).toBe(false);
        expect(distance(received!.position, position)).toBeGreaterThan(0);
        const lagging = async () => ((await lab.probe('db-2')).engineLagMs ?? 0) > 0;
        expect(await waitFor(lagging, { timeoutMs: 5000, everyMs: 50 })).toBe(true);
      } finally {
        await admin.setApplyDelay(connection, 0);
      }
      expect(await lab.waitUntilCovered('db-2', (await lab.probe('db-1')).position)).not.toBeNull();
      const caughtUp = async () => (await lab.probe('db-2')).engineLagMs === 0;
      expect(await waitFor(caughtUp, { timeoutMs: 5000, everyMs: 50 })).toBe(true);
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
          const work = (tx: Transaction) => tx.query(selectSql);
          const transaction = await pool.readTransaction(work, { withUpperBound: true });
          seen.push({ rows: transaction.value.rows, bound: transaction.upperBound! });
        }
      };
      const reading = [1, 2].map(() => reader(node === 'db-1' ? lab.pool('db-1', 'read') : replica));
      await Promise.all([writer(), writer(), writer()]);
      writing = false;
      await Promise.all(reading);

      const log = engine === 'postgres' ? await readLog(lab, start) : null;
      const truth = log?.commitEnds ?? positionOfId;
      let judged = 0;
      for (const { rows, bound } of seen) {
        const reached = log?.firstStop(bound) ?? bound;
        for (const row of rows) {
          const position = truth.get(String(engine === 'postgres' ? row.xid : row.id));
          if (!position) continue;
          judged += 1;
          const covered = lab.client.positions.covers(reached, position);
          expect(covered, `row ${row.id} at ${position}, bound ${bound}`).toBe(true);
        }
      }
      expect(judged).toBeGreaterThan(500);
    });
  });

  it('a replica refuses writes, and so does a read pool of the primary', async () => {
    expect(await errorOf(insert(lab.pool('db-2', 'write')))).toMatchObject({ code: 'read-only' });
    const { app } = lab.cluster.accounts; // the account may write, so only the session's mode can refuse
    const reading = lab.pool('db-1', 'read', {}, app);
    expect(await errorOf(insert(reading))).toMatchObject({ code: 'read-only' });
    const transaction = reading.transaction((tx) => tx.query(insertSql(), ['A', email()]));
    expect(await errorOf(transaction)).toMatchObject({ code: 'read-only' });
  });
});
