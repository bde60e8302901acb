import { once } from 'node:events';
import { expect, test } from 'vitest';
import { classifyPostgres, isParserReady, loadPostgresParser } from '../src/classify/postgres/index.ts';

const reason = (sql: string) => classifyPostgres(sql, { safeFunctions: [] }).reason;

/** Calls `work` from every depth of an exhausted stack, from the bottom up. */
function fromTheBottom(work: () => void): void {
  try {
    fromTheBottom(work);
  } finally {
    work();
  }
}

test('a parser that has failed is never asked again: everything is unparsable, and a warning says so once', async () => {
  expect(reason('SELECT 1')).toBe('unparsable'); // not loaded yet
  expect(isParserReady()).toBe(false);
  await loadPostgresParser();
  expect(reason('SELECT 1')).toBe('pure-read');

  const warned = once(process, 'warning');
  const warnings: Error[] = [];
  process.on('warning', (warning) => warnings.push(warning));
  const seen = new Set<string>();
  const deep = `SELECT 1${' + 1'.repeat(900)}`; // for which the parser itself needs much of the stack
  expect(reason(deep)).toBe('pure-read');
  try {
    fromTheBottom(() => seen.add(reason(deep)));
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
  }
  const [warning] = await warned;
  expect(String(warning)).toMatch(/the PostgreSQL parser has failed/);
  expect([...seen]).toEqual(['unparsable']);
  expect(isParserReady()).toBe(false);
  expect(reason('SELECT 1')).toBe('unparsable');
  await loadPostgresParser();
  expect(reason('SELECT 1')).toBe('unparsable');
  expect(warnings).toHaveLength(1);
});
