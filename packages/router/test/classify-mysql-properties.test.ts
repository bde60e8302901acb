import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UNSAFE_FUNCTIONS } from '../src/classify/mysql/functions-unsafe.ts';
import { classifyMariadb, classifyMysql } from '../src/classify/mysql/index.ts';
import { CLASSIFY_REASONS, type Classifier } from '../src/classify/types.ts';
import { IMPURE_TEXTS } from './corpus/mysql/impure-texts.ts';
import { corpusFor, type Labelled, type Server } from './corpus/mysql/index.ts';
import { bareText, piecesOf, relaidOut, spliced, withFragment } from './corpus/mysql/mutate.ts';

const NONE = { safeFunctions: [] };
const CLASSIFIERS: Readonly<Record<Server, Classifier>> = { mysql: classifyMysql, mariadb: classifyMariadb };
const STORED = new Set(['f_write', 'f_plus', 'p_write', 'no_such_function']);
/** Texts that live by their exact spelling: quotes that do not end, characters that do not belong. */
const TRICKS = new Set(IMPURE_TEXTS.map(({ sql }) => sql));

/** Whatever is put between two tokens of a read: it is no longer one. */
const FRAGMENTS = [
  'FOR UPDATE',
  'FOR SHARE',
  'LOCK IN SHARE MODE',
  'INTO @x',
  "INTO OUTFILE 'x'",
  '@x',
  '@x := 1',
  '@@sql_mode',
  ", GET_LOCK('a', 1)",
  '+ f_write(1)',
  'AND lab.f_write(1)',
  'OR SLEEP(1)',
  ', LAST_INSERT_ID()',
  '; DELETE FROM audit',
  "; INSERT INTO audit (what) VALUES ('x') ;",
  '/*! x */',
  '/*!50000 INTO @x */',
  '/*M! x */',
  '/*+ SET_VAR(a = 1) */',
  'PROCEDURE ANALYSE()',
  'SQL_CALC_FOUND_ROWS',
  '\u0000',
  '\u0001',
];

/** Reserved words that no text of pure reads has outside quotes, comments and names after a dot. */
const FORBIDDEN =
  /(?<![.\w$])(?:into|outfile|lock|(?<!show\s+)procedure|sql_calc_found_rows|insert\s+into|replace\s+into|delete|update|call|grant|revoke|alter|drop)(?![\w$(])/;

describe.each(['mysql', 'mariadb'] as const)('%s', (server) => {
  const classifier = CLASSIFIERS[server];
  const corpus = corpusFor(server);
  const pure = corpus.filter((statement) => statement.pure);
  const impure = corpus.filter(({ sql, pure: isPure }) => !isPure && !TRICKS.has(sql) && sql.trim() !== '');
  const oneOf = (statements: readonly Labelled[]) => fc.constantFrom(...statements.map(({ sql }) => sql));

  /** What can be said of an `any` without the classifier's own grammar. */
  const expectNothingForbidden = (sql: string): void => {
    const bare = bareText(sql);
    expect(bare, sql).not.toMatch(FORBIDDEN);
    expect(bare, sql).not.toMatch(/[@\\[\]]|:=|\bfor\s+(?:update|share)\b/);
    expect(bare.trimStart(), sql).toMatch(
      /^[\s;(]*(?:select|with|values|table|show|explain|describe|desc)\b/,
    );
    for (const [, called] of bare.matchAll(/([\w$]+)\s*\(/g)) {
      const unsafe = UNSAFE_FUNCTIONS.has(called!) || STORED.has(called!);
      expect(unsafe, `${called} in ${sql}`).toBe(false);
    }
  };

  test('layout makes no read of what is none', () => {
    fc.assert(
      fc.property(
        oneOf(impure).chain((sql) => relaidOut(sql)),
        (sql) => classifier(sql, NONE).target === 'primary',
      ),
      { numRuns: 6_000 },
    );
  });

  test('a pure read is one in another layout too', () => {
    // A gap before a parenthesis may make a stored function of a built-in; the other gaps change nothing.
    const plain = pure.filter(
      ({ sql }) => classifier(sql, NONE).target === 'any' && !/[({}]|--|'\w|\w'/.test(sql),
    );
    expect(plain.length).toBeGreaterThan(200);
    fc.assert(
      fc.property(
        oneOf(plain).chain((sql) => relaidOut(sql)),
        (sql) => {
          expect([sql, classifier(sql, NONE).reason]).toEqual([sql, 'pure-read']);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('a fragment that does more than read ends every proof', () => {
    const mutated = fc
      .tuple(oneOf(pure), fc.constantFrom(...FRAGMENTS))
      .chain((pair) => withFragment(...pair));
    fc.assert(
      fc.property(mutated, (sql) => classifier(sql, NONE).target === 'primary'),
      { numRuns: 10_000 },
    );
  });

  test('texts put together from pieces of others: nothing forbidden is ever any', () => {
    const mixed = fc.tuple(oneOf(pure), oneOf(corpus)).chain((pair) => spliced(...pair));
    let any = 0;
    fc.assert(
      fc.property(mixed, (sql) => {
        if (classifier(sql, NONE).target !== 'any') return;
        any++;
        expectNothingForbidden(sql);
      }),
      { numRuns: 10_000 },
    );
    expect(any).toBeGreaterThan(100);
  });

  test('every text of the corpus that is any has nothing forbidden in it', () => {
    for (const { sql } of corpus) if (classifier(sql, NONE).target === 'any') expectNothingForbidden(sql);
  });

  test('token soup and garbage get an answer', () => {
    const vocabulary = [...new Set(corpus.flatMap(({ sql }) => piecesOf(sql)))];
    const soup = fc
      .array(fc.constantFrom(...vocabulary), { maxLength: 40 })
      .map((pieces) => pieces.join(' '));
    const glued = fc
      .array(fc.constantFrom(...vocabulary), { maxLength: 40 })
      .map((pieces) => pieces.join(''));
    const texts = fc.string({ unit: 'binary', maxLength: 200 });
    const ascii = fc.string({ unit: 'binary-ascii', maxLength: 200 });
    const started = fc.tuple(fc.constantFrom('SELECT ', 'WITH ', 'SHOW ', '('), soup).map(([a, b]) => a + b);
    fc.assert(
      fc.property(fc.oneof(soup, glued, texts, ascii, started), (sql) => {
        const { target, reason } = classifier(sql, NONE);
        expect(CLASSIFY_REASONS).toContain(reason);
        if (target === 'any') expectNothingForbidden(sql);
      }),
      { numRuns: 10_000 },
    );
  });
});
