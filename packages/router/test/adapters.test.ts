import { EngineError } from '@replication-lab/engines';
import { describe, expect, test } from 'vitest';
import { parseControl } from '../src/adapters/control.ts';
import { asDriverError } from '../src/adapters/driver-error.ts';
import { mysqlParams, postgresParams } from '../src/adapters/params.ts';
import { RouterError } from '../src/types.ts';

describe('the texts that begin and end transactions', () => {
  test.each([
    ['begin', { kind: 'begin', modes: {} }],
    ['BEGIN TRANSACTION;', { kind: 'begin', modes: {} }],
    ['begin work', { kind: 'begin', modes: {} }],
    ['start transaction', { kind: 'begin', modes: {} }],
    ['begin read only', { kind: 'begin', modes: { readOnly: true } }],
    ['start transaction read write', { kind: 'begin', modes: { readOnly: false } }],
    [
      'start transaction isolation level repeatable read read only',
      { kind: 'begin', modes: { isolation: 'repeatable read', readOnly: true } },
    ],
    [
      'begin isolation level serializable read only deferrable',
      { kind: 'begin', modes: { isolation: 'serializable', readOnly: true, deferrable: true } },
    ],
    ['begin not deferrable', { kind: 'begin', modes: { deferrable: false } }],
    [
      'start transaction with consistent snapshot, read only',
      { kind: 'begin', modes: { snapshot: true, readOnly: true } },
    ],
    [
      'set transaction isolation level read committed, read only',
      { kind: 'set-transaction', modes: { isolation: 'read committed', readOnly: true } },
    ],
    ['  Commit\n ; ', { kind: 'commit' }],
    ['commit and no chain', { kind: 'commit' }],
    ['end', { kind: 'commit' }],
    ['rollback', { kind: 'rollback' }],
    ['abort transaction', { kind: 'rollback' }],
  ])('%s', (sql, control) => expect(parseControl(sql)).toEqual(control));

  test.each([
    'select 1',
    'savepoint sp1',
    'rollback to savepoint sp1',
    'rollback to sp1',
    'release sp1',
    'beginning',
    'begin; drop table users',
    'commit; select 1',
    'begin isolation level chaos',
    'begin read only nonsense',
    'commit and chain',
    'commit prepared x',
    'rollback prepared x',
    'set session transaction read only',
    'set transaction',
    'begin /* a comment */',
    `begin ${'read only, '.repeat(100)}`,
  ])('is none, or none that is understood: %s', (sql) => expect(parseControl(sql)).toBeNull());
});

describe('parameters', () => {
  test('of pg: arrays stay arrays, with times as text; other objects are JSON; undefined is NULL', () => {
    const bytes = Buffer.from('abc');
    const time = new Date(0);
    const range = { toPostgres: () => '[1,2)' };
    expect(postgresParams([1, 'a', null, undefined, 2n, true, time, bytes, range])).toEqual([
      1,
      'a',
      null,
      null,
      2n,
      true,
      time,
      bytes,
      range,
    ]);
    expect(postgresParams([[1, [time]], { a: [1] }])).toEqual([
      [1, ['1970-01-01T00:00:00.000Z']],
      '{"a":[1]}',
    ]);
    expect(postgresParams()).toEqual([]);
  });

  test('of mysql2: bytes are a Buffer, lists and objects are refused', () => {
    expect(mysqlParams([1, undefined, new Uint8Array([97])])).toEqual([1, null, Buffer.from('a')]);
    for (const value of [[1, 2], { a: 1 }]) {
      expect(() => mysqlParams([value])).toThrow(expect.objectContaining({ code: 'bad-statement' }));
    }
  });
});

describe('what the caller of a pool sees of an error', () => {
  const endpoint = { name: 'db-1', host: '127.0.0.1', port: 1 };
  class DatabaseError extends Error {
    readonly severity = 'ERROR';
    readonly code = '23505';
    readonly constraint = 'users_email_key';
  }

  test("a server's refusal is the driver's error, with the EngineError as its cause", () => {
    const driver = new DatabaseError('duplicate key');
    const engine = new EngineError('unique-violation', 'db-1: duplicate key', { endpoint, cause: driver });
    const seen = asDriverError(engine);
    expect(seen).toBeInstanceOf(DatabaseError);
    expect(seen).toMatchObject({
      message: 'duplicate key',
      code: '23505',
      constraint: 'users_email_key',
      severity: 'ERROR',
      cause: engine,
    });
    expect(driver.cause).toBeUndefined();
    expect((seen as Error).stack).toContain('duplicate key');
  });

  test('everything else passes unchanged', () => {
    const driver = Object.assign(new Error('gone'), { severity: 'FATAL', code: '57P01' });
    const errors = [
      new RouterError('outcome-unknown', 'nobody knows', new EngineError('outcome-unknown', 'x')),
      new EngineError('outcome-unknown', 'x', { cause: driver }),
      new EngineError('connection-lost', 'x', { cause: driver }),
      new EngineError('timeout', 'x'),
      new EngineError('bad-statement', 'refused by the driver', { cause: new TypeError('x') }),
      new Error('mine'),
      undefined,
    ];
    for (const error of errors) expect(asDriverError(error)).toBe(error);
  });
});
