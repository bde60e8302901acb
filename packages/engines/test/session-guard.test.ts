import { describe, expect, it } from 'vitest';
import { refuseSessionStatement } from '../src/session/guard.ts';

const refused = (sql: string, inside: Parameters<typeof refuseSessionStatement>[1] = null) => {
  try {
    refuseSessionStatement(sql, inside);
    return false;
  } catch {
    return true;
  }
};

describe('statements that a borrowed connection must not run', () => {
  it.each([
    'BEGIN',
    'start transaction',
    'COMMIT',
    'rollback',
    'SET autocommit = 0',
    '  SET x = 1',
    '-- hello\nSET x = 1',
    '/* a */ /* b */ SET x = 1',
    '# c\nSET x=1',
    '/*!40101 SET x = 1 */',
    '/*M!100100 SET x = 1 */',
    ';SET x = 1',
    '/* /* */ */ SET x = 1',
    'LOCK TABLES t WRITE',
    'use other',
    'xa start 1',
    'LISTEN c',
    'discard all',
    'PREPARE p FROM 1',
  ])('%j is refused', (sql) => {
    expect(refused(sql)).toBe(true);
    for (const inside of ['read-write', 'read-only'] as const) expect(refused(sql, inside)).toBe(true);
  });

  it.each([
    'SELECT 1',
    'insert into settings values (1)',
    'WITH a AS (SELECT 1) SELECT * FROM a',
    'UPDATE t SET x = 1',
    '/* SET */ SELECT 1',
    '(SELECT 1)',
    'beginning',
    'EXPLAIN SELECT 1',
  ])('%j is not', (sql) => {
    expect(refused(sql)).toBe(false);
  });

  it.each([
    'SAVEPOINT a',
    'RELEASE SAVEPOINT a',
    'ROLLBACK TO a',
    'rollback work to savepoint a',
    'SET LOCAL lock_timeout = 1',
  ])('%j is at home in a transaction, and nowhere else', (sql) => {
    for (const inside of ['read-write', 'read-only'] as const) expect(refused(sql, inside)).toBe(false);
    expect(refused(sql)).toBe(true);
  });

  it.each([
    'SET LOCAL transaction_read_only = off',
    'set  local "transaction_read_only" to off',
    'SET LOCAL /* */ transaction_read_only = off',
    'SET LOCAL U&"\\0074ransaction_read_only" = off',
  ])('%j would open a READ ONLY transaction to writes', (sql) => {
    expect(refused(sql, 'read-only')).toBe(true);
    expect(refused(sql, 'read-write')).toBe(false);
  });

  it('takes no time over a long hostile text', () => {
    const started = performance.now();
    refused(`${'/*'.repeat(100_000)}SET`);
    refused(`${'-- \n'.repeat(100_000)}SET x = 1`);
    expect(performance.now() - started).toBeLessThan(500);
  });
});
