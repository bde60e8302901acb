import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Connection, NodePool } from '../src/index.ts';
import { availableEngines } from '../src/testing/index.ts';
import { ClientCluster, errorOf } from './support/client-cluster.ts';

const { engines } = await availableEngines();
const BY_ID = 'SELECT * FROM thing WHERE id = $1';
const OFTEN = 8; // more than it takes to be prepared, and than the server takes to settle for one plan
const DROP_ALL = 'SELECT drop_prepared()';

describe.runIf(engines.includes('postgres'))('reads that PostgreSQL keeps prepared', () => {
  let lab: ClientCluster;
  let admin: Connection;
  let pool: NodePool;

  const prepared = async (): Promise<number> => {
    const { rows } = await pool.read(
      `SELECT count(*) AS n FROM pg_prepared_statements WHERE statement LIKE '%thing%' AND statement NOT LIKE '%pg_%'`,
      [],
    );
    return Number(rows[0]?.n);
  };
  const read = async (id: number | string = 1) => (await pool.read(BY_ID, [id], { timeoutMs: 5000 })).rows;
  const readOften = async () => {
    for (let i = 0; i < OFTEN; i += 1) await read();
  };

  beforeAll(async () => {
    lab = await ClientCluster.start('postgres', { subnet: '127.0.43', nodes: 1 });
    admin = await lab.cluster.admin('db-1');
    await admin.query(`
      CREATE TABLE thing (id integer PRIMARY KEY, name text);
      INSERT INTO thing VALUES (1, 'one');
      GRANT SELECT ON thing TO app_ro;
      CREATE FUNCTION drop_prepared() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$`);
    pool = lab.pool('db-1', 'read', { size: 1 });
  });
  afterAll(async () => {
    admin?.destroy();
    await lab?.[Symbol.asyncDispose]();
  });

  it('what is asked again and again is prepared, once', async () => {
    expect(await read()).toEqual([{ id: 1, name: 'one' }]);
    expect(await prepared()).toBe(0);
    await readOften();
    expect(await prepared()).toBe(1);
  });

  it.each([
    ['a column is added', 'ALTER TABLE thing ADD COLUMN size integer', { id: 1, name: 'one', size: null }],
    ['a column is dropped', 'ALTER TABLE thing DROP COLUMN size', { id: 1, name: 'one' }],
    [
      'a column changes its type',
      'ALTER TABLE thing ALTER COLUMN name TYPE varchar(9)',
      { id: 1, name: 'one' },
    ],
    ['the parameter is wider now', 'ALTER TABLE thing ALTER COLUMN id TYPE bigint', { id: 1, name: 'one' }],
    ['the parameter is another now', 'ALTER TABLE thing ALTER COLUMN id TYPE text', { id: '1', name: 'one' }],
    [
      'the table is another one',
      "DROP TABLE thing; CREATE TABLE thing (id integer, other text); INSERT INTO thing VALUES (1, 'x'); GRANT SELECT ON thing TO app_ro",
      { id: 1, other: 'x' },
    ],
  ])('and shows what is there when %s', async (_what, ddl, expected) => {
    await readOften();
    await admin.query(ddl);
    expect(await read()).toEqual([expected]);
    if (/bigint/.test(ddl)) expect(await read(2 ** 40)).toEqual([]);
    await readOften();
    expect(await read()).toEqual([expected]);
  });

  it('a statement that fails in itself goes on failing, and the session goes on', async () => {
    const divide = (by: number) => pool.read('SELECT 1 / $1::int AS n FROM thing', [by]);
    for (let i = 0; i < OFTEN; i += 1) expect((await divide(1)).rows).toEqual([{ n: 1 }]);
    for (let i = 0; i < 3; i += 1) expect(await errorOf(divide(0))).toMatchObject({ code: 'bad-statement' });
    expect((await divide(1)).rows).toEqual([{ n: 1 }]);
    expect(pool.stats()).toMatchObject({ size: 1, idle: 1 });
  });

  it('statements that were dropped behind our back are not missed', async () => {
    await readOften();
    await pool.read(DROP_ALL, []);
    expect(await prepared()).toBe(0);
    expect(await read()).toHaveLength(1);
    const bounded = () => pool.read(BY_ID, [1], { withUpperBound: true });
    await bounded();
    await pool.read(DROP_ALL, []);
    expect(await errorOf(bounded())).toMatchObject({ code: 'bad-statement' });
    expect((await bounded()).upperBound).toBeDefined(); // in a session of its own
  });

  it('transactions do not depend on it', async () => {
    await readOften();
    await admin.query('ALTER TABLE thing ADD COLUMN extra integer');
    const { value } = await pool.readTransaction((tx) => tx.query(BY_ID, [1]));
    expect(value.rows).toEqual([{ id: 1, other: 'x', extra: null }]);
  });

  it('no session keeps more than 256', async () => {
    for (let text = 0; text < 300; text += 1) {
      for (let i = 0; i < 5; i += 1) await pool.read(`SELECT ${text} AS n FROM thing`, []);
    }
    expect(await prepared()).toBeLessThanOrEqual(256);
    expect(await prepared()).toBeGreaterThan(200);
  });

  it('a plain write is prepared too, and executed once whatever became of the table', async () => {
    await admin.query(`
      DROP TABLE IF EXISTS tally; CREATE TABLE tally (id integer, note text, PRIMARY KEY (id));
      GRANT SELECT, INSERT, UPDATE ON tally TO app`);
    const writer = lab.pool('db-1', 'write', { size: 1 });
    const insert = (id: number, note: string | number) =>
      writer.write('INSERT INTO tally (id, note) VALUES ($1, $2) RETURNING *', [id, note]);
    for (let id = 1; id <= OFTEN; id += 1) expect((await insert(id, 'x')).position.kind).toBe('known');
    await admin.query('ALTER TABLE tally ADD COLUMN more integer DEFAULT 7');
    expect((await insert(100, 'x')).rows).toEqual([{ id: 100, note: 'x', more: 7 }]);
    for (let id = 101; id <= 100 + OFTEN; id += 1) await insert(id, 'x');
    await admin.query('ALTER TABLE tally ALTER COLUMN note TYPE integer USING 1');
    expect((await insert(200, 5)).rows).toEqual([{ id: 200, note: 5, more: 7 }]);
    for (let i = 0; i < 3; i += 1) {
      expect(await errorOf(insert(200, 5))).toMatchObject({ code: 'unique-violation' });
      expect(await errorOf(insert(300, 'no number'))).toMatchObject({ code: 'bad-statement' });
    }
    const { rows } = await admin.query('SELECT count(*) AS n, count(DISTINCT id) AS ids FROM tally');
    expect(rows).toEqual([{ n: 2 * OFTEN + 2, ids: 2 * OFTEN + 2 }]);
    await writer.close();
  });
});
