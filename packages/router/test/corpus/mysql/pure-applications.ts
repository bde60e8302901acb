import { combine, type Labelled, pure, pureTexts } from './corpus.ts';

/** As query builders and people write them. */
const BUILDERS: readonly string[] = [
  // Sequelize, TypeORM, Prisma, Knex, Drizzle, Kysely: their quoting and their aliases.
  "SELECT `id`, `name`, `email`, `created_at` AS `createdAt` FROM `customers` AS `Customer` WHERE `Customer`.`city` = 'Oslo' LIMIT 1;",
  "SELECT `Order`.`id`, `Order`.`total`, `customer`.`id` AS `customer.id`, `customer`.`name` AS `customer.name` FROM `orders` AS `Order` LEFT OUTER JOIN `customers` AS `customer` ON `Order`.`customer_id` = `customer`.`id` WHERE (`Order`.`status` = 'new' AND `Order`.`total` > 5) ORDER BY `Order`.`id` DESC LIMIT 0, 10;",
  'SELECT count(*) AS `count` FROM `orders` AS `Order`;',
  'SELECT 1+1 AS result',
  'SELECT 1',
  'SELECT DISTINCT `distinctAlias`.`Order_id` AS `ids_Order_id` FROM (SELECT `Order`.`id` AS `Order_id`, `Order`.`total` AS `Order_total` FROM `orders` `Order`) `distinctAlias` ORDER BY `Order_id` ASC LIMIT 1',
  'SELECT `Customer`.`id` AS `Customer_id`, `Customer`.`name` AS `Customer_name` FROM `customers` `Customer` WHERE ((`Customer`.`id` = 1)) LIMIT 1',
  'SELECT COUNT(1) AS `cnt` FROM `orders` `Order`',
  'SELECT `lab`.`customers`.`id`, `lab`.`customers`.`name` FROM `lab`.`customers` WHERE (`lab`.`customers`.`id` = 1 AND 1=1) LIMIT 1 OFFSET 0',
  'SELECT COUNT(*) AS `_count._all` FROM (SELECT `lab`.`orders`.`id` FROM `lab`.`orders` WHERE 1=1) AS `sub`',
  'select * from `orders` where `id` = 1 limit 1',
  "select `o`.*, `c`.`name` from `orders` as `o` inner join `customers` as `c` on `c`.`id` = `o`.`customer_id` where `o`.`status` in ('new', 'paid') order by `o`.`id` asc",
  'select count(`id`) as `n` from `orders` group by `status` having count(`id`) > 1',
  "select `id`, `total` from `orders` where (`orders`.`id` = 1 and `orders`.`status` <> 'x')",
  'select `orders`.`id`, `customers`.`name` from `orders` left join `customers` on `orders`.`customer_id` = `customers`.`id`',
  "select `id`, (select coalesce(json_arrayagg(`i`.`sku`), '[]') from `items` as `i` where `i`.`order_id` = `o`.`id`) as `skus` from `orders` as `o`",
  "SELECT t0.id AS id_0, t0.name AS name_1 FROM customers t0 WHERE t0.email = 'ada@example.test'",
  'SELECT "a" FROM (SELECT 1 AS a) t',
  "SELECT SUM(CASE WHEN status = 'paid' THEN total ELSE 0 END) AS paid, SUM(CASE WHEN status <> 'paid' THEN total ELSE 0 END) AS unpaid FROM orders",
  "SELECT DATE_FORMAT(created_at, '%Y-%m') AS month, COUNT(*) AS orders, SUM(total) AS revenue FROM orders GROUP BY month ORDER BY month",
  'SELECT c.*, (SELECT COUNT(*) FROM orders o WHERE o.customer_id = c.id) AS n FROM customers c ORDER BY n DESC LIMIT 20',
  'SELECT * FROM (SELECT o.*, ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY created_at DESC) AS rn FROM orders o) latest WHERE rn = 1',
  "SELECT id, name FROM customers WHERE (created_at, id) < ('2030-01-01', 5) ORDER BY created_at DESC, id DESC LIMIT 21",
  "SELECT id FROM customers WHERE name LIKE '%a%' OR email LIKE '%a%' ORDER BY name LIMIT 10",
  'SELECT ROUND(AVG(total), 2) AS average, MIN(total), MAX(total), STDDEV(total) FROM orders WHERE created_at >= CURDATE() - INTERVAL 30 DAY',
  'SELECT IFNULL(SUM(qty * price), 0) FROM items WHERE order_id = 1',
  "SELECT EXISTS(SELECT 1 FROM customers WHERE email = 'ada@example.test') AS taken",
  'SELECT EXISTS (SELECT * FROM orders WHERE customer_id = 1 LIMIT 1)',
  'SELECT NOT EXISTS(SELECT 1 FROM orders) AS empty_',
  "SELECT GROUP_CONCAT(DISTINCT sku ORDER BY sku SEPARATOR ', ') FROM items GROUP BY order_id",
  'SELECT TIMESTAMPDIFF(YEAR, born, CURDATE()) AS age FROM customers WHERE born IS NOT NULL',
  "SELECT name, ST_Distance(at, ST_GeomFromText('POINT(0 0)')) AS d FROM places ORDER BY d LIMIT 5",
  "SELECT name FROM places WHERE MBRContains(ST_GeomFromText('POLYGON((0 0, 0 5, 5 5, 5 0, 0 0))'), at)",
  'SELECT ST_X(at), ST_Y(at), ST_AsText(at) FROM places',
  "SELECT JSON_UNQUOTE(JSON_EXTRACT(doc, '$.name')) AS name FROM orders WHERE JSON_CONTAINS(doc, '1', '$.a')",
  'SELECT id, name, email, version, created_at, updated_at FROM users WHERE id > 0 ORDER BY id LIMIT 20',
  'SELECT status, COUNT(*) * 100.0 / (SELECT COUNT(*) FROM orders) AS percent FROM orders GROUP BY status',
  'SELECT a.name, b.name FROM customers a JOIN customers b ON a.city = b.city AND a.id < b.id',
  'SELECT YEAR(created_at) y, QUARTER(created_at) q, SUM(total) FROM orders GROUP BY y, q WITH ROLLUP',
  "SELECT 'orders' AS t, COUNT(*) FROM orders UNION ALL SELECT 'items', COUNT(*) FROM items",
  'SELECT * FROM orders WHERE id >= (SELECT FLOOR(RAND() * (SELECT MAX(id) FROM orders))) ORDER BY id LIMIT 1',
  'SELECT id FROM orders ORDER BY RAND() LIMIT 1',
  "SELECT HEX(data), LENGTH(data) FROM items WHERE data = x'00ff' OR data IS NULL",
  'SELECT UUID() AS id, NOW(3) AS at',
  'SELECT DATABASE() AS `database`, VERSION() AS version',
];

const CATALOGS = `
  SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()
  SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = 'lab' AND TABLE_TYPE = 'BASE TABLE'
  SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = (SELECT DATABASE()) AND table_name = 'orders'
  SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_name = 'orders'
  SELECT * FROM \`INFORMATION_SCHEMA\`.\`COLUMNS\` WHERE \`TABLE_SCHEMA\` = 'lab' AND \`TABLE_NAME\` = 'orders'
  SELECT index_name, column_name FROM information_schema.statistics WHERE table_schema = 'lab'
  SELECT * FROM information_schema.key_column_usage WHERE table_schema = 'lab'
  SELECT * FROM information_schema.referential_constraints WHERE constraint_schema = 'lab'
  SELECT * FROM information_schema.table_constraints WHERE table_schema = 'lab'
  SELECT schema_name FROM information_schema.schemata
  SELECT table_name, view_definition FROM information_schema.views WHERE table_schema = 'lab'
  SELECT routine_name FROM information_schema.routines WHERE routine_schema = 'lab'
  SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = 'lab'
  SELECT character_set_name FROM information_schema.character_sets
  SELECT collation_name FROM information_schema.collations WHERE character_set_name = 'utf8mb4'
  SELECT c.column_name, k.constraint_name FROM information_schema.columns c LEFT JOIN information_schema.key_column_usage k ON k.table_name = c.table_name AND k.column_name = c.column_name WHERE c.table_schema = 'lab'
`;

const SHOWS = `
  SHOW TABLES
  SHOW FULL TABLES
  SHOW TABLES FROM lab
  SHOW TABLES IN lab LIKE 'o%'
  SHOW FULL TABLES FROM \`lab\` WHERE Table_type = 'VIEW'
  SHOW COLUMNS FROM orders
  SHOW COLUMNS IN orders IN lab
  SHOW FULL COLUMNS FROM orders
  SHOW FULL COLUMNS FROM orders FROM lab LIKE 'c%'
  SHOW FIELDS FROM lab.orders
  SHOW COLUMNS FROM orders WHERE Field = 'id'
  SHOW INDEX FROM orders
  SHOW INDEXES FROM orders IN lab
  SHOW KEYS FROM lab.orders WHERE Key_name = 'PRIMARY'
  SHOW DATABASES
  SHOW DATABASES LIKE 'l%'
  SHOW SCHEMAS
  SHOW CREATE TABLE orders
  SHOW CREATE TABLE \`lab\`.\`orders\`
  SHOW CREATE VIEW order_totals
  SHOW CREATE DATABASE lab
  SHOW CREATE SCHEMA IF NOT EXISTS lab
  SHOW TRIGGERS
  SHOW TRIGGERS FROM lab LIKE 'o%'
  SHOW CHARACTER SET
  SHOW CHARSET
  SHOW CHARACTER SET LIKE 'utf8%'
  SHOW COLLATION
  SHOW COLLATION WHERE Charset = 'utf8mb4'
  SHOW PROCEDURE STATUS
  SHOW FUNCTION STATUS WHERE Db = 'lab'
  show tables;
  DESCRIBE orders
  DESC orders
  DESC lab.orders
  DESCRIBE orders total
  DESC orders 'c%'
  EXPLAIN orders
  EXPLAIN \`orders\`
  EXPLAIN SELECT * FROM orders
  EXPLAIN SELECT * FROM orders o JOIN items i ON i.order_id = o.id WHERE o.status = 'new'
  EXPLAIN FORMAT=JSON SELECT * FROM orders
  EXPLAIN FORMAT = TRADITIONAL SELECT * FROM orders
  DESCRIBE SELECT 1
  DESC SELECT id FROM orders
  EXPLAIN (SELECT 1) UNION (SELECT 2)
  EXPLAIN WITH o AS (SELECT id FROM orders) SELECT * FROM o
`;

const MYSQL_SHOWS = `
  EXPLAIN FORMAT=TREE SELECT * FROM orders
  EXPLAIN FORMAT='json' SELECT 1
  EXPLAIN TABLE orders
  EXPLAIN VALUES ROW(1)
  SHOW EXTENDED COLUMNS FROM orders
  SHOW EXTENDED FULL COLUMNS FROM orders
  SHOW EXTENDED INDEX FROM orders
  SHOW EXTENDED TABLES
  SELECT * FROM information_schema.st_spatial_reference_systems WHERE srs_id = 4326
  SELECT * FROM information_schema.view_table_usage
`;

const MARIADB_SHOWS = `
  EXPLAIN EXTENDED SELECT * FROM orders
  EXPLAIN PARTITIONS SELECT * FROM logs
  SHOW CREATE SEQUENCE s1
  SHOW CREATE TABLE s1
  SELECT * FROM information_schema.check_constraints
`;

/** The same shapes over every table: lists, pages, counts and lookups. */
const SHAPES = combine(
  `
  SELECT * FROM % ORDER BY 1 LIMIT 20 OFFSET 40
  SELECT COUNT(*) AS n FROM %
  SELECT t.id FROM % AS t WHERE t.id = 1 OR t.id IN (2, 3) ORDER BY t.id DESC
  SELECT MIN(id), MAX(id), COUNT(DISTINCT id) FROM % t WHERE id BETWEEN 1 AND 1000
  SELECT a.id FROM % a LEFT JOIN % b ON b.id = a.id + 1 WHERE b.id IS NULL
  SELECT 1 FROM % WHERE id = 1 LIMIT 1
  SHOW FULL COLUMNS FROM %
  SHOW CREATE TABLE %
  EXPLAIN SELECT * FROM % WHERE id > 1
  `,
  `
  customers
  orders
  items
  articles
  places
  tree
  logs
  audit
  \`2020_sales\`
  users
  lab.orders
  \`lab\`.\`items\`
  `,
);

export const PURE_APPLICATIONS: readonly Labelled[] = [
  ...pureTexts(BUILDERS),
  ...pure(CATALOGS),
  ...pure(SHOWS),
  ...pure(MYSQL_SHOWS, { on: 'mysql' }),
  ...pure(MARIADB_SHOWS, { on: 'mariadb' }),
  ...pure(SHAPES),
  ...pureTexts(['SELECT 1; SELECT 2', 'SELECT id FROM orders; SHOW TABLES; EXPLAIN SELECT 1;'], {
    several: true,
  }),
];
