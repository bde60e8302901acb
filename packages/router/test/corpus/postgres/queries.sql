-- Pure reads, one a line: what the manual's chapters on syntax, expressions, queries, types and functions allow.
-- Simple
SELECT
SELECT 1
SELECT 1 AS one, 2 two, 3 "three"
select id from people
SELECT * FROM people
SELECT p.* FROM people p
SELECT people.name FROM people
SELECT public.people.name FROM public.people
SELECT p.name, p.age + 1 AS next_age FROM people AS p
SELECT ALL name FROM people
SELECT DISTINCT status FROM orders
SELECT DISTINCT ON (status) status, id FROM orders ORDER BY status, id DESC
SELECT * FROM ONLY events
SELECT * FROM events *
SELECT "id" FROM "people" WHERE "name" = 'person 1'
SELECT FROM people
SELECT count(*) FROM people
SELECT people FROM people
SELECT (p).* FROM people p
SELECT p.*::text FROM people p
SELECT ctid, xmin, xmax, cmin, cmax, tableoid FROM people
SELECT tableoid::regclass, count(*) FROM events GROUP BY 1
TABLE people
TABLE ONLY people
TABLE orders ORDER BY id LIMIT 3
VALUES (1)
VALUES (1, 'a'), (2, 'b')
VALUES (1), (2) ORDER BY 1 DESC LIMIT 1
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v (n, letter)
SELECT id FROM people FETCH FIRST ROW ONLY
SELECT id FROM people ORDER BY id FETCH FIRST 5 ROWS ONLY
SELECT id FROM people ORDER BY age FETCH NEXT 5 ROWS WITH TIES
SELECT id FROM people ORDER BY id OFFSET 5 ROWS FETCH NEXT 5 ROWS ONLY
SELECT id FROM people ORDER BY id LIMIT 5 OFFSET 2
SELECT id FROM people LIMIT ALL OFFSET 0
SELECT id FROM people LIMIT NULL
SELECT id FROM people LIMIT (SELECT 2)
SELECT id FROM people LIMIT 1 + 1
(SELECT 1)
((SELECT id FROM people ORDER BY id LIMIT 1))
(SELECT 1) LIMIT 1
SELECT name FROM people ORDER BY age DESC NULLS LAST, name ASC NULLS FIRST
SELECT name FROM people ORDER BY age USING >
SELECT name FROM people ORDER BY name COLLATE "C"
SELECT name AS n FROM people ORDER BY n
SELECT name FROM people ORDER BY 1, random()
SELECT name FROM people ORDER BY lower(name), length(name) DESC
-- Where
SELECT id FROM people WHERE age > 18 AND active OR NOT active
SELECT id FROM people WHERE age IS NULL OR age IS NOT NULL
SELECT id FROM people WHERE age ISNULL
SELECT id FROM people WHERE age NOTNULL
SELECT id FROM people WHERE active IS TRUE
SELECT id FROM people WHERE active IS NOT TRUE
SELECT id FROM people WHERE active IS FALSE
SELECT id FROM people WHERE active IS NOT FALSE
SELECT id FROM people WHERE active IS UNKNOWN
SELECT id FROM people WHERE active IS NOT UNKNOWN
SELECT id FROM people WHERE age BETWEEN 10 AND 20
SELECT id FROM people WHERE age NOT BETWEEN 10 AND 20
SELECT id FROM people WHERE age BETWEEN SYMMETRIC 20 AND 10
SELECT id FROM people WHERE age NOT BETWEEN SYMMETRIC 20 AND 10
SELECT id FROM people WHERE age IN (11, 12, 13)
SELECT id FROM people WHERE age NOT IN (11, 12, 13)
SELECT id FROM people WHERE (id, age) IN ((1, 11), (2, 12))
SELECT id FROM people WHERE (id, age) = (1, 11)
SELECT id FROM people WHERE ROW(id, age) > ROW(1, 11)
SELECT id FROM people WHERE ROW(id, age) IS DISTINCT FROM ROW(1, 11)
SELECT id FROM people WHERE ROW(id, age) IS NULL
SELECT id FROM people WHERE email IS DISTINCT FROM name
SELECT id FROM people WHERE email IS NOT DISTINCT FROM name
SELECT id FROM people WHERE name LIKE 'person%'
SELECT id FROM people WHERE name NOT LIKE 'person%'
SELECT id FROM people WHERE name LIKE '%#_%' ESCAPE '#'
SELECT id FROM people WHERE name ILIKE 'PERSON%'
SELECT id FROM people WHERE name NOT ILIKE 'PERSON%'
SELECT id FROM people WHERE name SIMILAR TO 'person [0-9]+'
SELECT id FROM people WHERE name NOT SIMILAR TO 'person [0-9]+' ESCAPE '#'
SELECT id FROM people WHERE name ~ '^person'
SELECT id FROM people WHERE name !~* '^PERSON'
SELECT id FROM people WHERE name ^@ 'per'
SELECT id FROM people WHERE age = ANY (ARRAY[11, 12])
SELECT id FROM people WHERE age = SOME (ARRAY[11, 12])
SELECT id FROM people WHERE age <> ALL (ARRAY[11, 12])
SELECT id FROM people WHERE name LIKE ANY (ARRAY['a%', 'p%'])
SELECT id FROM people WHERE name NOT ILIKE ALL (ARRAY['a%', 'b%'])
SELECT id FROM people WHERE 'a' = ANY (tags)
SELECT id FROM people WHERE tags @> ARRAY['a']
SELECT id FROM people WHERE tags && ARRAY['a', 'b3']
SELECT id FROM people WHERE data @> '{"n": 3}'
SELECT id FROM people WHERE data ? 'n'
SELECT id FROM people WHERE data @? '$.list[*] ? (@ > 3)'
SELECT id FROM people WHERE data @@ '$.n == 3'
SELECT id FROM people WHERE (seen, interval '1 day') OVERLAPS (timestamptz '2024-01-01 00:00+00', interval '1 day')
SELECT id FROM orders WHERE words @@ to_tsquery('english', 'cat')
SELECT id FROM people WHERE feeling = 'ok'
SELECT id FROM people WHERE feeling > 'sad' ORDER BY feeling
SELECT id FROM people WHERE seen > now() - interval '7 days'
SELECT id FROM people WHERE born < CURRENT_DATE
SELECT id FROM people WHERE xmin::text IS NOT NULL
-- Subqueries
SELECT id FROM people WHERE id IN (SELECT person_id FROM orders)
SELECT id FROM people WHERE id NOT IN (SELECT person_id FROM orders WHERE person_id IS NOT NULL)
SELECT id FROM people p WHERE EXISTS (SELECT FROM orders o WHERE o.person_id = p.id)
SELECT id FROM people p WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.person_id = p.id)
SELECT id FROM people WHERE age > ALL (SELECT 5)
SELECT id FROM people WHERE age = ANY (SELECT 11 UNION SELECT 12)
SELECT id FROM people WHERE (id, age) = (SELECT 1, 11)
SELECT id FROM people WHERE (id, age) IN (SELECT id, age FROM people)
SELECT id FROM people WHERE ROW(id, age) < ANY (SELECT 2, 12)
SELECT (SELECT max(id) FROM orders) AS newest, name FROM people
SELECT name, (SELECT count(*) FROM orders o WHERE o.person_id = p.id) FROM people p
SELECT ARRAY(SELECT id FROM people ORDER BY id)
SELECT array_length(ARRAY(SELECT id FROM people), 1)
SELECT s.n FROM (SELECT count(*) AS n FROM people) s
SELECT s.n FROM (SELECT count(*) FROM people) AS s(n)
SELECT * FROM (SELECT * FROM (SELECT * FROM people) a) b
SELECT ROW(1, 2) = (SELECT 1, 2)
-- Joins
SELECT p.name, o.total FROM people p JOIN orders o ON o.person_id = p.id
SELECT p.name, o.total FROM people p INNER JOIN orders o ON o.person_id = p.id AND o.status = 'open'
SELECT p.name, o.total FROM people p LEFT JOIN orders o ON o.person_id = p.id
SELECT p.name, o.total FROM people p LEFT OUTER JOIN orders o ON o.person_id = p.id WHERE o.id IS NULL
SELECT p.name, o.total FROM people p RIGHT JOIN orders o ON o.person_id = p.id
SELECT p.name, o.total FROM people p FULL JOIN orders o ON o.person_id = p.id
SELECT p.name FROM people p CROSS JOIN orders o LIMIT 5
SELECT p.name FROM people p, orders o WHERE o.person_id = p.id
SELECT a.id FROM people a JOIN people b USING (id)
SELECT id FROM people a JOIN people b USING (id, name) WHERE a.age = b.age
SELECT x.id FROM people JOIN orders USING (id) AS x
SELECT id FROM people NATURAL JOIN totals
SELECT a.id FROM people a NATURAL LEFT JOIN (SELECT 1 AS id) b
SELECT * FROM (people p JOIN orders o ON o.person_id = p.id) AS j (a, b, c)
SELECT * FROM people p JOIN (orders o JOIN totals t ON t.person_id = o.person_id) ON p.id = o.person_id
SELECT b.name FROM people a LEFT JOIN people b ON a.boss = b.id
SELECT p.id, l.total FROM people p, LATERAL (SELECT total FROM orders o WHERE o.person_id = p.id LIMIT 1) l
SELECT p.id, l.total FROM people p LEFT JOIN LATERAL (SELECT sum(total) FROM orders o WHERE o.person_id = p.id) l(total) ON true
SELECT p.id, t FROM people p CROSS JOIN LATERAL unnest(p.tags) AS t
SELECT p.id, t.tag, t.place FROM people p, unnest(p.tags) WITH ORDINALITY AS t(tag, place)
SELECT * FROM adults JOIN totals ON totals.person_id = adults.id
-- Functions in FROM
SELECT * FROM generate_series(1, 3)
SELECT g FROM generate_series(1, 10, 3) AS g
SELECT g.n FROM generate_series(1, 10, 3) AS g(n)
SELECT d::date FROM generate_series(timestamp '2024-01-01', '2024-01-05', '1 day') AS d
SELECT * FROM generate_series(3, 1, -1) WITH ORDINALITY AS s(n, i)
SELECT * FROM ROWS FROM (generate_series(1, 3), generate_series(5, 6)) AS t(a, b)
SELECT * FROM ROWS FROM (unnest(ARRAY[1, 2]), json_to_record('{"a":1}') AS (a int)) WITH ORDINALITY
SELECT * FROM unnest(ARRAY[1, 2], ARRAY['a', 'b', 'c']) AS u(n, l)
SELECT * FROM json_each('{"a":1,"b":{"c":2}}')
SELECT e.key, e.value FROM jsonb_each('{"a":1}') AS e
SELECT * FROM jsonb_array_elements('[1,2,3]') WITH ORDINALITY AS e(item, place)
SELECT * FROM regexp_matches('foobarbequebaz', 'ba.', 'g')
SELECT * FROM regexp_split_to_table('a b c', ' ') AS word
SELECT * FROM string_to_table('a,b', ',')
SELECT * FROM CURRENT_DATE
SELECT * FROM CURRENT_TIMESTAMP AS t
SELECT * FROM coalesce(1, 2) AS c
SELECT * FROM cast('7' AS int) AS seven
SELECT * FROM pg_catalog.generate_series(1, 2)
SELECT * FROM people TABLESAMPLE bernoulli (10)
SELECT * FROM people TABLESAMPLE SYSTEM (50) REPEATABLE (7)
SELECT count(*) FROM people AS p TABLESAMPLE pg_catalog.bernoulli (50.5)
SELECT * FROM XMLTABLE('/r/x' PASSING '<r><x>1</x><x>2</x></r>' COLUMNS n int PATH '.', i FOR ORDINALITY, d text DEFAULT 'none' NOT NULL)
SELECT * FROM XMLTABLE(XMLNAMESPACES('http://x' AS x), '/x:r' PASSING BY REF '<r xmlns="http://x"/>' COLUMNS a text PATH '@a')
-- Aggregates and windows
SELECT status, count(*) FROM orders GROUP BY status
SELECT status, sum(total), avg(total), min(total), max(total) FROM orders GROUP BY status HAVING count(*) > 1
SELECT count(DISTINCT status), count(ALL status) FROM orders
SELECT count(*) FILTER (WHERE status = 'open') FROM orders
SELECT string_agg(name, ', ' ORDER BY name DESC) FROM people
SELECT array_agg(DISTINCT age ORDER BY age) FROM people
SELECT json_agg(p ORDER BY id) FROM people p
SELECT jsonb_object_agg(id, name) FROM people
SELECT xmlagg(xmlelement(NAME person, name) ORDER BY id) FROM people
SELECT bool_and(active), bool_or(active), every(active) FROM people
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY age) FROM people
SELECT percentile_disc(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY age) FROM people
SELECT mode() WITHIN GROUP (ORDER BY status) FROM orders
SELECT rank(15) WITHIN GROUP (ORDER BY age) FROM people
SELECT stddev(age), variance(age), corr(age, height), regr_slope(age, height) FROM people
SELECT status, person_id, sum(total) FROM orders GROUP BY GROUPING SETS ((status), (person_id), ())
SELECT status, person_id, sum(total) FROM orders GROUP BY ROLLUP (status, person_id)
SELECT status, person_id, GROUPING(status, person_id), sum(total) FROM orders GROUP BY CUBE (status, person_id)
SELECT status, person_id FROM orders GROUP BY DISTINCT ROLLUP (status), ROLLUP (status, person_id)
SELECT status, person_id FROM orders GROUP BY ALL status, person_id
SELECT status FROM orders GROUP BY 1 ORDER BY count(*) DESC
SELECT date_trunc('month', at), count(*) FROM events GROUP BY date_trunc('month', at)
SELECT sum(total) OVER () FROM orders
SELECT sum(total) OVER (PARTITION BY status ORDER BY id) FROM orders
SELECT row_number() OVER w, rank() OVER w, dense_rank() OVER w FROM orders WINDOW w AS (ORDER BY total)
SELECT lag(total) OVER w, lead(total, 2, 0.0) OVER w FROM orders WINDOW w AS (PARTITION BY status ORDER BY id)
SELECT sum(total) OVER (w ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM orders WINDOW w AS (ORDER BY id)
SELECT sum(total) OVER (ORDER BY id RANGE BETWEEN 5 PRECEDING AND CURRENT ROW) FROM orders
SELECT sum(total) OVER (ORDER BY id GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING EXCLUDE TIES) FROM orders
SELECT sum(total) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW) FROM orders
SELECT first_value(id) OVER w, last_value(id) OVER w, nth_value(id, 2) OVER w FROM orders WINDOW w AS (ORDER BY id)
SELECT ntile(4) OVER (ORDER BY total), cume_dist() OVER (ORDER BY total), percent_rank() OVER (ORDER BY total) FROM orders
SELECT count(*) FILTER (WHERE total > 10) OVER (ORDER BY id) FROM orders
SELECT * FROM (SELECT id, row_number() OVER (PARTITION BY status ORDER BY id) AS n FROM orders) s WHERE n = 1
-- Set operations
SELECT 1 UNION SELECT 2
SELECT 1 UNION ALL SELECT 1
SELECT id FROM people INTERSECT SELECT person_id FROM orders
SELECT id FROM people INTERSECT ALL SELECT person_id FROM orders
SELECT id FROM people EXCEPT SELECT person_id FROM orders
SELECT id FROM people EXCEPT ALL SELECT person_id FROM orders
(SELECT 1 UNION SELECT 2) EXCEPT (SELECT 2 INTERSECT SELECT 3) ORDER BY 1
(SELECT id FROM people ORDER BY id LIMIT 1) UNION ALL (SELECT id FROM orders ORDER BY id DESC LIMIT 1)
VALUES (1, 1.5) UNION TABLE totals
TABLE people UNION ALL TABLE people
-- WITH
WITH a AS (SELECT 1 AS n) SELECT n FROM a
WITH a AS (SELECT 1), b AS (SELECT * FROM a) SELECT * FROM b, a
WITH a (x, y) AS (VALUES (1, 2)) TABLE a
WITH a AS MATERIALIZED (SELECT id FROM people) SELECT count(*) FROM a
WITH a AS NOT MATERIALIZED (SELECT id FROM people) SELECT count(*) FROM a x JOIN a y USING (id)
WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT sum(n) FROM r
WITH RECURSIVE chain AS (SELECT id, boss FROM people WHERE boss IS NULL UNION SELECT p.id, p.boss FROM people p JOIN chain c ON p.boss = c.id) SELECT count(*) FROM chain
WITH RECURSIVE r AS (SELECT id, boss FROM people WHERE id = 1 UNION ALL SELECT p.id, p.boss FROM people p, r WHERE p.boss = r.id) SEARCH DEPTH FIRST BY id SET o SELECT * FROM r ORDER BY o
WITH RECURSIVE r AS (SELECT id, boss FROM people WHERE id = 1 UNION ALL SELECT p.id, p.boss FROM people p, r WHERE p.boss = r.id) SEARCH BREADTH FIRST BY id SET o SELECT * FROM r ORDER BY o
WITH RECURSIVE r AS (SELECT id, boss FROM people WHERE id = 1 UNION ALL SELECT p.id, p.boss FROM people p, r WHERE p.boss = r.id) CYCLE id SET looped USING path SELECT * FROM r
WITH RECURSIVE r AS (SELECT id, boss FROM people WHERE id = 1 UNION ALL SELECT p.id, p.boss FROM people p, r WHERE p.boss = r.id) CYCLE id SET looped TO 'y' DEFAULT 'n' USING path SELECT * FROM r
SELECT * FROM (WITH a AS (SELECT 1) SELECT * FROM a) s
SELECT (WITH a AS (SELECT 1 AS n) SELECT n FROM a)
WITH a AS (WITH b AS (SELECT 1) SELECT * FROM b) SELECT * FROM a
WITH a AS (SELECT 1) VALUES (2)
-- Expressions
SELECT CASE WHEN age > 18 THEN 'adult' WHEN age > 12 THEN 'teen' ELSE 'child' END FROM people
SELECT CASE age WHEN 11 THEN 'eleven' END FROM people
SELECT coalesce(email, name, '?') FROM people
SELECT nullif(age, 11) FROM people
SELECT greatest(1, 2, age), least(1, 2, age) FROM people
SELECT ARRAY[1, 2, 3], ARRAY[[1, 2], [3, 4]], ARRAY[]::int[]
SELECT (ARRAY[1, 2, 3])[2], (ARRAY[1, 2, 3])[1:2], (ARRAY[1, 2, 3])[:2], (ARRAY[1, 2, 3])[2:]
SELECT tags[1], tags[1:2], tags[array_upper(tags, 1)] FROM people
SELECT data['list'][0], data -> 'list' -> 0, data ->> 'n', data #> '{list,0}', data #>> '{list,0}' FROM people
SELECT data - 'n', data - 0, data || '{"z": 1}', data #- '{list,0}' FROM people WHERE jsonb_typeof(data) = 'array'
SELECT ROW(1, 'a'), (1, 'a'), ROW(p.*) FROM people p
SELECT -age, +age, @ age, |/ 25.0, ||/ 27.0, ~ 5, 5 # 3, 5 & 3, 5 | 3, 1 << 4, 16 >> 2, 5 % 3, 2 ^ 10 FROM people
SELECT 'a' || 'b' || 1
SELECT 1 + 2 * 3 - 4 / 2
SELECT NOT true AND false OR true
SELECT name COLLATE "C" < 'x' COLLATE "C" FROM people
SELECT COLLATION FOR (name) FROM people
SELECT age::text, cast(age AS numeric), int '7', int4(7.5), age::bigint::text FROM people
SELECT '2024-01-01'::date, date '2024-01-01', timestamp with time zone '2024-01-01 00:00+00', time '10:00', interval '1' YEAR TO MONTH, interval '1 2:03' DAY TO SECOND, interval(3) '1.2345 s'
SELECT timestamptz '2024-01-01 00:00+00' AT TIME ZONE 'UTC', timestamp '2024-01-01' AT TIME ZONE interval '1 hour'
SELECT CURRENT_DATE, CURRENT_TIME, CURRENT_TIMESTAMP, LOCALTIME, LOCALTIMESTAMP
SELECT CURRENT_TIME(3), CURRENT_TIMESTAMP(0), LOCALTIME(1), LOCALTIMESTAMP(6)
SELECT CURRENT_CATALOG, current_database()
SELECT EXTRACT(year FROM born), EXTRACT('epoch' FROM seen) FROM people
SELECT 'now'::timestamp, 'today'::date, 'infinity'::timestamptz, 'NaN'::numeric, '-Infinity'::float8
SELECT b'101', B'1', x'1F', X'ff'
SELECT 1.5, .5, 5., 1e10, 1.5e-3, 12345678901234567890
SELECT true, false, null, NULL::int, TRUE
SELECT 'it''s', '', ''''
SELECT E'tab\there', E'it\'s', e'\x41\101\u0041\\', E'a''b'
SELECT U&'d\0061t\+000061', U&'d!0061t!+000061' UESCAPE '!', U&"\0041b" FROM (SELECT 1 AS "Ab") s
SELECT $$it's$$, $q$a $$ b$q$, $$$$, $a$\$a$
SELECT N'national'
SELECT U&"d\0061ta" FROM people
SELECT "weird""name" FROM (SELECT 1 AS "weird""name") s
SELECT 'Ünïcödé', '日本語', '🙂', 'ﷺ' AS "naïve ✓"
SELECT größe FROM (SELECT 1 AS größe) s
SELECT 'select nextval(''tickets'')', 'for update', '-- x', '/* y */', 'delete from people'
SELECT $$DROP TABLE people; SELECT nextval('tickets')$$
SELECT "for update" FROM (SELECT 1 AS "for update") s
SELECT update, delete, insert, lock FROM (SELECT 1 AS update, 2 AS delete, 3 AS insert, 4 AS lock) s
SELECT nextval FROM (SELECT 1 AS nextval) s
SELECT s.version, s.random FROM (SELECT 1 AS version, 2 AS random) s
SELECT id AS set, name AS begin, age AS commit FROM people
SELECT concat(VARIADIC ARRAY['a', 'b']), concat_ws(',', VARIADIC tags) FROM people
SELECT make_interval(days => 10), make_interval(hours := 2), make_date(year => 2024, month => 2, day => 29)
SELECT xmlelement(NAME a, xmlattributes(1 AS b, name), 'c', xmlforest(id, name AS n)) FROM people
SELECT xmlparse(DOCUMENT '<a/>'), xmlparse(CONTENT 'a<b/>' PRESERVE WHITESPACE), xmlserialize(CONTENT '<a/>'::xml AS text)
SELECT xmlconcat('<a/>', '<b/>'), xmlpi(NAME php, 'x'), xmlroot('<a/>'::xml, VERSION '1.0', STANDALONE YES), xmlcomment('c')
SELECT '<a/>'::xml IS DOCUMENT, '<a/>'::xml IS NOT DOCUMENT
SELECT xmlexists('//a' PASSING '<a/>')
SELECT 'a' IS NORMALIZED, 'a' IS NFC NORMALIZED, 'a' IS NOT NFKD NORMALIZED
SELECT (SELECT p FROM people p WHERE p.id = 1) IS NOT NULL
SELECT p = p, p IS NULL, p::text, p.id FROM people p
SELECT 'people'::regclass, 'people'::regclass::oid, 'now'::regproc, 'abs(int4)'::regprocedure, 'int4'::regtype, 'pg_monitor'::regrole, 'public'::regnamespace, '"C"'::regcollation, '||/'::regoper
SELECT 23::oid::regtype, to_regclass('missing'), to_regtype('int4')
SELECT random() < 2, gen_random_uuid() IS NOT NULL, clock_timestamp() > now(), timeofday() <> ''
SELECT '{1,2}'::int[], '{{1,2},{3,4}}'::int[][], '{a,b}'::text[3], NULL::numeric(5,2)[], CAST('{1}' AS int ARRAY), CAST('{1}' AS int ARRAY[4]), '{1}'::_int4
SELECT 'a'::"char", 'a'::char(3), 'a'::character varying(3), 'a'::varchar, 1::real, 1::double precision, 1::dec(4,1), 1::float(20), b'1'::bit varying(4)
SELECT pg_catalog.lower('A'), pg_catalog.now(), "pg_catalog"."upper"('a'), "lower"('A')
SELECT 1::pg_catalog.int4, '1'::"pg_catalog"."int8", pg_catalog.int4 '7'
SELECT lower(upper(trim(name))) FROM people
-- Catalogs and tools
SELECT relname FROM pg_class WHERE oid = 'people'::regclass
SELECT c.relname, n.nspname FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE pg_catalog.pg_table_is_visible(c.oid)
SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid) FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = 'people'::regclass AND a.attnum > 0
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'orders'::regclass
SELECT indexdef, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_indexes ON true WHERE i.indrelid = 'people'::regclass
SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' ORDER BY ordinal_position
SELECT column_default FROM information_schema.columns WHERE column_default LIKE 'nextval%'
SELECT relid FROM pg_partition_root('events'::regclass) AS relid
-- Explain
EXPLAIN SELECT * FROM people
EXPLAIN VERBOSE SELECT * FROM people
EXPLAIN (COSTS off, FORMAT json) SELECT * FROM people
EXPLAIN (VERBOSE, COSTS, FORMAT yaml, SUMMARY false) SELECT count(*) FROM orders
EXPLAIN (ANALYZE off) SELECT 1
EXPLAIN (ANALYZE false, BUFFERS) TABLE people
EXPLAIN (ANALYZE 0, FORMAT xml) VALUES (1)
EXPLAIN (FORMAT text) WITH a AS (SELECT 1) SELECT * FROM a
-- Layout, comments, several statements
SELECT/**/1
SELECT /* a /* nested */ comment */ 1
SELECT 1 /* FOR UPDATE */
SELECT 1;
; SELECT 1 ;;
SELECT 1; SELECT 2
SELECT 1; SELECT name FROM people WHERE id = 1; VALUES (3)
sElEcT nAmE fRoM pEoPlE
SELECT 'a' /* ' */ || 'b'
SELECT 1 AS "/*", 2 AS "*/"
SELECT 2 -1
SELECT 1--1
/* trace 00-abc */ SELECT 1 /* controller='users' */
/*+ SeqScan(people) */ SELECT * FROM people
