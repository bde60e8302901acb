import { describe, expect, test } from 'vitest';
import { classifyMariadb, classifyMysql } from '../src/classify/mysql/index.ts';
import { CLASSIFY_REASONS, type Classifier, type ClassifyReason } from '../src/classify/types.ts';
import { corpusFor, type Labelled, type Server, wholeCorpus } from './corpus/mysql/index.ts';

const NONE = { safeFunctions: [] };
const CLASSIFIERS: Readonly<Record<Server, Classifier>> = { mysql: classifyMysql, mariadb: classifyMariadb };
const SERVERS: readonly Server[] = ['mysql', 'mariadb'];

const isAny = (server: Server, { sql }: Labelled): boolean => CLASSIFIERS[server](sql, NONE).target === 'any';

describe.each(SERVERS)('the corpus: %s', (server) => {
  const corpus = corpusFor(server);
  const pure = corpus.filter((statement) => statement.pure);
  const impure = corpus.filter((statement) => !statement.pure);

  test('has at least 2,000 different statements, of both kinds', () => {
    expect(new Set(corpus.map(({ sql }) => sql)).size).toBeGreaterThanOrEqual(2_000);
    expect(pure.length).toBeGreaterThan(900);
    expect(impure.length).toBeGreaterThan(900);
    for (const { sql } of pure) expect(impure.some((other) => other.sql === sql)).toBe(false);
  });

  test('no statement that is more than a read goes to a replica', () => {
    expect(impure.filter((statement) => isAny(server, statement)).map(({ sql }) => sql)).toEqual([]);
  });

  test('at least 95 % of the pure reads may go anywhere', () => {
    const any = pure.filter((statement) => isAny(server, statement)).length;
    const percent = (100 * any) / pure.length;
    console.log(
      `${server}: ${corpus.length} statements, 0 of ${impure.length} impure and ` +
        `${any} of ${pure.length} pure (${percent.toFixed(1)} %) are any`,
    );
    expect(percent).toBeGreaterThanOrEqual(95);
  });

  test('every reason is of the closed list, and any has one reason', () => {
    for (const { sql } of corpus) {
      const { target, reason } = CLASSIFIERS[server](sql, NONE);
      expect(CLASSIFY_REASONS).toContain(reason);
      expect(reason === 'pure-read').toBe(target === 'any');
    }
  });
});

test('what an uncached call costs', () => {
  const statements = wholeCorpus();
  const perCallUs = (classifier: Classifier, chosen: readonly Labelled[]): string => {
    for (const { sql } of chosen) classifier(sql, NONE);
    const startMs = performance.now();
    for (let round = 0; round < 5; round++) for (const { sql } of chosen) classifier(sql, NONE);
    return (((performance.now() - startMs) * 1000) / (5 * chosen.length)).toFixed(1);
  };
  for (const server of SERVERS) {
    const [pure, impure] = [statements.filter((s) => s.pure), statements.filter((s) => !s.pure)];
    console.log(
      `${server}: ${perCallUs(CLASSIFIERS[server], pure)} us for a pure read, ` +
        `${perCallUs(CLASSIFIERS[server], impure)} us for another statement (mean over the corpus)`,
    );
  }
});

const REASONS: readonly (readonly [ClassifyReason, string, Server?])[] = [
  ['pure-read', 'SELECT 1'],
  ['empty', ''],
  ['empty', ' ; -- nothing\n/* at all */ ;'],
  ['not-a-read', "INSERT INTO t VALUES ('a')"],
  ['not-a-read', 'SET @x = 1'],
  ['not-a-read', 'SELECT 1; DELETE FROM t'],
  ['not-a-read', 'SELECT * FROM t PROCEDURE ANALYSE()'],
  ['not-a-read', 'EXPLAIN DELETE FROM t'],
  ['writing-cte', 'WITH c AS (SELECT 1) DELETE FROM t'],
  ['writing-cte', 'WITH c AS (DELETE FROM t RETURNING id) SELECT * FROM c'],
  ['locking-clause', 'SELECT * FROM t FOR\n/* x */ UPDATE'],
  ['locking-clause', 'SELECT * FROM t LOCK IN SHARE MODE'],
  ['locking-clause', '(SELECT * FROM t FOR SHARE OF t SKIP LOCKED)'],
  ['select-into', "SELECT * FROM t INTO OUTFILE '/tmp/x'"],
  ['select-into', 'SELECT 1 INTO @x'],
  ['user-variable', "SELECT @'x'"],
  ['system-variable', 'SELECT @@server_id'],
  ['system-variable', 'SHOW VARIABLES'],
  ['session-function', 'SELECT LAST_INSERT_ID()'],
  ['session-function', 'SELECT CURRENT_USER'],
  ['session-function', 'SELECT SQL_CALC_FOUND_ROWS * FROM t'],
  ['session-function', 'SHOW WARNINGS'],
  ['lock-function', "SELECT GET_LOCK('a', 1)"],
  ['sequence', 'SELECT NEXT VALUE FOR s', 'mariadb'],
  ['sequence', 'SELECT s.`nextval`', 'mariadb'],
  ['sequence', 'SELECT SETVAL(s, 5)', 'mariadb'],
  ['unsafe-function', 'SELECT SLEEP(1)'],
  ['unsafe-function', "SELECT EXTRACTVALUE(doc, '//a[$@x]') FROM t"],
  ['unsafe-function', 'SELECT DEFAULT(id) FROM t'],
  ['unknown-function', 'SELECT my_function(1)'],
  ['unknown-function', 'SELECT lab.abs(1)'],
  ['unknown-function', 'SELECT `abs`(1)'],
  ['unknown-function', 'SELECT POINT(1)', 'mariadb'],
  ['unknown-function', "SELECT MD5('a')", 'mysql'],
  ['system-catalog', 'SELECT * FROM performance_schema.threads'],
  ['system-catalog', 'SELECT * FROM `mysql` . "user"'],
  ['system-catalog', 'SELECT * FROM information_\u017fchema.processlist'],
  ['system-catalog', 'SHOW PROCESSLIST'],
  ['explain-analyze', 'EXPLAIN ANALYZE SELECT 1'],
  ['executable-comment', 'SELECT 1 /*!50000 INTO @x */'],
  ['executable-comment', 'SELECT 1 /*M! INTO @x */'],
  ['executable-comment', 'SELECT /*+ SET_VAR(sql_mode = ANSI) */ 1'],
  ['ambiguous-text', "SELECT 'a\\'; DELETE FROM t; -- '"],
  ['ambiguous-text', 'SELECT NOW ()'],
  ['ambiguous-text', 'SELECT $$a$$'],
  ['ambiguous-text', 'SELECT \ud800'],
  ['unparsable', "SELECT 'a"],
  ['unparsable', 'SELECT 1 2'],
  ['unparsable', 'what is this'],
];

test.each(REASONS.map(([reason, sql, only]) => ({ reason, sql, only })))('$reason: $sql', (expected) => {
  const { reason, sql, only } = expected;
  for (const server of SERVERS.filter((each) => only === undefined || each === only)) {
    expect(CLASSIFIERS[server](sql, NONE).reason).toBe(reason);
  }
});

describe('functions of the user', () => {
  const options = { safeFunctions: ['My_Function', 'lab.other', 'sleep', 'select'] };
  const reasonOf = (sql: string) => classifyMysql(sql, options).reason;

  test('are let in by their names, in any case, quoted or not', () => {
    for (const sql of [
      'SELECT my_function(1)',
      'SELECT MY_FUNCTION (1, 2)',
      'SELECT `my_function`(1)',
      'SELECT lab.other(1)',
      'SELECT `lab` . `OTHER`()',
      'SELECT lab.other(my_function(id)) FROM t',
    ])
      expect([sql, reasonOf(sql)]).toEqual([sql, 'pure-read']);
  });

  test('are not let in by another schema, or without one, and make no unsafe built-in safe', () => {
    expect(reasonOf('SELECT lab.my_function(1)')).toBe('unknown-function');
    expect(reasonOf('SELECT other(1)')).toBe('unknown-function');
    expect(reasonOf('SELECT SLEEP(1)')).toBe('unsafe-function');
    expect(reasonOf('SELECT my_function(SLEEP(1))')).toBe('unsafe-function');
    expect(reasonOf('SELECT select(1)')).toBe('unparsable');
  });
});

describe('limits', () => {
  test('a text above 64 Ki characters is not looked at', () => {
    const longest = `SELECT '${'a'.repeat(64 * 1024 - 9)}'`;
    expect(classifyMysql(longest, NONE).reason).toBe('pure-read');
    expect(classifyMysql(`${longest} `, NONE).reason).toBe('too-long');
  });

  test('nesting has a bound, and the deepest and longest texts throw nothing', () => {
    expect(classifyMysql(`SELECT ${'('.repeat(40)}1${')'.repeat(40)}`, NONE).reason).toBe('pure-read');
    const most = 64 * 1024;
    const fill = (piece: string, start = 'SELECT ') => (start + piece.repeat(most)).slice(0, most);
    for (const piece of [
      '(',
      'ABS(',
      '(SELECT ',
      'NOT ',
      '- ',
      '1,',
      '1+',
      'a.',
      'CASE WHEN ',
      "''",
      "'a' ",
      '/**/',
    ])
      expect(CLASSIFY_REASONS).toContain(classifyMysql(fill(piece), NONE).reason);
    for (const start of [
      'SELECT 1',
      '(',
      'WITH a AS (SELECT 1) SELECT ',
      "SELECT '",
      'SELECT `',
      'SELECT /*',
      'SHOW ',
    ])
      for (const piece of [
        '(',
        '\\',
        "\\'",
        "'",
        '"',
        '`',
        '/*',
        '*/',
        '--',
        '-- ',
        '#',
        ';',
        '@',
        '.',
        '1',
        'a',
        '\u00e9',
      ])
        for (const classifier of [classifyMysql, classifyMariadb])
          expect(CLASSIFY_REASONS).toContain(classifier(fill(piece, start), NONE).reason);
  });

  test('whatever it is given, it answers', () => {
    for (const given of [undefined, null, 5, {}, []])
      expect(classifyMysql(given as unknown as string, NONE).target).toBe('primary');
  });
});
