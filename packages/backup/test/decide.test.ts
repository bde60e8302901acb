import type { NodeProbe, Position } from '@replication-lab/engines';
import { getEngineClient } from '@replication-lab/engines/client';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareSums } from '../src/decide/compare.ts';
import { dumpsToForget, toForget } from '../src/decide/retention.ts';
import { chooseSource } from '../src/decide/source.ts';
import { parseTime, timeText } from '../src/decide/target.ts';
import { readLine } from '../src/mariadb/lines.ts';
import { gtidSetOf, lineReader } from '../src/mysql/gtids.ts';
import { postgres } from '../src/postgres/index.ts';
import { endsAtOrAfter, inOrder, parseSegment } from '../src/postgres/wal.ts';
import type { BaseRecord, DumpRecord, LogRecord } from '../src/types.ts';

const at = (n: number): Position => `1/0/${n.toString(16).toUpperCase()}` as Position;
const base = (day: number, verified = true): BaseRecord => ({
  ...{
    kind: 'base',
    id: `day ${day}`,
    lineage: 'a',
    node: 'db-2',
    position: at(day * 10),
    clockUs: day * 864e8,
  },
  ...{ takenMs: day * 864e5, bytes: 1, verified: verified ? { atMs: 0, position: at(1), rows: 1 } : null },
});
const log = (day: number): LogRecord => ({
  ...{ kind: 'log', id: `log ${day}`, lineage: 'a', node: 'db-2', from: at(day * 10), to: at(day * 10 + 9) },
  throughUs: (day + 0.9) * 864e8,
});

describe('toForget', () => {
  const records = [1, 2, 3, 4].flatMap((day) => [base(day), log(day)]);
  const gone = (keepLast: number, keepWithinMs: number | null, all = records) =>
    toForget(all, { keepLast, keepWithinMs }, 4.5 * 864e5, postgres).map(({ id }) => id);

  test('what is beyond number and age goes, with the log that only it needed', () => {
    expect(gone(2, null)).toEqual(['day 2', 'day 1', 'log 1', 'log 2']);
    expect(gone(1, 2 * 864e5)).toEqual(['day 2', 'day 1', 'log 1', 'log 2']);
    expect(gone(9, null)).toEqual([]);
  });

  test("the copies of a lab that was made anew do not drive out the old one's", () => {
    const old = { ...base(1), id: 'old', lineage: 'before' };
    expect(gone(1, null, [old, base(2), base(3)])).toEqual(['day 2']);
  });

  test('the newest proved copy stays, and one copy always', () => {
    const bad = [base(1), log(1), base(2, false), log(2), base(3, false), log(3)];
    expect(gone(1, null, bad)).toEqual(['day 2']);
    expect(gone(0, 0, [base(1, false)])).toEqual([]);
  });
});

test('dumps go by the same rule, and neither do copies go because of them nor they because of copies', () => {
  const dump = (day: number, proved = true): DumpRecord => ({
    ...{ kind: 'dump', id: `dump ${day}`, lineage: 'a', node: 'db-2', takenMs: day * 864e5, bytes: 1 },
    ...{ sha256: '', witness: null, notCompared: null },
    verified: proved ? { atMs: 0, position: null, rows: 1 } : null,
  });
  const all = [base(1), dump(1), base(2), dump(2), dump(3, false), dump(4, false)];
  const retention = { keepLast: 1, keepWithinMs: null };
  expect(dumpsToForget(all, retention, 5 * 864e5).map(({ id }) => id)).toEqual(['dump 3', 'dump 1']);
  expect(toForget(all, retention, 5 * 864e5, postgres).map(({ id }) => id)).toEqual(['day 1']);
});

describe('chooseSource', () => {
  const probe = (role: NodeProbe['role'], position: number): NodeProbe => ({
    ...{ role, readOnly: role !== 'primary', position: at(position), received: at(position), engineLagMs: 0 },
    ...{ replicating: role === 'primary' ? null : true, source: null, epoch: 1, serverId: '1' },
  });
  const { positions } = getEngineClient('postgres');
  const choose = (nodes: Record<string, NodeProbe | null>, last: string | null = null, mayLag = false) =>
    chooseSource(
      Object.entries(nodes).map(([name, p]) => ({ name, probe: p })),
      at(9),
      positions,
      last,
      mayLag,
    );

  test('a replica that has caught up; the one of last time when it is one', () => {
    const all = { 'db-1': probe('primary', 9), 'db-2': probe('replica', 9), 'db-3': probe('replica', 9) };
    expect(choose(all)).toEqual({ name: 'db-3', why: null });
    expect(choose(all, 'db-2')).toEqual({ name: 'db-2', why: null });
    expect(choose({ ...all, 'db-3': probe('replica', 8) })).toEqual({ name: 'db-2', why: null });
  });

  test('the primary only when no replica will do, and then it says so', () => {
    expect(choose({ 'db-1': probe('primary', 9), 'db-2': probe('replica', 8) })).toEqual({
      ...{ name: 'db-1', why: 'the primary: no replica has caught up' },
    });
    expect(choose({ 'db-1': probe('primary', 9), 'db-2': null })?.why).toBe(
      'the primary: there is no replica',
    );
    expect(choose({ 'db-1': null, 'db-2': probe('replica', 8) })).toBeNull();
  });

  test('where that will do, the replica that lacks least before the primary, if it is in its reign', () => {
    const behind = { 'db-1': probe('primary', 9), 'db-2': probe('replica', 8), 'db-3': probe('replica', 7) };
    expect(choose(behind, 'db-3', true)).toEqual({
      ...{ name: 'db-2', why: 'a replica that is behind: none has caught up' },
    });
    expect(choose({ ...behind, 'db-3': probe('replica', 9) }, null, true)?.name).toBe('db-3');
    const stopped = { ...probe('replica', 8), replicating: false };
    const old = { ...probe('replica', 8), epoch: 0 };
    expect(choose({ ...behind, 'db-2': stopped, 'db-3': old }, null, true)?.name).toBe('db-1');
  });
});

test('tables are compared by rows and values', () => {
  const sum = (table: string, rows: number, checksum: string) => ({ table, rows, checksum });
  expect(compareSums([sum('a', 2, 'x')], [sum('a', 2, 'x')])).toEqual({
    tables: 1,
    rows: 2,
    differences: [],
  });
  const { differences } = compareSums(
    [sum('a', 1, 'x'), sum('b', 2, 'y'), sum('c', 0, '0')],
    [sum('a', 2, 'x'), sum('b', 2, 'z'), sum('d', 1, 'q')],
  );
  expect(differences).toEqual([
    ...['a has 1 rows, not 2', 'b has other values in its 2 rows', 'c should not be there', 'd is missing'],
  ]);
});

test('times are read to the microsecond, with their zone, and printed so that they can be read again', () => {
  expect(timeText(parseTime('2026-11-29T00:30:05.123456Z'))).toBe('2026-11-29T00:30:05.123456Z');
  expect(parseTime('2026-11-29 01:30:05.5+01:00')).toBe(parseTime('2026-11-29T00:30:05.500000Z'));
  for (const text of ['2026-11-29T00:30:05', 'yesterday', '2026-13-01T00:00:00Z'])
    expect(() => parseTime(text), text).toThrow(/cannot read the time/);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e15 }), (us) => {
      expect(parseTime(timeText(us))).toBe(us);
    }),
  );
});

describe("what the engines' tools print", () => {
  const UUID = '0a000000-0000-0000-0000-000000000001';

  test('mysqlbinlog: when a transaction was committed on its primary, and its name', () => {
    const read = lineReader();
    expect(read('#261129  0:30:05 server id 1  end_log_pos 4 Anonymous_GTID')).toBeUndefined();
    expect(
      read('# original_commit_timestamp=1764376205123456 (2026-11-29 00:30:05.123456 UTC)'),
    ).toBeUndefined();
    expect(
      read('# immediate_commit_timestamp=1764376205999999 (2026-11-29 00:30:05.999999 UTC)'),
    ).toBeUndefined();
    expect(read(`SET @@SESSION.GTID_NEXT= '${UUID}:7'/*!*/;`)).toEqual({
      ...{ gtid: `${UUID}:7`, us: 1764376205123456 },
    });
    expect(read("SET @@SESSION.GTID_NEXT= 'AUTOMATIC' /* added by mysqlbinlog */ /*!*/;")).toBeUndefined();
  });

  test('GTID sets are built from names, with gaps and tags', () => {
    expect(gtidSetOf([`${UUID}:2`, `${UUID}:1`, `${UUID}:4`, `${UUID}:tag:7`])).toBe(
      `${UUID}:1-2:4,${UUID}:tag:7`,
    );
    expect(gtidSetOf([])).toBe('');
  });

  test('mariadb-binlog: name and second', () => {
    const line = '#261129  0:30:05 server id 1  end_log_pos 512 CRC32 0x0a0b0c0d \tGTID 0-1-5 trans';
    expect(readLine(line)).toEqual({ gtid: '0-1-5', us: Date.UTC(2026, 10, 29, 0, 30, 5) * 1000 });
    expect(
      readLine('#261129  0:30:05 server id 1  end_log_pos 512 CRC32 0x0a \tGtid list [0-1-5]'),
    ).toBeUndefined();
  });

  test('files of the WAL in the order of the log', () => {
    const bytes = 4n * 2n ** 20n;
    expect(parseSegment('00000002000000010000000A.partial', bytes)).toMatchObject({
      ...{ timeline: 2, start: (1n << 32n) + 10n * bytes, partial: true },
    });
    expect(parseSegment('00000002.history', bytes)).toBeNull();
    const names = ['000000020000000000000001', '000000010000000000000002', '000000010000000000000001'];
    expect(inOrder(names.map((name) => parseSegment(name, bytes)!)).map(({ file }) => file)).toEqual(
      names.toReversed(),
    );
  });

  test("log that ends at a page's end comes up to a place behind the next page's header, and no further", () => {
    const ends = (end: string, target: string) => endsAtOrAfter(end as Position, target as Position);
    expect(ends('1/0/5000100', '1/0/5000100')).toBe(true);
    expect(ends('1/0/50000F8', '1/0/5000100')).toBe(false);
    expect(ends('1/0/5002000', '1/0/5002018')).toBe(true);
    expect(ends('1/0/5002000', '1/0/5002040')).toBe(false);
  });
});
