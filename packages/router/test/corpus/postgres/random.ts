import fc from 'fast-check';
import { CORPUS } from './index.ts';
import type { Layout } from './layout.ts';
import { at, POSITIONS } from './positions.ts';

const numbers = fc.array(fc.nat(99), { minLength: 5, maxLength: 30 });
export const layouts: fc.Arbitrary<Layout> = fc.record({ gaps: numbers, cases: numbers });

/** Small things to build statements of. */
const READING = [
  '1',
  "'x'",
  'now()',
  "lower('X')",
  'CURRENT_DATE',
  '(SELECT max(id) FROM orders)',
  '(ARRAY[1, 2])[1]',
  "(SELECT data ->> 'n' FROM people LIMIT 1)",
  'random()',
  "date_trunc('day', TIMESTAMP '2024-01-01 10:00')",
  "jsonb_path_query_first('{\"a\": 1}', '$.a')",
  "(SELECT string_agg(name, ',' ORDER BY id) FROM people)",
];
/** Some write, some lock, some are wrong in their place. */
const WRITING = [
  "nextval('tickets')",
  "('tickets'::regclass).nextval",
  "(SELECT s.nextval FROM regclass('tickets') s)",
  "setval('tickets', 300)",
  'pg_current_xact_id()',
  'txid_current()',
  'pg_advisory_xact_lock(3)',
  'pg_try_advisory_lock(4)',
  '(5).pg_try_advisory_lock',
  "set_config('work_mem', '7MB', false)",
  "write_audit('x')",
  "public.write_audit('x')",
  "('x'::text).write_audit",
  "('x'::text <<!>> 'y')",
  "('x'::text OPERATOR(public.<<!>>) 'y')",
  "'x'::audited",
  '(SELECT name FROM people LIMIT 1 FOR UPDATE)',
  '(SELECT id FROM people WHERE id = 2 FOR KEY SHARE SKIP LOCKED)',
  '(SELECT noted(name) FROM people)',
  'lo_creat(-1)',
  "query_to_xml('SELECT write_audit(''x'')', true, true, '')",
  '(SELECT a FROM json_to_record(\'{"a":1}\') AS r (a audited))',
  "ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, ''b''::tsquery FROM nextval(''tickets'')')",
  "pg_logical_emit_message(true, 'a', 'b')",
];

const PREFIXES = [
  ...Array<string>(20).fill(''),
  'WITH unused AS (SELECT 1) ',
  "WITH w AS (INSERT INTO audit (note) VALUES ('x') RETURNING id) ",
  'WITH w AS (DELETE FROM orders WHERE id = 3) ',
  'WITH w AS (UPDATE people SET age = 3 WHERE id = 3 RETURNING *) ',
  'EXPLAIN ',
  'EXPLAIN ANALYZE ',
  'EXPLAIN (ANALYZE off, COSTS off) ',
  'CREATE TABLE made AS ',
  'CREATE TEMP TABLE made AS ',
  'DECLARE c CURSOR FOR ',
  'PREPARE prepared AS ',
  'INSERT INTO audit (note) ',
  "SELECT nextval('tickets'); ",
  'SELECT 1; ',
];
const SUFFIXES = [
  ...Array<string>(12).fill(''),
  ' FOR UPDATE',
  ' FOR SHARE',
  ' LIMIT 1',
  '; SELECT 1',
  '; DELETE FROM orders WHERE id = 9',
];

const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 3, arbitrary: fc.constantFrom(...READING) },
    { weight: 1, arbitrary: fc.constantFrom(...WRITING) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom(...POSITIONS.filter((p) => !/;|^EXPLAIN|^VALUES/.test(p))), tie('expression'))
        .map(([position, inner]) =>
          `(${at(position, inner)} LIMIT 1)`.replace(/(LIMIT|OFFSET) (.*) LIMIT 1\)$/, '$1 $2)'),
        ),
    },
  ),
}));

const SHORT = CORPUS.map(({ sql }) => sql).filter((sql) => sql.length < 400 && !sql.includes('\0'));
const piecesOf = (sql: string): string[] => sql.match(/\w+|'(?:[^']|'')*'|"[^"]*"|[^\s\w]+|\s+/g) ?? [];

/** Statements of the corpus with some of their words left out, or exchanged for words and ends of other statements. */
export const mutations: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(...SHORT),
    fc.array(fc.tuple(fc.nat(3), fc.nat(99), fc.nat(99), fc.constantFrom(...SHORT)), {
      minLength: 1,
      maxLength: 4,
    }),
  )
  .map(([sql, edits]) => {
    let pieces = piecesOf(sql);
    for (const [kind, here, there, other] of edits) {
      const at = here % (pieces.length + 1);
      const others = piecesOf(other);
      const from = there % (others.length + 1);
      if (kind === 3) pieces = [...pieces.slice(0, at), ...others.slice(from)];
      else pieces.splice(at, kind === 2 ? 0 : 1, ...(kind === 0 ? [] : others.slice(from, from + 1)));
    }
    return pieces.join('');
  });

/** Statements put together at random out of known parts, most of which a server accepts. */
export const statements: fc.Arbitrary<string> = fc
  .record({
    prefix: fc.constantFrom(...PREFIXES),
    position: fc.constantFrom(...POSITIONS),
    expression,
    suffix: fc.constantFrom(...SUFFIXES),
  })
  .map((parts) => parts.prefix + at(parts.position, parts.expression) + parts.suffix);
