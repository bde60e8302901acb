import { readFileSync } from 'node:fs';
import type { ClassifyReason } from '../../../src/classify/types.ts';
import { type Case, impure, lines } from './case.ts';
import { at, POSITIONS } from './positions.ts';

const read = (file: string): string => readFileSync(new URL(file, import.meta.url), 'utf8');

const commands: Case[] = lines(read('commands.sql')).map(impure('not-a-read'));

const calls = lines(read('unsafe-calls.sql')).map((line) => {
  const [reason = '', ...rest] = line.split(' ');
  return { reason: reason as ClassifyReason, call: rest.join(' ') };
});
const single: Case[] = calls.map(({ reason, call }) => impure(reason)(`SELECT ${call}`));

/** Each of these in every place an expression can stand in. */
const EVERYWHERE: readonly (readonly [ClassifyReason, string])[] = [
  ['sequence', "nextval('tickets')"],
  ['sequence', "('tickets'::regclass).nextval"],
  ['session-function', 'pg_current_xact_id()'],
  ['session-function', 'txid_current()'],
  ['session-function', 'CURRENT_USER'],
  ['lock-function', 'pg_try_advisory_lock(1)'],
  ['lock-function', 'pg_advisory_xact_lock(2)'],
  ['system-variable', "set_config('application_name', 'x', false)"],
  ['unsafe-function', 'pg_is_in_recovery()'],
  ['unsafe-function', "pg_notify('channel', 'x')"],
  ['unsafe-function', 'lo_creat(-1)'],
  ['unknown-function', "write_audit('x')"],
  ['unknown-function', "public.write_audit('x')"],
  ['unknown-function', "('x'::text <<!>> 'y')"],
  ['unknown-function', "'x'::audited"],
  ['locking-clause', '(SELECT name FROM people WHERE id = 1 FOR UPDATE)'],
  ['locking-clause', '(SELECT name FROM people WHERE id = 1 FOR KEY SHARE)'],
];
const everywhere: Case[] = EVERYWHERE.flatMap(([reason, expression]) =>
  POSITIONS.map((position) => impure(reason)(at(position, expression))),
);

const LOCKS = ['UPDATE', 'NO KEY UPDATE', 'SHARE', 'KEY SHARE'].flatMap((strength) =>
  ['', ' NOWAIT', ' SKIP LOCKED'].map((wait) => `${strength}${wait}`),
);
const locking: Case[] = LOCKS.flatMap((lock) => [
  `SELECT * FROM people FOR ${lock}`,
  `SELECT * FROM people\n FOR\n ${lock.toLowerCase()}`,
  `SELECT * FROM people p JOIN orders o ON o.id = p.id FOR ${lock.replace(/(UPDATE|SHARE)/, '$1 OF p')}`,
  `SELECT * FROM people ORDER BY id LIMIT 1 FOR ${lock}`,
  `SELECT * FROM people FOR ${lock} LIMIT 1`,
  `(SELECT id FROM people WHERE id = 1 FOR ${lock})`,
  `SELECT * FROM (SELECT id FROM people FOR ${lock}) s`,
  `WITH c AS (SELECT id FROM people FOR ${lock}) SELECT * FROM c`,
  `SELECT 1 WHERE EXISTS (SELECT 1 FROM people FOR ${lock})`,
  `EXPLAIN SELECT * FROM people FOR ${lock}`,
]).map(impure('locking-clause'));

const WRITES = [
  "INSERT INTO audit (note) VALUES ('x') RETURNING id",
  'UPDATE people SET age = age WHERE id = 1 RETURNING id',
  'DELETE FROM orders WHERE id = 1 RETURNING id',
  "INSERT INTO people (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = 'x' RETURNING id",
  'MERGE INTO orders o USING people p ON o.id = p.id WHEN MATCHED THEN DELETE',
  'DELETE FROM orders',
];
const writingCtes: Case[] = WRITES.flatMap((write) => [
  `WITH w AS (${write}) SELECT 1`,
  `WITH a AS (SELECT 1), w AS (${write}) SELECT * FROM a`,
  `WITH w AS MATERIALIZED (${write}) TABLE people`,
  `WITH w AS (${write}) VALUES (1)`,
  `WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 2), w AS (${write}) SELECT * FROM r`,
  `WITH w AS (${write}) (SELECT 1) UNION (SELECT 2)`,
  `wItH w aS (${write}) sElEcT 1`,
  `WITH "select" AS (${write}) SELECT 1`,
  `EXPLAIN WITH w AS (${write}) SELECT 1`,
  `SELECT 1; WITH w AS (${write}) SELECT 1`,
  // Not allowed below the top, and still nothing for a replica.
  `SELECT * FROM (WITH w AS (${write}) SELECT 1) s`,
  `WITH a AS (WITH w AS (${write}) SELECT 1) SELECT * FROM a`,
]).map(impure('writing-cte'));

const into: Case[] = [
  'SELECT * INTO t2 FROM people',
  'SELECT id INTO TABLE t2 FROM people',
  'SELECT id INTO TEMP t2 FROM people',
  'SELECT id INTO TEMPORARY TABLE t2 FROM people',
  'SELECT id INTO UNLOGGED t2 FROM people',
  'SELECT 1 AS a INTO t2',
  'SELECT id INTO public.t2 FROM people WHERE id = 1 ORDER BY id',
  'SELECT id INTO t2 FROM people UNION SELECT id FROM orders',
  'WITH a AS (SELECT 1 AS n) SELECT n INTO t2 FROM a',
  '(SELECT 1 AS a INTO t2)',
  'EXPLAIN SELECT id INTO t2 FROM people',
].map(impure('select-into'));

/** Views and tables that differ from node to node, from session to session, or from account to account. */
const CATALOGS = `pg_stat_activity pg_stat_all_tables pg_stat_user_tables pg_stat_sys_indexes pg_stat_archiver
  pg_stat_bgwriter pg_stat_database pg_stat_database_conflicts pg_stat_progress_vacuum pg_stat_replication
  pg_stat_replication_slots pg_stat_slru pg_stat_ssl pg_stat_subscription pg_stat_wal pg_stat_wal_receiver
  pg_stat_recovery_prefetch pg_stat_xact_all_tables pg_stat_xact_user_functions pg_statio_all_tables
  pg_statio_user_sequences pg_stat_io pg_stat_checkpointer pg_stat_statements pg_wait_events pg_aios pg_locks
  pg_settings pg_file_settings pg_hba_file_rules pg_ident_file_mappings pg_prepared_xacts pg_prepared_statements
  pg_cursors pg_config pg_shmem_allocations pg_backend_memory_contexts pg_replication_slots
  pg_replication_origin_status pg_replication_origin pg_subscription pg_timezone_names pg_timezone_abbrevs
  pg_available_extensions pg_available_extension_versions pg_sequences pg_no_such_catalog`.split(/\s+/);
const catalogs: Case[] = [
  ...CATALOGS.flatMap((name) => [
    `SELECT * FROM ${name}`,
    `SELECT count(*) FROM pg_catalog.${name}`,
    `SELECT id FROM people WHERE EXISTS (TABLE ${name})`,
  ]),
  'SELECT * FROM pg_toast.pg_toast_1255',
  'SELECT * FROM other.people, pg_stat_activity',
  ...[
    'enabled_roles',
    'applicable_roles',
    'administrable_role_authorizations',
    'role_table_grants',
    'table_privileges',
  ].map((name) => `SELECT * FROM information_schema.${name}`),
  'SELECT * FROM information_schema.no_such_view',
].map(impure('system-catalog'));

const EXPLAINS = ['SELECT 1', 'TABLE people', "SELECT nextval('tickets')", 'DELETE FROM orders', 'EXECUTE p'];
const explains: Case[] = EXPLAINS.flatMap((statement) => [
  `EXPLAIN ANALYZE ${statement}`,
  `explain analyze verbose ${statement}`,
  `EXPLAIN (ANALYZE) ${statement}`,
  `EXPLAIN (ANALYZE on, TIMING off) ${statement}`,
  `EXPLAIN (COSTS off, ANALYZE true) ${statement}`,
  `EXPLAIN (ANALYZE 1) ${statement}`,
  `EXPLAIN (ANALYZE off, ANALYZE) ${statement}`,
  `EXPLAIN ("analyze") ${statement}`,
]).map(impure('explain-analyze'));

const MULTIPLE = ['DELETE FROM orders', "SELECT nextval('tickets')", 'COMMIT', 'SET work_mem = 4096'];
const multiple: Case[] = MULTIPLE.flatMap((statement) => [
  `SELECT 1; ${statement}`,
  `${statement}; SELECT 1`,
  `SELECT 1;${statement};SELECT 2`,
  `;;${statement}`,
  `SELECT 1 -- ; harmless\n; ${statement}`,
  `SELECT $$;$$; ${statement}`,
]).map(impure());

const others: Case[] = [
  ...[
    'SHOW work_mem',
    'SHOW ALL',
    'SHOW TRANSACTION ISOLATION LEVEL',
    'show time zone',
    'SHOW search_path',
    'SHOW TABLES',
    'EXPLAIN (SETTINGS) SELECT 1',
  ].map(impure('system-variable')),
  ...[
    'SELECT * FROM pg_temp.t',
    'SELECT * FROM pg_temp_3.t',
    'TABLE "pg_temp".t',
    'SELECT pg_temp.f()',
    'SELECT 1::pg_temp.t',
    'SELECT * FROM pg_toast_temp_1.t',
  ].map(impure('temporary-table')),
  ...[
    'SELECT last_value FROM tickets',
    'SELECT t.last_value, t.is_called FROM tickets t',
    'SELECT log_cnt FROM tickets',
    'SELECT * FROM people_id_seq',
    'TABLE public.people_id_seq',
  ].map(impure('sequence')),
  // A function in the guise of a column, of something in FROM that is a plain value.
  ...[
    "SELECT s.nextval FROM CAST('tickets' AS regclass) AS s",
    "SELECT s.nextval FROM regclass('tickets') s",
    "SELECT x FROM regclass('tickets') s ORDER BY s.nextval",
    'SELECT s."nextval" FROM regclass(\'tickets\') AS s',
    "SELECT * FROM nextval('tickets')",
    "SELECT * FROM ROWS FROM (generate_series(1, 2), nextval('tickets')) t",
    "SELECT n FROM people, LATERAL nextval('tickets') n",
    "SELECT * FROM setval('tickets', 9) WITH ORDINALITY",
  ].map(impure('sequence')),
  ...[
    'SELECT g.pg_advisory_lock FROM generate_series(1, 2) g',
    'SELECT * FROM pg_advisory_lock(1)',
    'SELECT g FROM generate_series(1, 2) g ORDER BY g.pg_try_advisory_lock',
  ].map(impure('lock-function')),
  ...[
    'SELECT * FROM CURRENT_USER',
    'SELECT * FROM pg_current_xact_id()',
    "SELECT s.currval FROM regclass('tickets') s",
  ].map(impure('session-function')),
  ...[
    "SELECT * FROM write_audit('x')",
    "SELECT * FROM public.write_audit('x') AS w(id)",
    'SELECT * FROM people TABLESAMPLE public.some_method (1)',
    'SELECT * FROM people TABLESAMPLE system_rows (10)',
    'SELECT id FROM people ORDER BY name USING <<!>>',
    "SELECT 'a' <<!>> ANY (ARRAY['b'])",
    "SELECT 'a' <<!>> ALL (SELECT 'b')",
    "SELECT 'a' OPERATOR(public.=) ANY (ARRAY['b'])",
    "SELECT * FROM json_to_record('{}') AS r (a audited)",
    'SELECT JSON_VALUE(data, name) FROM people',
    'SELECT JSON_EXISTS(data, name) FROM people',
    'SELECT JSON_QUERY(data, name) FROM people',
    'SELECT JSON_SCALAR(1)',
    'SELECT JSON_SERIALIZE(data) FROM people',
    'SELECT JSON_ARRAY(1, 2)',
    'SELECT JSON_ARRAYAGG(name) FROM people',
    "SELECT * FROM XMLTABLE('/a' PASSING '<a/>' COLUMNS x audited PATH 'b')",
    'SELECT array_sort(ARRAY[2, 1])',
  ].map(impure('unknown-function')),
  ...[
    "SELECT 'a\\' || nextval('tickets')",
    "SELECT '\\'; DELETE FROM people; --'",
    "SELECT 'x\\y'",
    "SELECT N'x\\y'",
    "SELECT E'a', 'b\\c'",
    "SELECT U&'!0061' UESCAPE '!', '\\'",
    'SELECT 1 \0; DELETE FROM orders',
    '\0',
    'SELECT \ud800',
    "SELECT 'x \udc00'",
  ].map(impure('ambiguous-text')),
  ...['/*+ Set(work_mem "1GB") */ SELECT 1', 'SELECT /*+ SeqScan(a) set (x y) */ 1'].map(
    impure('executable-comment'),
  ),
  ...['', ' ', '\n\t', '-- nothing', '/* nothing */', ';', ' ; ;; '].map(impure('empty')),
  ...[
    'SELEC 1',
    'SELECT 1 FROM',
    'SELECT (1',
    "SELECT 'open",
    'SELECT "open',
    'SELECT $$open',
    'SELECT 1 /* open',
    'SELECT @@version_comment, @x := 1',
    'SELECT `a` FROM b',
    "SELECT 1 INTO OUTFILE '/tmp/x'",
    'SELECT * FROM people LOCK IN SHARE MODE',
    'REPLACE INTO audit VALUES (1)',
    'GET LOCK',
    'WAIT FOR LSN 0',
    'USE lab',
    'SELECT :name',
    'SELECT ?',
    '{ CALL f() }',
    '\\d people',
    'SELECT * FROM people WHERE CURRENT OF c',
    'VALUES (DEFAULT)',
    'EXPLAIN (NO_SUCH_OPTION) SELECT 1',
    `SELECT ${'/*'.repeat(300)}${'*/'.repeat(300)} 1`,
    `SELECT 1${' + 1'.repeat(3000)}`,
  ].map(impure('unparsable')),
  ...[`SELECT '${'x'.repeat(70_000)}'`, `SELECT '${'ä'.repeat(40_000)}'`].map(impure('too-long')),
];

export const IMPURE: readonly Case[] = [
  ...commands,
  ...single,
  ...everywhere,
  ...locking,
  ...writingCtes,
  ...into,
  ...catalogs,
  ...explains,
  ...multiple,
  ...others,
];
