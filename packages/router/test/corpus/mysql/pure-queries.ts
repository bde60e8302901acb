import { combine, type Labelled, pure, pureTexts } from './corpus.ts';

const CLAUSES = `
  SELECT 1
  SELECT 1, 'a', NULL, TRUE, FALSE, 1.5, .5, 1e3, 1.5E-2, 0x4D, x'4D', X'4d', b'101', 0b101
  SELECT NULL
  SELECT 1 AS one
  SELECT 1 one
  SELECT 1 AS 'one'
  SELECT 1 'one'
  SELECT 1 "one"
  SELECT 1 AS "one"
  SELECT 1 AS \`one\`
  SELECT 1 \`one\`
  SELECT 1 FROM DUAL
  SELECT 1 FROM DUAL WHERE 1 = 1
  SELECT 1 WHERE TRUE
  SELECT 1 LIMIT 1
  SELECT *
  FROM_NOTHING
  SELECT * FROM orders
  SELECT orders.* FROM orders
  SELECT lab.orders.* FROM lab.orders
  SELECT o.*, c.name FROM orders o, customers c
  SELECT *, id + 1 FROM orders
  SELECT id FROM orders
  SELECT orders.id FROM orders
  SELECT lab.orders.id FROM lab.orders
  SELECT \`id\`, \`orders\`.\`id\`, \`lab\`.\`orders\`.\`id\` FROM \`lab\`.\`orders\`
  SELECT orders . id FROM orders
  SELECT ALL id FROM orders
  SELECT DISTINCT status FROM orders
  SELECT DISTINCTROW status FROM orders
  SELECT HIGH_PRIORITY id FROM orders
  SELECT STRAIGHT_JOIN o.id FROM orders o JOIN customers c ON c.id = o.customer_id
  SELECT SQL_SMALL_RESULT status, COUNT(*) FROM orders GROUP BY status
  SELECT SQL_BIG_RESULT status, COUNT(*) FROM orders GROUP BY status
  SELECT SQL_BUFFER_RESULT id FROM orders
  SELECT SQL_NO_CACHE id FROM orders
  SELECT SQL_NO_CACHE SQL_BUFFER_RESULT DISTINCT status FROM orders
  SELECT id FROM orders WHERE id = 1
  SELECT id FROM orders WHERE id <> 1 AND id != 2
  SELECT id FROM orders WHERE id <=> NULL
  SELECT id FROM orders WHERE id IN (1, 2, 3)
  SELECT id FROM orders WHERE id NOT IN (1, 2, 3)
  SELECT id FROM orders WHERE (id, status) IN ((1, 'new'), (2, 'paid'))
  SELECT id FROM orders WHERE (id, status) = (1, 'new')
  SELECT id FROM orders WHERE ROW(id, status) = ROW(1, 'new')
  SELECT id FROM orders WHERE id BETWEEN 1 AND 5
  SELECT id FROM orders WHERE id NOT BETWEEN 1 AND 5 AND status = 'new'
  SELECT id FROM orders WHERE status LIKE 'n%'
  SELECT id FROM orders WHERE status NOT LIKE 'n\\_%'
  SELECT id FROM orders WHERE status LIKE 'n|%' ESCAPE '|'
  SELECT id FROM orders WHERE status REGEXP '^n'
  SELECT id FROM orders WHERE status NOT REGEXP '^n.*$'
  SELECT id FROM orders WHERE status RLIKE 'w'
  SELECT id FROM orders WHERE status SOUNDS LIKE 'neu'
  SELECT id FROM orders WHERE note IS NULL
  SELECT id FROM orders WHERE note IS NOT NULL
  SELECT id FROM orders WHERE (id > 1) IS TRUE
  SELECT id FROM orders WHERE (id > 1) IS NOT FALSE
  SELECT id FROM orders WHERE (note = 'x') IS UNKNOWN
  SELECT id FROM orders WHERE (note = 'x') IS NOT UNKNOWN
  SELECT id FROM orders WHERE NOT id = 1
  SELECT id FROM orders WHERE ! (id = 1)
  SELECT id FROM orders WHERE id = 1 OR status = 'new' XOR total > 5
  SELECT id FROM orders WHERE id = 1 && status = 'new'
  SELECT id FROM orders WHERE id = 1 || status = 'new'
  SELECT id FROM orders WHERE BINARY status = 'new'
  SELECT id FROM orders WHERE status = 'new' COLLATE utf8mb4_bin
  SELECT id FROM orders WHERE status COLLATE utf8mb4_general_ci = 'NEW'
  SELECT id FROM orders WHERE created_at > NOW() - INTERVAL 7 DAY
  SELECT id FROM orders WHERE created_at > CURRENT_DATE - INTERVAL '1' MONTH
  SELECT id FROM orders WHERE created_at >= DATE '2026-01-01' AND created_at < DATE '2026-02-01'
  SELECT id FROM orders WHERE created_at BETWEEN '2026-01-01' AND '2026-01-31 23:59:59'
  SELECT id FROM orders WHERE INTERVAL 1 DAY + created_at > NOW()
  SELECT id FROM orders WHERE EXISTS (SELECT 1 FROM items WHERE items.order_id = orders.id)
  SELECT id FROM orders WHERE NOT EXISTS (SELECT * FROM items i WHERE i.order_id = orders.id AND qty > 1)
  SELECT id FROM orders WHERE customer_id IN (SELECT id FROM customers WHERE city = 'Oslo')
  SELECT id FROM orders WHERE customer_id = (SELECT MAX(id) FROM customers)
  SELECT id FROM orders WHERE total > ALL (SELECT price FROM items)
  SELECT id FROM orders WHERE total >= ANY (SELECT price FROM items)
  SELECT id FROM orders WHERE total = SOME (SELECT price FROM items)
  SELECT id FROM orders WHERE total NOT IN (SELECT price FROM items UNION SELECT 1)
  SELECT id FROM orders WHERE (SELECT COUNT(*) FROM items WHERE order_id = orders.id) > 1
  SELECT id, -total, +total, ~id, id % 2, id DIV 2, id MOD 2, id / 2, id * 2, id - 1, id + 1 FROM orders
  SELECT id | 1, id & 3, id ^ 2, id << 1, id >> 1 FROM orders
  SELECT 1--1
  SELECT 5 - -3
  SELECT 2*/*two*/3
  SELECT - - 1, NOT NOT 1, !!1
  SELECT CASE status WHEN 'new' THEN 1 WHEN 'paid' THEN 2 ELSE 3 END FROM orders
  SELECT CASE WHEN total > 10 THEN 'much' END AS size FROM orders
  SELECT CASE WHEN id IN (1, 2) THEN (SELECT 1) ELSE NULL END FROM orders
  SELECT (SELECT name FROM customers WHERE customers.id = orders.customer_id) AS customer FROM orders
  SELECT (SELECT 1) + (SELECT 2)
  SELECT ((SELECT 1) + 2) * 3
  SELECT ((1 + 2) * (3 - 4)), (((5)))
  SELECT ((SELECT 1) UNION (SELECT 2) LIMIT 1)
  SELECT 'a' 'b', 'it''s', "say ""hi""", ''
  SELECT _utf8mb4'abc', _latin1 'abc' COLLATE latin1_bin, N'abc', n'abc', _binary 'abc'
  SELECT 'a\\nb', 'tab\\t', 'back\\\\slash'
  SELECT 'a -- no comment', '# none', '/* none */', '; none'
  SELECT "a -- no comment", "# none", "/* none */", "; none"
  SELECT status, COUNT(*) FROM orders GROUP BY status
  SELECT status, COUNT(*) AS n FROM orders GROUP BY status HAVING n > 1
  SELECT status, customer_id, COUNT(*) FROM orders GROUP BY status, customer_id WITH ROLLUP
  SELECT YEAR(created_at) AS y, SUM(total) FROM orders GROUP BY y
  SELECT YEAR(created_at), SUM(total) FROM orders GROUP BY YEAR(created_at) ORDER BY 2 DESC
  SELECT id FROM orders ORDER BY id
  SELECT id FROM orders ORDER BY total DESC, id ASC
  SELECT id FROM orders ORDER BY FIELD(status, 'paid', 'new'), RAND()
  SELECT id FROM orders ORDER BY NULL
  SELECT id FROM orders ORDER BY (status = 'new') DESC, note IS NULL
  SELECT id FROM orders ORDER BY status COLLATE utf8mb4_bin DESC
  SELECT id FROM orders LIMIT 10
  SELECT id FROM orders LIMIT 5, 10
  SELECT id FROM orders LIMIT 10 OFFSET 5
  SELECT id FROM orders ORDER BY id LIMIT 18446744073709551615 OFFSET 1
  SELECT id, SUM(total) OVER w FROM orders WINDOW w AS (ORDER BY id)
  SELECT id, SUM(total) OVER w, RANK() OVER v FROM orders WINDOW w AS (PARTITION BY status), v AS (ORDER BY total)
  SELECT id, SUM(total) OVER (w ROWS 1 PRECEDING) FROM orders WINDOW w AS (ORDER BY id)
  SELECT id FROM orders USE INDEX (status_key) WHERE status = 'new'
  SELECT id FROM orders FORCE INDEX (PRIMARY) WHERE id = 1
  SELECT id FROM orders IGNORE INDEX (status_key, customer_key)
  SELECT id FROM orders USE KEY () WHERE id = 1
  SELECT id FROM orders USE INDEX FOR ORDER BY (status_key) ORDER BY status
  SELECT id FROM orders IGNORE INDEX FOR GROUP BY (status_key) GROUP BY id
  SELECT id FROM orders USE INDEX FOR JOIN (status_key) IGNORE INDEX FOR ORDER BY (customer_key)
  SELECT o.id FROM orders AS o USE INDEX (status_key), items AS i IGNORE KEY (order_key)
  SELECT id FROM logs PARTITION (p0)
  SELECT l.id FROM logs PARTITION (p0, p1) AS l WHERE l.id = 1
  SELECT id FROM articles WHERE MATCH (title, body) AGAINST ('words')
  SELECT id FROM articles WHERE MATCH (title, body) AGAINST ('+words -reads' IN BOOLEAN MODE)
  SELECT id, MATCH (title, body) AGAINST ('words' IN NATURAL LANGUAGE MODE) AS score FROM articles ORDER BY score DESC
  SELECT id FROM articles WHERE MATCH (title, body) AGAINST ('words' WITH QUERY EXPANSION)
  SELECT id FROM articles WHERE MATCH (title, body) AGAINST ('words' IN NATURAL LANGUAGE MODE WITH QUERY EXPANSION)
  SELECT id FROM articles WHERE MATCH title, body AGAINST ('words')
  SELECT * FROM order_totals WHERE total > 5
  SELECT id FROM \`2020_sales\`
  SELECT id, 2020_total FROM 2020_sales
  (SELECT 1)
  ((SELECT 1))
  (SELECT id FROM orders ORDER BY id LIMIT 1)
  (SELECT id FROM orders) ORDER BY id LIMIT 1
  (SELECT id FROM orders LIMIT 1) UNION (SELECT id FROM items LIMIT 1)
  SELECT id FROM orders UNION SELECT id FROM items
  SELECT id FROM orders UNION ALL SELECT id FROM items
  SELECT id FROM orders UNION DISTINCT SELECT id FROM items
  SELECT id FROM orders UNION SELECT id FROM items ORDER BY id DESC LIMIT 2
  SELECT id FROM orders INTERSECT SELECT id FROM items
  SELECT id FROM orders EXCEPT SELECT id FROM items
  SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3
  (SELECT 1 UNION SELECT 2) EXCEPT SELECT 1
  ((SELECT 1 UNION SELECT 2) INTERSECT (SELECT 2 UNION SELECT 3)) LIMIT 1
  ((SELECT 1) UNION (SELECT 2)) ORDER BY 1
  SELECT * FROM (SELECT 1 UNION SELECT 2) AS t
  SELECT * FROM ((SELECT 1 AS a) UNION (SELECT 2)) AS t ORDER BY a
  SELECT * FROM ((SELECT 1 AS a) UNION (SELECT 2) ORDER BY a LIMIT 1) t
`;

const JOINS = `
  SELECT * FROM orders o JOIN customers c ON c.id = o.customer_id
  SELECT * FROM orders o INNER JOIN customers c ON c.id = o.customer_id
  SELECT * FROM orders o CROSS JOIN customers c
  SELECT * FROM orders o STRAIGHT_JOIN customers c ON c.id = o.customer_id
  SELECT * FROM orders o LEFT JOIN customers c ON c.id = o.customer_id
  SELECT * FROM orders o LEFT OUTER JOIN customers c ON c.id = o.customer_id
  SELECT * FROM orders o RIGHT JOIN customers c ON c.id = o.customer_id
  SELECT * FROM orders o RIGHT OUTER JOIN customers c ON c.id = o.customer_id
  SELECT * FROM orders NATURAL JOIN customers
  SELECT * FROM orders NATURAL LEFT JOIN customers
  SELECT * FROM orders NATURAL RIGHT OUTER JOIN customers
  SELECT * FROM orders JOIN items USING (id)
  SELECT * FROM orders LEFT JOIN items USING (id) LEFT JOIN customers USING (id)
  SELECT * FROM orders, customers, items WHERE orders.customer_id = customers.id
  SELECT * FROM orders o JOIN (items i JOIN customers c) ON i.order_id = o.id AND c.id = o.customer_id
  SELECT * FROM orders o LEFT JOIN (items i, customers c) ON i.order_id = o.id
  SELECT * FROM (orders o, items i) JOIN customers c ON c.id = o.customer_id
  SELECT * FROM (orders)
  SELECT * FROM ((orders))
  SELECT * FROM ((orders o JOIN items i ON i.order_id = o.id))
  SELECT * FROM orders o JOIN items i JOIN customers c ON c.id = i.id ON i.order_id = o.id
  SELECT * FROM { OJ orders o LEFT OUTER JOIN items i ON i.order_id = o.id }
  SELECT * FROM (SELECT id FROM orders) AS o
  SELECT * FROM (SELECT id FROM orders) o JOIN (SELECT order_id FROM items) i ON i.order_id = o.id
  SELECT * FROM ((SELECT id FROM orders) o JOIN items i ON i.order_id = o.id)
  SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer_id AND (c.vip = 1 OR c.city IN ('Oslo', 'London'))
  SELECT a.id FROM tree a LEFT JOIN tree b ON b.parent_id = a.id LEFT JOIN tree c ON c.parent_id = b.id WHERE c.id IS NULL
  SELECT * FROM lab.orders AS o JOIN \`lab\`.\`customers\` AS c ON o.customer_id = c.id
`;

const WITHS = `
  WITH o AS (SELECT * FROM orders) SELECT * FROM o
  WITH o AS (SELECT id FROM orders), i AS (SELECT order_id FROM items) SELECT * FROM o JOIN i ON i.order_id = o.id
  WITH o (a, b) AS (SELECT id, total FROM orders) SELECT a, b FROM o
  WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i FROM n
  WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT * FROM n, n m
  WITH RECURSIVE up AS (SELECT id, parent_id FROM tree WHERE id = 2 UNION ALL SELECT t.id, t.parent_id FROM tree t JOIN up ON t.id = up.parent_id) SELECT * FROM up
  WITH a AS (SELECT 1), b AS (WITH c AS (SELECT 2) SELECT * FROM c) SELECT * FROM a, b
  WITH a AS (SELECT 1 AS x) SELECT x FROM a UNION SELECT 2 ORDER BY x
  WITH a AS ((SELECT 1 AS x) UNION (SELECT 2)) SELECT x FROM a
  SELECT * FROM (WITH a AS (SELECT 1 AS x) SELECT x FROM a) t
  SELECT (WITH a AS (SELECT 1 AS x) SELECT x FROM a)
  SELECT id FROM orders WHERE id IN (WITH a AS (SELECT 1 AS x) SELECT x FROM a)
`;

const ONLY_MYSQL = `
  (WITH a AS (SELECT 1 AS x) SELECT x FROM a)
  TABLE orders
  TABLE lab.orders
  TABLE orders ORDER BY id LIMIT 1
  TABLE orders LIMIT 1 OFFSET 1
  (TABLE orders)
  TABLE tree UNION TABLE tree
  SELECT * FROM (TABLE orders) AS t
  SELECT id FROM orders WHERE total > ALL (SELECT id FROM (TABLE 2020_sales) t)
  VALUES ROW(1, 2), ROW(3, 4)
  VALUES ROW(1, 'a') ORDER BY column_1 DESC LIMIT 1
  SELECT * FROM (VALUES ROW(1, 2), ROW(3, 4)) AS v
  SELECT * FROM (VALUES ROW(1, 2), ROW(3, 4)) AS v (a, b) WHERE a > 1
  SELECT * FROM (SELECT 1, 2) AS t (a, b)
  SELECT * FROM orders o, LATERAL (SELECT * FROM items i WHERE i.order_id = o.id) AS l
  SELECT * FROM orders o LEFT JOIN LATERAL (SELECT SUM(qty) AS n FROM items i WHERE i.order_id = o.id) l ON TRUE
  SELECT status, SUM(total) FROM orders GROUP BY ROLLUP (status)
  SELECT doc->'$.a', doc->>'$.name' FROM orders WHERE doc->>'$.a' = '1'
  SELECT doc -> '$.a' FROM orders ORDER BY doc->"$.a"
  SELECT o.doc->'$.a' + 1 FROM orders o
  SELECT id FROM orders WHERE 2 MEMBER OF (doc->'$.ids')
  SELECT * FROM JSON_TABLE('[{"a": 1}, {"b": 2}]', '$[*]' COLUMNS (rowid FOR ORDINALITY, a INT EXISTS PATH '$.a', b INT PATH '$.b' DEFAULT '9' ON EMPTY)) AS t
  SELECT * FROM JSON_TABLE('[1, 2]', '$[*]' COLUMNS (NESTED PATH '$' COLUMNS (v DECIMAL(10, 2) PATH '$' NULL ON ERROR))) AS t
  SELECT id FROM orders LIMIT ?
  SELECT /*+ NO_ICP(orders status_key) */ id FROM orders
  SELECT /*+ MAX_EXECUTION_TIME(10000) */ id FROM orders
  SELECT /*+ QB_NAME(q1) JOIN_ORDER(o, c) */ o.id FROM orders o JOIN customers c ON c.id = o.customer_id
  SELECT /*+ BKA(o@q1) NO_BNL() INDEX_MERGE(o) */ o.id FROM orders o
  SELECT /*+ SEMIJOIN(FIRSTMATCH, LOOSESCAN) */ id FROM orders WHERE id IN (SELECT order_id FROM items)
  SELECT /*+ INDEX(\`orders\` \`status_key\`) */ id FROM orders
  SELECT * FROM JSON_TABLE('{"k": [1]}', '$.k[*]' COLUMNS (k VARCHAR(20) CHARACTER SET utf8mb4 PATH '$' ERROR ON EMPTY)) t
`;

const ONLY_MARIADB = `
  VALUES (1, 2), (3, 4)
  VALUES (1), (2) UNION SELECT 3
  SELECT * FROM (VALUES (1, 2), (3, 4)) AS v
  SELECT SQL_CACHE id FROM orders
  SELECT id FROM orders ORDER BY id OFFSET 1 ROW
  SELECT id FROM orders ORDER BY id OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY
  SELECT id FROM orders ORDER BY id FETCH FIRST 1 ROW ONLY
  SELECT id FROM orders ORDER BY id FETCH FIRST ROW ONLY
  SELECT id FROM orders ORDER BY status FETCH FIRST 1 ROWS WITH TIES
  SELECT id FROM orders LIMIT 2 ROWS EXAMINED 100
  SELECT id FROM orders LIMIT ROWS EXAMINED 100
  SELECT id FROM orders LIMIT 1, 2 ROWS EXAMINED 100
  SELECT * FROM prices FOR SYSTEM_TIME ALL
  SELECT * FROM prices FOR SYSTEM_TIME AS OF NOW()
  SELECT * FROM prices FOR SYSTEM_TIME AS OF TIMESTAMP '2026-01-01 00:00:00'
  SELECT * FROM prices FOR SYSTEM_TIME AS OF (NOW() - INTERVAL 1 DAY) AS p
  SELECT * FROM prices FOR SYSTEM_TIME BETWEEN '2026-01-01' AND NOW()
  SELECT * FROM prices FOR SYSTEM_TIME FROM '2026-01-01' TO NOW()
  SELECT p.price FROM prices FOR SYSTEM_TIME ALL AS p JOIN items i ON i.sku = p.sku
  SELECT status, COUNT(*) FROM orders GROUP BY status DESC
  SELECT * FROM s1
  SELECT next_not_cached_value FROM s1
  SELECT * FROM seq_1_to_10
  SELECT seq FROM seq_1_to_20_step_3 WHERE seq > 5
  WITH RECURSIVE c (a, b) AS (SELECT 1, 1 UNION ALL SELECT b, a FROM c) CYCLE a, b RESTRICT SELECT * FROM c
  SELECT * FROM JSON_TABLE('[{"a": 1}]', '$[*]' COLUMNS (a INT PATH '$.a')) AS t
  SELECT * FROM JSON_TABLE('[1, 2]', '$[*]' COLUMNS (n FOR ORDINALITY, v VARCHAR(10) PATH '$' DEFAULT 'x' ON EMPTY NULL ON ERROR)) t
  SELECT * FROM orders o JOIN JSON_TABLE(o.doc, '$.ids[*]' COLUMNS (i INT PATH '$')) j
  SELECT id FROM orders WHERE 'a' || status = 'anew'
`;

/** Different in the text, the same for a server. */
const LAYOUTS: readonly string[] = [
  'SELECT\n  id,\n  total\nFROM\n  orders\nWHERE\n  id = 1\n',
  'select id from orders where id=1;',
  'SELECT id FROM orders;;',
  '  \t\r\n SELECT 1 \f\v ',
  '-- the newest orders\nSELECT id FROM orders',
  '--\nSELECT 1',
  '--\tSELECT 2\nSELECT 1',
  '# newest\nSELECT id FROM orders # and that is all',
  '#\nSELECT 1',
  '/* report 7 */ SELECT id FROM orders',
  '/**/SELECT/**/id/**/FROM/**/orders/**/',
  '/* first */ -- second\n# third\nSELECT 1',
  'SELECT 1 -- the end',
  'SELECT 1 --',
  'SELECT 1 #',
  'SELECT id /* the key */ FROM orders /* all of them */',
  "SELECT id FROM orders WHERE status = 'new' -- not 'old'\n",
  "SELECT id FROM orders WHERE status = 'new' /* don't */",
  'SELECT id FROM orders WHERE note = "it\'s" -- "',
  'SELECT id FROM orders -- FOR UPDATE',
  'SELECT id FROM orders /* FOR UPDATE */',
  "SELECT 'FOR UPDATE', 'INTO OUTFILE', '@x', '@@y', 'GET_LOCK(1)' FROM orders",
  'SELECT "FOR UPDATE", "INTO OUTFILE", "@x", "@@y" FROM orders',
  'SELECT `select`, `update`, `for`, `into`, `lock`, `procedure` FROM `odd`',
  'SELECT odd.select, odd.update, odd.for, odd.into, odd.lock, odd.procedure FROM `odd`',
  'SELECT o.key, o.value FROM odd o WHERE o.lock = 5 AND o.update > 1',
  'SELECT value FROM odd',
  "SELECT'a'FROM orders WHERE status='new'AND note LIKE'f%'",
  "SELECT DATE'2026-01-31', TIME'10:20:30' + INTERVAL 1 SECOND",
  'SELECT`id`FROM`orders`WHERE`id`=1',
  'SELECT(1)+(2)FROM(orders)WHERE(id)IN(1,2)',
  'SeLeCt Id FrOm orders',
  "SELECT 'line one\nline two'",
  "SELECT 'ünïcödé', '日本語', '🎉'",
  'SELECT 1 AS größe, 2 AS 数',
  'SELECT id FROM orders WHERE doc = \'{\\"a\\": 1}\'',
  "SELECT 'a\\\\', 'b'",
  'SELECT 1 AS a\n\n\n, 2 AS b',
];

const PARAMETERS: readonly Labelled[] = [
  { sql: 'SELECT id FROM orders WHERE id = ?', pure: true, params: [1] },
  { sql: 'SELECT id FROM orders WHERE id = ? AND status = ?', pure: true, params: [1, 'new'] },
  { sql: 'SELECT id FROM orders WHERE id IN (?, ?, ?)', pure: true, params: [1, 2, 3] },
  {
    sql: 'SELECT id FROM orders WHERE created_at BETWEEN ? AND ? LIMIT ? OFFSET ?',
    pure: true,
    params: ['2026-01-01', '2027-01-01', 5, 0],
  },
  { sql: 'SELECT ? AS v', pure: true, params: ['x'] },
  { sql: 'SELECT COALESCE(?, ?), ? + 1', pure: true, params: [null, 'b', 2] },
  { sql: 'SELECT id FROM orders WHERE created_at > NOW() - INTERVAL ? DAY', pure: true, params: [3] },
  { sql: 'SELECT id FROM orders WHERE (? IS NULL OR status = ?)', pure: true, params: [null, 'new'] },
  { sql: "SELECT id FROM orders WHERE status LIKE CONCAT('%', ?, '%')", pure: true, params: ['e'] },
  {
    sql: 'SELECT id FROM articles WHERE MATCH (title, body) AGAINST (? IN BOOLEAN MODE)',
    pure: true,
    params: ['words'],
  },
  {
    sql: 'WITH o AS (SELECT id FROM orders WHERE id > ?) SELECT id FROM o WHERE id < ?',
    pure: true,
    params: [0, 9],
  },
  { sql: 'SELECT CASE WHEN total > ? THEN ? ELSE ? END FROM orders', pure: true, params: [1, 'a', 'b'] },
];

/** Every table in every place where a query can stand. */
const NESTED = combine(
  `
  SELECT * FROM (%) AS q
  SELECT id FROM orders WHERE id IN (%)
  SELECT id FROM orders WHERE EXISTS (%)
  SELECT id FROM orders WHERE id = ANY (%)
  SELECT (%) IS NULL
  WITH q AS (%) SELECT * FROM q
  (%)
  (%) UNION ALL (%)
  SELECT 1 UNION (%)
  EXPLAIN %
  `,
  `
  SELECT id FROM orders WHERE id = 1
  SELECT MAX(id) FROM items GROUP BY order_id HAVING MAX(id) > 100
  SELECT o.id FROM orders o JOIN items i ON i.order_id = o.id WHERE i.qty > 50
  SELECT 1 FROM DUAL WHERE 0 = 1
  SELECT id FROM customers WHERE id = 1 UNION SELECT id FROM tree WHERE id = 1
  `,
);

const runnable = CLAUSES.replace(/^\s*(?:FROM_NOTHING|SELECT \*)\n/gm, '');
const [mysqlWithParameter, mysqlRest] = [
  ONLY_MYSQL.split('\n').filter((line) => line.includes('?')),
  ONLY_MYSQL.split('\n').filter((line) => !line.includes('?')),
];

export const PURE_QUERIES: readonly Labelled[] = [
  ...pure(runnable),
  ...pure(JOINS),
  ...pure(WITHS),
  ...pure(mysqlRest.join('\n'), { on: 'mysql' }),
  ...pure(mysqlWithParameter.join('\n'), { on: 'mysql', params: [1] }),
  ...pure(ONLY_MARIADB, { on: 'mariadb' }),
  ...pureTexts(LAYOUTS),
  ...pure(NESTED),
  ...PARAMETERS,
];
