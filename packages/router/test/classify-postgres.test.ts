import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { classifyPostgres, loadPostgresParser } from '../src/classify/postgres/index.ts';
import { NODE_RULES } from '../src/classify/postgres/nodes.ts';
import { SAFE_FUNCTIONS } from '../src/classify/postgres/safe-functions.ts';
import { whyUnsafe } from '../src/classify/postgres/unsafe-functions.ts';
import { CLASSIFY_REASONS, type ClassifyReason } from '../src/classify/types.ts';
import { CORPUS } from './corpus/postgres/index.ts';
import { relaid } from './corpus/postgres/layout.ts';
import { layouts, statements } from './corpus/postgres/random.ts';

const verdict = (sql: string, safeFunctions: readonly string[] = []) =>
  classifyPostgres(sql, { safeFunctions });
const reason = (sql: string, safeFunctions: readonly string[] = []) => verdict(sql, safeFunctions).reason;

beforeAll(loadPostgresParser);

describe('the corpus', () => {
  const pure = CORPUS.filter((one) => one.pure);
  const impure = CORPUS.filter((one) => !one.pure);

  test('is large, and each statement is there once', () => {
    console.log(`${CORPUS.length} statements: ${pure.length} pure, ${impure.length} not`);
    expect(CORPUS.length).toBeGreaterThan(2_000);
    expect(new Set(CORPUS.map(({ sql }) => sql)).size).toBe(CORPUS.length);
  });

  test('nothing that is not a pure read may go anywhere', () => {
    expect(impure.filter(({ sql }) => verdict(sql).target === 'any')).toEqual([]);
  });

  test('the reason is the right one', () => {
    const wrong = impure
      .filter((one) => one.reason !== undefined && one.reason !== reason(one.sql))
      .map((one) => `${reason(one.sql)}, not ${one.reason}: ${one.sql}`);
    expect(wrong).toEqual([]);
  });

  test('nearly all pure reads may', () => {
    const proved = pure.filter(({ sql }) => verdict(sql).target === 'any').length;
    console.log(
      `${proved} of ${pure.length} pure reads are proved: ${((100 * proved) / pure.length).toFixed(1)} %`,
    );
    expect(proved / pure.length).toBeGreaterThanOrEqual(0.95);
  });
});

describe('properties', () => {
  /** Not those that go to the primary for what stands between their tokens. */
  const impure = CORPUS.filter(({ pure, sql, reason: why }) => {
    const isInGaps = why === 'executable-comment' || why === 'empty' || sql.includes('/*/*');
    return !pure && !isInGaps && sql.length < 2_000;
  });

  test('white space, comments and case change no verdict to any', () => {
    const property = fc.property(fc.constantFrom(...impure), layouts, ({ sql }, layout) => {
      const other = relaid(sql, layout, true);
      fc.pre(other !== null);
      expect(verdict(other).target, other).toBe('primary');
    });
    fc.assert(property, { numRuns: 2_000 });
  });

  test('nor one to the primary', () => {
    const proved = CORPUS.filter(({ sql }) => verdict(sql).target === 'any' && sql.length < 2_000);
    const property = fc.property(fc.constantFrom(...proved), layouts, ({ sql }, layout) => {
      const other = relaid(sql, layout, false);
      fc.pre(other !== null);
      expect(verdict(other).reason, other).toBe('pure-read');
    });
    fc.assert(property, { numRuns: 2_000 });
  });

  test('an impure part taints the whole', () => {
    const property = fc.property(fc.constantFrom(...impure), statements, ({ sql }, statement) => {
      expect(verdict(`${statement};\n${sql}`).target).toBe('primary');
      expect(verdict(`${sql}\n;${statement}`).target).toBe('primary');
    });
    fc.assert(property, { numRuns: 1_000 });
  });

  test('no text makes it throw or answer outside its list', () => {
    const pieces = [
      ...new Set(CORPUS.flatMap(({ sql }) => sql.slice(0, 300).match(/\w+|[^\s\w]+|\s+/g) ?? [])),
    ];
    const soup = fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((parts) => parts.join(''));
    const binary = fc.string({ unit: 'binary', maxLength: 200 });
    const anyUnits = fc
      .array(fc.nat(0xffff), { maxLength: 50 })
      .map((units) => String.fromCharCode(...units));
    const property = fc.property(fc.oneof(soup, binary, anyUnits, fc.string({ unit: 'grapheme' })), (sql) => {
      const { target, reason: why } = verdict(sql);
      expect(CLASSIFY_REASONS).toContain(why);
      expect(target === 'any').toBe(why === 'pure-read');
    });
    fc.assert(property, { numRuns: 10_000 });
  });
});

describe('what the user declares', () => {
  test.each([
    ['SELECT twice(1)', 'twice'],
    ['SELECT TWICE(1)', 'Twice'],
    ['SELECT "Twice"(1)', 'Twice'],
    ['SELECT app.twice(1)', 'app.twice'],
    ['SELECT App.Twice(1)', 'APP.TWICE'],
    ["SELECT 'ok'::mood", 'mood'],
    ["SELECT 'ok'::app.mood[]", 'app.mood'],
    ['SELECT (home).city FROM people', 'city'],
    ['SELECT a <=> b FROM t', '<=>'],
    ['SELECT a OPERATOR(app.+) b FROM t', 'app.+'],
    ["SELECT JSON_VALUE(data, '$.a') FROM t", 'json_value'],
    ['SELECT any_value(name) FROM t', 'any_value'],
    ['SELECT * FROM people TABLESAMPLE system_rows (10)', 'system_rows'],
  ])('%s, with %s', (sql, declared) => {
    expect(reason(sql)).toBe('unknown-function');
    expect(reason(sql, ['other', declared])).toBe('pure-read');
  });

  test.each([
    ['SELECT "TWICE"(1)', 'twice'],
    ['SELECT app.twice(1)', 'twice'],
    ['SELECT twice(1)', 'app.twice'],
    ['SELECT other.twice(1)', 'app.twice'],
    ['SELECT "app.twice"(1)', 'app.twice'],
    ["SELECT nextval('s')", 'nextval'],
    ['SELECT pg_sleep(1)', 'pg_sleep'],
    ['SELECT pg_catalog.pg_sleep(1)', 'pg_catalog.pg_sleep'],
    ['SELECT twice(1) FROM t FOR UPDATE', 'twice'],
    ["SELECT twice(nextval('s'))", 'twice'],
  ])('not %s, with %s', (sql, declared) => {
    expect(verdict(sql, [declared]).target).toBe('primary');
  });
});

describe('the text', () => {
  const texts: readonly (readonly [sql: string, expected: ClassifyReason])[] = [
    ["SELECT 'a\\b'", 'ambiguous-text'],
    ["SELECT '🙂🙂', 'a\\b'", 'ambiguous-text'],
    ["SELECT 'a'\n'\\b'", 'ambiguous-text'],
    ["SELECT E'x\\'' || 'a\\b'", 'ambiguous-text'],
    ["SELECT E'a\\b'", 'pure-read'],
    ["SELECT E'a'\n'\\b'", 'pure-read'],
    ['SELECT $$a\\b$$', 'pure-read'],
    ['SELECT "a\\b" FROM t', 'pure-read'],
    ['SELECT 1 -- a\\b', 'pure-read'],
    ["SELECT 1 /* 'a\\b' */", 'pure-read'],
    ['SELECT 1\0', 'ambiguous-text'],
    ['SELECT 1 AS \ud83d', 'ambiguous-text'],
    ['SELECT 1 AS \ud83d\ude42', 'pure-read'],
    [`SELECT ${'('.repeat(30_000)}1${')'.repeat(30_000)}`, 'unparsable'],
    [`SELECT ${'f('.repeat(20_000)}1${')'.repeat(20_000)}`, 'unparsable'],
    [`SELECT ${'- '.repeat(30_000)}1`, 'unparsable'],
    [`SELECT 1${'::int'.repeat(12_000)}`, 'unparsable'],
    [`SELECT a${' COLLATE "C"'.repeat(5_000)}`, 'unparsable'],
    [`SELECT 1${' UNION SELECT 1, 2'.repeat(3_000)}`, 'unparsable'],
    [`SELECT ${'/*'.repeat(16_000)}${'*/'.repeat(16_000)}1`, 'unparsable'],
    [`SELECT '${'x'.repeat(65_527)}'`, 'pure-read'],
    [`SELECT '${'x'.repeat(65_528)}'`, 'too-long'],
  ];
  test.each(texts.map(([sql, expected]) => ({ title: sql.slice(0, 40), sql, expected })))(
    '$title: $expected',
    (one) => {
      const { sql, expected } = one;
      expect(reason(sql)).toBe(expected);
      expect(reason('SELECT 1')).toBe('pure-read'); // the parser has survived it
    },
  );

  test('what is no text at all', () => {
    for (const value of [undefined, null, 7, {}, Symbol('x')]) {
      expect(classifyPostgres(value as unknown as string, { safeFunctions: [] }).reason).toBe('unparsable');
    }
  });
});

/** What these do depends on the schema, which no text shows: read-only sessions are the net below. */
test.each([
  ['a view that calls a writing function', 'SELECT * FROM some_view'],
  ['a function in the guise of a column', 'SELECT p.some_function FROM people p'],
  ["a user's operator of a built-in symbol", "SELECT 'a'::text + 'b'::text"],
  ["a user's function with better fitting arguments than the built-in one", 'SELECT lower(code) FROM t'],
  ['a temporary table', 'SELECT * FROM some_temporary_table'],
  ['a sequence without the usual name', 'SELECT * FROM tickets'],
])('a documented limit: %s', (_, sql) => {
  expect(reason(sql)).toBe('pure-read');
});

describe('the tables', () => {
  test('no function is both safe and unsafe, none is safe by accident of a JavaScript name', () => {
    const contradictory = [...SAFE_FUNCTIONS].filter((name) => {
      const why = whyUnsafe(name);
      return why !== null && !(name.startsWith('pg_') && why === 'unsafe-function');
    });
    expect(contradictory).toEqual([]);
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf']) {
      expect(reason(`SELECT "${name}"(1)`)).toBe('unknown-function');
      expect(reason(`SELECT 1::"${name}"`)).toBe('unknown-function');
    }
  });

  test('every kind that a rule names has rules', () => {
    const named = [...NODE_RULES.values()]
      .flatMap((rules) => [...rules.values()])
      .flatMap((rule) => (rule.holds === 'kind' ? [rule.kind] : []));
    expect(named.filter((kind) => !NODE_RULES.has(kind))).toEqual([]);
  });
});
