import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Connection, NodePool } from '../src/index.ts';
import { availableEngines } from '../src/testing/index.ts';
import { ClientCluster, errorOf } from './support/client-cluster.ts';

const { engines } = await availableEngines();
/** Writes that were disturbed. */
const ENOUGH = 30;
const INSERT = 'INSERT INTO entry (id, note) VALUES ($1, $2)';

/** From its second write on, a session sends a plain write as one transaction with the question where it was committed. */
describe.runIf(engines.includes('postgres'))('plain writes of PostgreSQL', () => {
  let lab: ClientCluster;
  let admin: Connection;
  let pool: NodePool;
  let nextId = 1000;

  const insert = (id: number, note: string | null = 'x') => pool.write(INSERT, [id, note]);
  const notes = async (id: number) =>
    (await admin.query('SELECT note FROM entry WHERE id = $1', [id])).rows.map(({ note }) => note);
  /** The one session is as it was: idle, in no transaction, with the same backend. */
  const backend = async () => (await pool.read('SELECT pg_backend_pid() AS pid', [])).rows[0]?.pid;
  const stateOf = async (pid: unknown) =>
    (await admin.query('SELECT state FROM pg_stat_activity WHERE pid = $1', [Number(pid)])).rows[0]?.state;

  beforeAll(async () => {
    lab = await ClientCluster.start('postgres', { subnet: '127.0.43', nodes: 1 });
    admin = await lab.cluster.admin('db-1');
    await admin.query(`
      CREATE TABLE entry (id integer PRIMARY KEY, note text);
      CREATE TABLE parent (id integer PRIMARY KEY);
      CREATE TABLE child (id integer PRIMARY KEY, parent integer REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
      GRANT SELECT, INSERT, UPDATE, DELETE ON entry, parent, child TO app;
      CREATE FUNCTION drop_prepared() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN IF NEW.note = 'drop' THEN EXECUTE 'DEALLOCATE ALL'; END IF; RETURN NEW; END $$;
      CREATE FUNCTION drop_all() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$;
      CREATE TRIGGER drop_prepared BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION drop_prepared()`);
    pool = lab.pool('db-1', 'write', { size: 1 });
    for (let i = 0; i < 5; i += 1) await insert(nextId++);
  });
  afterAll(async () => {
    await pool?.close();
    admin?.destroy();
    await lab?.[Symbol.asyncDispose]();
  });

  it('are acknowledged with a position that covers the one before', async () => {
    const { positions } = lab.client;
    const first = (await insert(1)).position;
    const second = (await insert(2)).position;
    if (first.kind !== 'known' || second.kind !== 'known') throw new Error('the positions are not known');
    expect(positions.covers(second.position, first.position)).toBe(true);
    expect(positions.covers(first.position, second.position)).toBe(false);
    expect(await notes(2)).toEqual(['x']);
  });

  it('bring rows, counts and columns as others do', async () => {
    const sql = 'INSERT INTO entry (id, note) VALUES ($1, $2), ($3, NULL) RETURNING id, note, true AS ok';
    const result = await pool.write(sql, [10, 'ten', 11]);
    expect(result.rows).toEqual([
      { id: 10, note: 'ten', ok: true },
      { id: 11, note: null, ok: true },
    ]);
    expect(result.affectedRows).toBe(2);
    const update = 'UPDATE entry SET note = $1 WHERE id = $2 RETURNING note, note';
    expect(await pool.write(update, ['TEN', 10], { rowMode: 'array' })).toMatchObject({
      arrays: [['TEN', 'TEN']],
      columns: ['note', 'note'],
      command: 'UPDATE',
      position: { kind: 'known' },
    });
    expect(await pool.write('DELETE FROM entry WHERE id = $1', [-1])).toMatchObject({
      affectedRows: 0,
      position: { kind: 'none' },
    });
  });

  it('take whatever value the driver takes, and refuse others before anything is sent', async () => {
    const json = (value: unknown) =>
      pool.write('INSERT INTO entry (id, note) VALUES ($1, $2::json->>$3)', [nextId++, value as string, 'a']);
    const circular: { self?: unknown } = {};
    circular.self = circular;
    for (let i = 0; i < 4; i += 1) {
      expect((await json({ a: 'b' })).affectedRows).toBe(1);
      expect(await errorOf(json(circular))).toMatchObject({ code: 'bad-statement' });
    }
    const bytes = pool.write('INSERT INTO entry (id, note) VALUES ($1, encode($2, $3))', [
      ...[nextId, Buffer.from([0, 255])],
      'hex',
    ]);
    expect((await bytes).position.kind).toBe('known');
    expect(await notes(nextId++)).toEqual(['00ff']);
  });

  it('whose rows the caller cannot read are not called failed, nor done again', async () => {
    const parse = () => {
      throw Object.assign(new Error('no parser'), { code: '26000' });
    };
    for (const returning of ['RETURNING id', 'RETURNING id, note']) {
      for (let i = 0; i < 5; i += 1) {
        const types = { getTypeParser: () => parse };
        const written = pool.write(`${INSERT} ${returning}`, [nextId++, 'x'], { types });
        expect(await errorOf(written)).toMatchObject({ code: 'outcome-unknown' });
      }
    }
    const written = pool.write(
      'WITH n AS (SELECT 1) INSERT INTO entry (id) SELECT $1 FROM n RETURNING id',
      [nextId++],
      {
        types: { getTypeParser: () => parse },
      },
    );
    expect(await errorOf(written)).toMatchObject({ code: 'outcome-unknown' });
    const { rows } = await admin.query('SELECT count(*) AS n FROM entry WHERE id >= $1', [nextId - 11]);
    expect(rows).toEqual([{ n: 11 }]);
  });

  it('with too few values are refused', async () => {
    for (let i = 0; i < 3; i += 1)
      expect(await errorOf(pool.write(INSERT, [1]))).toMatchObject({ code: 'bad-statement' });
  });

  it('that fail leave no transaction behind, and their session', async () => {
    const before = await backend();
    for (let i = 0; i < 5; i += 1) {
      expect(await errorOf(insert(1))).toMatchObject({ code: 'unique-violation', constraint: 'entry_pkey' });
      expect(await stateOf(before)).toBe('idle');
      expect(await errorOf(pool.write('INSERT INTO nowhere VALUES (1)', []))).toMatchObject({
        code: 'bad-statement',
      });
    }
    expect((await insert(nextId++)).position.kind).toBe('known');
    expect(await backend()).toBe(before);
  });

  it('that fail at the commit are not there, and leave their session', async () => {
    const before = await backend();
    for (let i = 0; i < 3; i += 1) {
      const orphan = pool.write('INSERT INTO child (id, parent) VALUES (1, 99)', []);
      expect(await errorOf(orphan)).toMatchObject({ code: 'bad-statement' });
    }
    const { rows } = await admin.query('SELECT count(*) AS n FROM child');
    expect(rows).toEqual([{ n: 0 }]);
    expect((await insert(nextId++)).position.kind).toBe('known');
    expect(await backend()).toBe(before);
  });

  it('during which all prepared statements were dropped are done once', async () => {
    const before = await backend();
    expect((await insert(20, 'drop')).affectedRows).toBe(1);
    expect(await notes(20)).toEqual(['drop']);
    expect(await backend()).not.toBe(before); // a session that has lost something is not lent again
    for (let id = 21; id < 26; id += 1) expect((await insert(id)).affectedRows).toBe(1);
  });

  it('before which all prepared statements were dropped are done once', async () => {
    for (let i = 0; i < 5; i += 1) await insert(nextId++);
    const before = await backend();
    await pool.read('SELECT drop_all()', []);
    expect((await insert(30)).affectedRows).toBe(1);
    expect(await notes(30)).toEqual(['x']);
    expect(await backend()).not.toBe(before);
  });

  it('after which nobody may ask for the position are acknowledged, without one', async () => {
    await insert(nextId++);
    await admin.query('REVOKE EXECUTE ON FUNCTION pg_current_wal_flush_lsn() FROM PUBLIC');
    try {
      const { affectedRows, position } = await insert(40);
      expect({ affectedRows, position: position.kind }).toEqual({ affectedRows: 1, position: 'unknown' });
      expect(await notes(40)).toEqual(['x']);
    } finally {
      await admin.query('GRANT EXECUTE ON FUNCTION pg_current_wal_flush_lsn() TO PUBLIC');
    }
    expect((await insert(nextId++)).position.kind).toBe('known');
  });

  it('are refused as read-only by a node that is closed', async () => {
    await admin.query("ALTER SYSTEM SET default_transaction_read_only = 'on'");
    await admin.query('SELECT pg_reload_conf()');
    try {
      await expect.poll(() => insert(nextId++).catch(({ code }) => code)).toBe('read-only'); // from the reload on
      expect(await errorOf(insert(50))).toMatchObject({ code: 'read-only' });
      expect(await notes(50)).toEqual([]);
    } finally {
      await admin.query('ALTER SYSTEM RESET default_transaction_read_only');
      await admin.query('SELECT pg_reload_conf()');
    }
  });

  it.each(['pg_cancel_backend', 'pg_terminate_backend'])(
    'are what was said of them, whenever %s comes',
    async (end) => {
      const disturbed = lab.pool('db-1', 'write', { size: 2 });
      const said = { done: new Set<number>(), failed: new Set<number>(), unknown: new Set<number>() };
      const first = nextId;
      const deadlineMs = performance.now() + 30_000;
      const writer = async () => {
        while (said.failed.size + said.unknown.size < ENOUGH && performance.now() < deadlineMs) {
          const id = nextId++;
          const verdict = await disturbed.write(`${INSERT} RETURNING id`, [id, 'x']).then(
            () => 'done' as const,
            ({ code }) => (code === 'outcome-unknown' ? ('unknown' as const) : ('failed' as const)),
          );
          said[verdict].add(id);
        }
      };
      const writers = Promise.all([writer(), writer()]).then(() => disturbed.close());
      let isOver = false;
      void writers.finally(() => (isOver = true));
      while (!isOver) {
        await admin.query(`SELECT count(${end}(pid)) FROM pg_stat_activity
        WHERE application_name = 'replication-lab-write' AND state = 'active' AND random() < 0.6`);
      }
      await writers;
      const { rows } = await admin.query('SELECT id FROM entry WHERE id >= $1 AND id < $2', [first, nextId]);
      const there = new Set(rows.map(({ id }) => Number(id)));
      expect([...said.done].filter((id) => !there.has(id))).toEqual([]);
      expect([...said.failed].filter((id) => there.has(id))).toEqual([]);
      expect(said.done.size).toBeGreaterThan(0);
      expect(said.failed.size + said.unknown.size).toBeGreaterThanOrEqual(ENOUGH);
    },
  );

  it('that wait for a lock end with their deadline, and are not there', async () => {
    await insert(60, 'before');
    await admin.query('BEGIN');
    await admin.query('UPDATE entry SET note = $1 WHERE id = 60', ['theirs']);
    const waiting = pool.write('UPDATE entry SET note = $1 WHERE id = 60', ['ours'], { timeoutMs: 300 });
    expect(await errorOf(waiting)).toMatchObject({ code: 'outcome-unknown' });
    await admin.query('COMMIT');
    expect((await insert(nextId++)).affectedRows).toBe(1);
  });
});
