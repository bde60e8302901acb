import { describe, expect, test } from 'vitest';
import { CLASSIFY_REASONS, classify, createClassifier, prepareClassifier } from '../src/classify/index.ts';

/** Where it goes to the primary, each verdict is made anew: the same object twice came out of the cache. */
const isKept = (classifier: (sql: string) => unknown, sql: string): boolean => {
  const first = classifier(sql);
  return classifier(sql) === first;
};

test('before the grammar is there postgres is unparsable, and that is not kept', async () => {
  const classifier = createClassifier('postgres');
  expect(classifier('SELECT 1')).toEqual({ target: 'primary', reason: 'unparsable' });
  expect(classify('SELECT 1', 'postgres').reason).toBe('unparsable');
  expect(isKept(classifier, 'DELETE FROM t')).toBe(false);
  await prepareClassifier('postgres');
  expect(classifier('SELECT 1')).toEqual({ target: 'any', reason: 'pure-read' });
  expect(classify('SELECT 1', 'postgres')).toEqual({ target: 'any', reason: 'pure-read' });
  expect(isKept(classifier, 'DELETE FROM t')).toBe(true);
});

test('each engine has its own classifier', async () => {
  await Promise.all([
    prepareClassifier('mysql'),
    prepareClassifier('mariadb'),
    prepareClassifier('postgres'),
  ]);
  for (const engine of ['mysql', 'mariadb', 'postgres'] as const) {
    expect(classify('SELECT name FROM users WHERE id = 1', engine).target, engine).toBe('any');
    expect(classify('DELETE FROM users', engine).target, engine).toBe('primary');
    expect(classify('SELECT id FROM users FOR UPDATE', engine).reason, engine).toBe('locking-clause');
  }
  expect(classify('SELECT $$a$$', 'postgres').target).toBe('any');
  expect(classify('SELECT `a` FROM b', 'postgres').reason).toBe('unparsable');
  expect(classify('SELECT `a` FROM b', 'mysql').target).toBe('any');
  expect(CLASSIFY_REASONS).toContain('pure-read');
});

test('options count for themselves, each time', async () => {
  await prepareClassifier('postgres');
  const sql = 'SELECT mine(1)';
  expect(classify(sql, 'postgres').target).toBe('primary');
  expect(classify(sql, 'postgres', { safeFunctions: ['mine'] }).target).toBe('any');
  expect(classify(sql, 'postgres', { safeFunctions: ['other'] }).target).toBe('primary');
  const safeFunctions = ['mine'];
  const classifier = createClassifier('postgres', { safeFunctions });
  safeFunctions.length = 0; // too late for the classifier, in time for `classify`
  expect(classifier(sql).target).toBe('any');
  expect(classify(sql, 'postgres', { safeFunctions }).target).toBe('primary');
  for (let i = 0; i < 100; i++) {
    expect(classify(sql, 'postgres', { safeFunctions: [`f${i}`, 'mine'] }).target).toBe('any');
  }
});

describe('the cache', () => {
  const unique = (i: number, length = 0) => `DELETE FROM t WHERE id = ${i}${' '.repeat(length)}`;
  const stream = (classifier: (sql: string) => unknown, from: number, to: number, length = 0) => {
    for (let i = from; i < to; i++) classifier(unique(i, length));
  };

  test('forgets what nobody asks for, and keeps what is in use through a stream of other texts', async () => {
    await prepareClassifier('postgres');
    const classifier = createClassifier('postgres');
    const idle = classifier('DELETE FROM idle');
    const used = classifier('DELETE FROM used');
    for (let i = 0; i < 12_000; i += 100) {
      stream(classifier, i, i + 100);
      expect(classifier('DELETE FROM used')).toBe(used);
    }
    expect(classifier('DELETE FROM idle')).not.toBe(idle);
  });

  test('is bounded by characters too, and does not keep very long texts', async () => {
    await prepareClassifier('postgres');
    const classifier = createClassifier('postgres');
    const idle = classifier('DELETE FROM idle');
    stream(classifier, 0, 150, 15_000); // two million characters, in far fewer texts than there is room for
    expect(classifier('DELETE FROM idle')).not.toBe(idle);
    expect(isKept(classifier, unique(1, 15_000))).toBe(true);
    expect(isKept(classifier, unique(1, 17_000))).toBe(false);
  });

  test('keeps texts apart that look alike, and its verdicts whole', async () => {
    await prepareClassifier('postgres');
    const classifier = createClassifier('postgres');
    expect(classifier("SELECT '\ufffd'").target).toBe('any');
    expect(classifier("SELECT '\ud800'").reason).toBe('ambiguous-text');
    expect(classifier("SELECT '\ufffd'").target).toBe('any');
    expect(classifier("select 'A'").target).toBe('any');
    const known = classifier('DELETE FROM t');
    expect(() => Object.assign(known, { target: 'any' })).toThrow(TypeError);
    expect(classifier('DELETE FROM t').target).toBe('primary');
    expect(classifier(undefined as unknown as string).reason).toBe('unparsable');
  });

  test('says what a known text costs', async () => {
    await prepareClassifier('postgres');
    const classifier = createClassifier('postgres');
    const text =
      'SELECT id, name, email, version FROM users WHERE email = $1 AND version > $2 ORDER BY id LIMIT 10';
    const rounds = 200_000;
    const cost = (call: (sql: string) => unknown, textOf: (i: number) => string) => {
      const startedMs = performance.now();
      for (let i = 0; i < rounds; i++) call(textOf(i));
      return `${(((performance.now() - startedMs) * 1e6) / rounds).toFixed(0)} ns`;
    };
    const parts = [text.slice(0, 50), text.slice(50)];
    console.log(
      `a known text: ${cost(classifier, () => text)}, put together anew each time: ${cost(classifier, () => parts.join(''))}, ` +
        `through classify(): ${cost(
          (sql) => classify(sql, 'postgres'),
          () => text,
        )}`,
    );
  });
});
