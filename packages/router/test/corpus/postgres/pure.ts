import { readFileSync } from 'node:fs';
import { INFORMATION_SCHEMA, REPLICATED_CATALOGS, TYPES } from '../../../src/classify/postgres/catalog.ts';
import { type Case, lines, pure } from './case.ts';
import { at, POSITIONS } from './positions.ts';

const read = (file: string): string => readFileSync(new URL(file, import.meta.url), 'utf8');
const selected = (file: string): Case[] => lines(read(file)).map((call) => pure(`SELECT ${call}`));

const EVERYWHERE = [
  '1',
  "lower('X')",
  'now()',
  "date_trunc('month', CURRENT_DATE)",
  "(jsonb_build_object('a', 1) ->> 'a')",
  '(SELECT count(*) FROM orders)',
  "to_tsvector('english', 'fat cats')",
  '(ARRAY[1, 2])[1]',
];
const everywhere = EVERYWHERE.flatMap((expression) =>
  POSITIONS.map((position) => pure(at(position, expression))),
);

const TYPE_LITERALS: Readonly<Record<string, string>> = { aclitem: '=r/pg_monitor', bit: '1' };
const types = [...TYPES].flatMap((type) =>
  [
    `SELECT NULL::${type === 'char' ? '"char"' : type}`,
    ...(type === 'unknown' ? [] : [`SELECT CAST(NULL AS pg_catalog."${type}"[])`]),
    ...(type in TYPE_LITERALS ? [`SELECT '${TYPE_LITERALS[type]}'::pg_catalog.${type}`] : []),
  ].map(pure),
);

const catalogs = [
  ...[...REPLICATED_CATALOGS].map((name) => pure(`SELECT * FROM ${name} LIMIT 3`)),
  ...[...INFORMATION_SCHEMA].map((name) => pure(`SELECT * FROM information_schema.${name} LIMIT 3`)),
];

const laidOut = [
  'SELECT\n  id,\n  name\nFROM people -- all of them\nWHERE id > 3\n',
  '\tSELECT\r\n1\r\n',
  'SELECT 1 -- DELETE FROM people',
  '-- UPDATE people\nSELECT 1',
  "SELECT 'a'\n  'b'",
  "SELECT E'a\\''\n'b'",
  'SELECT 1 /* DELETE\nFROM people; */ + 2',
  "SELECT $body$\nINSERT INTO audit VALUES ('x');\n$body$",
  'SELECT\f1',
  `SELECT id FROM people WHERE id IN (${Array.from({ length: 2_000 }, (_, i) => i).join(', ')})`,
  `SELECT id FROM people WHERE ${Array.from({ length: 300 }, (_, i) => `(id = ${i} AND age = ${i})`).join(' OR ')}`,
  `SELECT ${Array.from({ length: 500 }, (_, i) => `p.name AS n${i}`).join(', ')} FROM people p`,
  `SELECT ${'('.repeat(100)}1${')'.repeat(100)}`,
  `SELECT 1${' + 1'.repeat(500)}`,
  `${Array.from({ length: 100 }, (_, i) => `SELECT ${i}`).join(' UNION ALL ')}`,
  `SELECT '${'x'.repeat(60_000)}'`,
].map(pure);

const parameters: Case[] = [
  { sql: 'SELECT $1::int', params: ['1'] },
  { sql: 'SELECT name FROM people WHERE id = $1', params: ['1'] },
  { sql: 'SELECT name FROM people WHERE name LIKE $1 AND age > $2 LIMIT $3', params: ['p%', '1', '5'] },
  { sql: 'SELECT name FROM people WHERE id = ANY ($1)', params: ['{1,2}'] },
  { sql: 'SELECT name FROM people WHERE ($1::text IS NULL OR email = $1) ORDER BY id', params: ['x'] },
  { sql: 'SELECT $1::jsonb -> $2::text', params: ['{"a": 1}', 'a'] },
  { sql: 'SELECT * FROM unnest($1::int[], $2::text[])', params: ['{1,2}', '{a,b}'] },
  { sql: 'SELECT coalesce($1, $2)', params: ['a', 'b'] },
].map(({ sql, params }) => ({ sql, params, pure: true }));

/** Of versions after 15. */
const newer = [
  "SELECT * FROM JSON_TABLE('[1,2]', '$[*]' COLUMNS (n int PATH '$'))",
  "SELECT * FROM JSON_TABLE(jsonb '{\"a\":[1]}', '$' AS root PASSING 1 AS x COLUMNS (i FOR ORDINALITY, a int PATH '$.a[0]' DEFAULT 0 ON EMPTY ERROR ON ERROR, e boolean EXISTS PATH '$.z', NESTED PATH '$.a[*]' COLUMNS (v text FORMAT JSON PATH '$' WITH WRAPPER)))",
  "SELECT JSON_VALUE('{\"a\":1}', '$.a' RETURNING int)",
  "SELECT JSON_QUERY('{\"a\":[1]}', '$.a' WITH WRAPPER)",
  "SELECT JSON_EXISTS('{\"a\":1}', '$.a ? (@ > $x)' PASSING 0 AS x)",
  "SELECT JSON_VALUE('{}', '$.a' DEFAULT 'x' ON EMPTY NULL ON ERROR)",
  "SELECT JSON_OBJECT('a': 1, 'b' VALUE 2 ABSENT ON NULL WITH UNIQUE KEYS RETURNING jsonb)",
  'SELECT JSON_ARRAY(1, NULL NULL ON NULL)',
  'SELECT JSON_ARRAY(SELECT id FROM people ORDER BY id)',
  'SELECT JSON_OBJECTAGG(id: name) FROM people',
  'SELECT JSON_ARRAYAGG(name ORDER BY id RETURNING jsonb) FROM people',
  "SELECT '{}' IS JSON, '[]' IS JSON ARRAY, '1' IS NOT JSON OBJECT, '{}' IS JSON WITH UNIQUE KEYS",
  "SELECT timestamp '2024-01-01 00:00' AT LOCAL",
  'SELECT 0xFF, 0o17, 0b11, 1_000_000',
  'EXPLAIN (GENERIC_PLAN, MEMORY) SELECT 1',
  "SELECT xmlserialize(CONTENT '<a/>'::xml AS text INDENT)",
  'SELECT random(1, 6), jsonb_strip_nulls(\'{"a": null}\', true)',
].map(pure);

/** Reads for which no proof can be had without knowing the schema or the server's settings. They go to the primary. */
const unproved = [
  "SELECT name FROM people WHERE name ~ '\\d+'",
  "SELECT '\\xdeadbeef'::bytea",
  "SELECT name FROM people WHERE name LIKE '50\\%'",
  "SELECT 'sad'::mood",
  "SELECT CAST('ok' AS public.mood)",
  'SELECT 5::positive',
  'SELECT (home).city FROM people',
  'SELECT (p.home).street FROM people p',
  'SELECT twice(4)',
  'SELECT public.twice(age) FROM people',
  "SELECT JSON_VALUE(data, '$.n') FROM people",
  'SELECT pg_snapshot_xmin(NULL)',
  "SELECT xid(xid8 '3')",
  'SELECT any_value(name) FROM people',
  "SELECT array_sort(ARRAY[2, 1]), casefold('X')",
].map(pure);

export const PURE: readonly Case[] = [
  ...selected('function-calls.sql'),
  ...selected('operator-calls.sql'),
  ...lines(read('queries.sql')).map(pure),
  ...everywhere,
  ...types,
  ...catalogs,
  ...laidOut,
  ...parameters,
  ...newer,
  ...unproved,
];
