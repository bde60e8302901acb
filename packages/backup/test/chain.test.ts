import type { Position } from '@replication-lab/engines';
import { describe, expect, test } from 'vitest';
import { chainEnds, chainsTo, piecesAfter } from '../src/decide/chain.ts';
import { mysql } from '../src/mysql/index.ts';
import { filesFor } from '../src/mysql-protocol/binlog.ts';
import { postgres } from '../src/postgres/index.ts';
import type { BaseRecord, LogRecord } from '../src/types.ts';

const at = (n: number): Position => `1/0/${n.toString(16).toUpperCase()}` as Position;

/** Copies and log where a place and a time go together: place 5 is at 5 s. */
const base = (id: string, place: number, more: Partial<BaseRecord> = {}): BaseRecord => ({
  ...{ kind: 'base', id, lineage: 'a', node: 'db-2', position: at(place), clockUs: place * 1e6 },
  ...{ takenMs: place * 1e3, bytes: 1, verified: null },
  ...more,
});
const log = (from: number, to: number, more: Partial<LogRecord> = {}): LogRecord => ({
  ...{ kind: 'log', id: `log ${from}-${to}`, lineage: 'a', node: 'db-2', from: at(from), to: at(to) },
  ...{ throughUs: to * 1e6 },
  ...more,
});
const any = { lineage: 'a', base: null };
const seconds = (n: number) => ({ kind: 'time', us: n * 1e6 }) as const;
const ids = (chains: ReturnType<typeof chainsTo>) =>
  chains.map(({ base: { id }, pieces }) => [id, ...pieces.map((piece) => piece.id)]);
const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'none';
};

describe('chainsTo', () => {
  const records = [base('one', 10), base('two', 20), log(10, 15), log(15, 25), log(25, 30)];

  test('begins with the newest copy before the target, and takes as much log as it needs', () => {
    expect(ids(chainsTo(seconds(24), records, postgres, any))).toEqual([
      ['two', 'log 15-25'],
      ['one', 'log 10-15', 'log 15-25'],
    ]);
    expect(ids(chainsTo({ kind: 'position', position: at(14) }, records, postgres, any))).toEqual([
      ['one', 'log 10-15'],
    ]);
  });

  test('a target at the very place of a copy needs no log', () => {
    expect(ids(chainsTo({ kind: 'position', position: at(20) }, records, postgres, any))[0]).toEqual(['two']);
  });

  test('a copy that was complete only after the target cannot lead to it', () => {
    expect(codeOf(() => chainsTo(seconds(9), records, postgres, any))).toBe('before-first-backup');
    expect(ids(chainsTo(seconds(19), records, postgres, any))).toEqual([['one', 'log 10-15', 'log 15-25']]);
  });

  test('a gap in the log is never jumped', () => {
    const withGap = [base('one', 10), log(10, 15), log(17, 30)];
    expect(codeOf(() => chainsTo(seconds(20), withGap, postgres, any))).toBe('log-not-archived');
    expect(ids(chainsTo(seconds(14), withGap, postgres, any))).toEqual([['one', 'log 10-15']]);
  });

  test('a piece that has all of the earlier ones makes them unnecessary', () => {
    const growing = [base('one', 10), log(8, 15), log(8, 20), log(8, 30), log(30, 35)];
    expect(ids(chainsTo(seconds(18), growing, postgres, any))).toEqual([['one', 'log 8-20']]);
    expect(ids(chainsTo(seconds(33), growing, postgres, any))).toEqual([['one', 'log 8-30', 'log 30-35']]);
  });

  test('log that was not archived so far is refused, by time and by place', () => {
    expect(codeOf(() => chainsTo(seconds(31), records, postgres, any))).toBe('log-not-archived');
    expect(codeOf(() => chainsTo({ kind: 'position', position: at(31) }, records, postgres, any))).toBe(
      'log-not-archived',
    );
  });

  test('whole seconds: the second must be over', () => {
    const mariadb = { ...postgres, tickUs: 1_000_000 };
    expect(codeOf(() => chainsTo(seconds(30), records, mariadb, any))).toBe('log-not-archived');
    expect(ids(chainsTo(seconds(29), records, mariadb, any))[0]).toEqual(['two', 'log 15-25', 'log 25-30']);
  });

  test('another history is not mixed in', () => {
    const other = [base('other', 12, { lineage: 'b' }), log(12, 40, { lineage: 'b' })];
    expect(ids(chainsTo(seconds(29), [...records, ...other], postgres, any))[0]?.[0]).toBe('two');
    expect(codeOf(() => chainsTo(seconds(35), [...records, ...other], postgres, any))).toBe(
      'log-not-archived',
    );
    expect(codeOf(() => chainsTo(seconds(5), [], postgres, any))).toBe('no-backup');
  });

  test('one copy and no other, when that is asked for', () => {
    expect(ids(chainsTo(seconds(24), records, postgres, { lineage: null, base: 'one' }))).toHaveLength(1);
    expect(codeOf(() => chainsTo(seconds(24), records, postgres, { lineage: null, base: 'three' }))).toBe(
      'no-backup',
    );
  });
});

test('a piece that only says that nothing happened still counts by its time', () => {
  const idle = log(10, 10, { throughUs: 60e6 });
  expect(piecesAfter(base('one', 10), [idle], postgres)).toEqual([idle]);
  expect(chainEnds([base('one', 10), idle], 'a', postgres)).toEqual([at(10)]);
});

test('the archive goes on from where it ends for each copy, not only for the newest', () => {
  expect(chainEnds([log(1, 5)], 'a', postgres)).toEqual([]);
  expect(chainEnds([base('one', 10), log(8, 15)], 'a', postgres)).toEqual([at(15)]);
  expect(chainEnds([base('one', 10), log(12, 15)], 'a', postgres)).toEqual([at(10)]);
  expect(chainEnds([base('one', 10), log(10, 20), base('two', 100)], 'a', postgres)).toEqual([
    at(100),
    at(20),
  ]);
});

describe('filesFor', () => {
  const set = (last: number) => `3e11fa47-71ca-11e1-9e33-c80aa9429562:1-${last}` as Position;
  /** Newest first, as they are looked at. */
  const files = [90, 50, 1].map((start) => ({ name: `binlog of ${start}`, start: set(start) }));
  const first = (...ends: number[]) => filesFor(files, ends.map(set), mysql.joins)?.start;

  test('begins with the newest file that continues every copy: nothing between two copies is left out', () => {
    expect(first(100)).toBe(set(90));
    expect(first(100, 60)).toBe(set(50));
    expect(first(100, 20)).toBe(set(1));
  });

  test('leaves out a copy that no file continues, and takes all when none is continued', () => {
    const purged = files.slice(0, 2);
    expect(filesFor(purged, [set(100), set(20)], mysql.joins)?.start).toBe(set(90));
    expect(filesFor(purged, [set(20)], mysql.joins)?.start).toBe(set(50));
    expect(filesFor(purged, [], mysql.joins)?.start).toBe(set(50));
  });
});
