import type { Server } from './corpus.ts';

/** The tables, views and routines that the statements of the corpus speak of, beside the lab's own `users`. */
const COMMON: readonly string[] = [
  `CREATE TABLE customers (id BIGINT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(100), email VARCHAR(200), city VARCHAR(50),
    vip TINYINT, born DATE, created_at DATETIME DEFAULT CURRENT_TIMESTAMP, KEY city_key (city))`,
  `CREATE TABLE orders (id BIGINT AUTO_INCREMENT PRIMARY KEY, customer_id BIGINT, total DECIMAL(10, 2), status VARCHAR(20),
    note TEXT, doc JSON, paid_at DATETIME, seen_at TIMESTAMP NULL, created_at DATETIME DEFAULT CURRENT_TIMESTAMP, KEY customer_key (customer_id),
    KEY status_key (status, created_at))`,
  `CREATE TABLE items (id BIGINT AUTO_INCREMENT PRIMARY KEY, order_id BIGINT, sku VARCHAR(30), qty INT,
    price DECIMAL(10, 2), data VARBINARY(100), KEY order_key (order_id))`,
  'CREATE TABLE articles (id INT AUTO_INCREMENT PRIMARY KEY, title VARCHAR(100), body TEXT, FULLTEXT KEY words (title, body))',
  'CREATE TABLE places (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50), at POINT NOT NULL, SPATIAL KEY at_key (at))',
  'CREATE TABLE tree (id INT PRIMARY KEY, parent_id INT, name VARCHAR(50))',
  'CREATE TABLE logs (id INT, at DATETIME, line TEXT) PARTITION BY HASH (id) PARTITIONS 4',
  'CREATE TABLE `2020_sales` (id INT PRIMARY KEY, `2020_total` INT)',
  'CREATE TABLE `odd` (`select` INT, `update` INT, `for` INT, `into` INT, `lock` INT, `procedure` INT, `key` INT, value INT)',
  'CREATE TABLE audit (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(100))',
  'CREATE VIEW order_totals AS SELECT customer_id, SUM(total) AS total FROM orders GROUP BY customer_id',
  'CREATE FUNCTION f_plus (a INT) RETURNS INT DETERMINISTIC NO SQL RETURN a + 1',
  `CREATE FUNCTION f_write (a INT) RETURNS INT DETERMINISTIC MODIFIES SQL DATA
    BEGIN INSERT INTO audit (what) VALUES ('f_write'); RETURN a; END`,
  "CREATE PROCEDURE p_write () MODIFIES SQL DATA INSERT INTO audit (what) VALUES ('p_write')",
  `CREATE FUNCTION \`now\` () RETURNS INT DETERMINISTIC MODIFIES SQL DATA
    BEGIN INSERT INTO audit (what) VALUES ('now'); RETURN 1; END`,
  `CREATE FUNCTION \`count\` (a INT) RETURNS INT DETERMINISTIC MODIFIES SQL DATA
    BEGIN INSERT INTO audit (what) VALUES ('count'); RETURN a; END`,
  `CREATE FUNCTION \`abs\` (a INT) RETURNS INT DETERMINISTIC MODIFIES SQL DATA
    BEGIN INSERT INTO audit (what) VALUES ('abs'); RETURN a; END`,
  "INSERT INTO customers (name, email, city, vip, born) VALUES ('Ada', 'ada@example.test', 'London', 1, '1815-12-10'), ('Bo', 'bo@example.test', 'Oslo', 0, '1990-01-31')",
  `INSERT INTO orders (customer_id, total, status, note, doc) VALUES (1, 10.50, 'new', 'fragile', '{"a": 1, "name": "x", "ids": [1, 2]}'),
    (1, 20, 'paid', NULL, '{"a": 2}'), (2, 5, 'new', '', '[1]')`,
  "INSERT INTO items (order_id, sku, qty, price) VALUES (1, 'A-1', 2, 5.25), (2, 'B-2', 1, 20)",
  "INSERT INTO articles (title, body) VALUES ('MySQL', 'database of words'), ('Replica', 'reads and words')",
  "INSERT INTO places (name, at) VALUES ('here', ST_GeomFromText('POINT(1 2)'))",
  "INSERT INTO tree VALUES (1, NULL, 'root'), (2, 1, 'leaf')",
  "INSERT INTO logs VALUES (1, '2026-01-01', 'a'), (2, '2026-01-02', 'b')",
  'INSERT INTO `2020_sales` VALUES (1, 5)',
  'INSERT INTO `odd` VALUES (1, 2, 3, 4, 5, 6, 7, 8)',
];

const ONLY_ON: Readonly<Record<Server, readonly string[]>> = {
  mysql: [],
  mariadb: [
    // Without a cache every value taken is written, and so seen.
    'CREATE SEQUENCE s1 NOCACHE',
    'CREATE TABLE numbered (id INT DEFAULT NEXTVAL(s1), x INT)',
    'INSERT INTO numbered (x) VALUES (1), (2)',
    'CREATE TABLE prices (sku VARCHAR(30), price INT) WITH SYSTEM VERSIONING',
    "INSERT INTO prices VALUES ('A-1', 5)",
  ],
};

/** In order, for the administrator on the primary, with the lab's database as the default. */
export const schemaOf = (server: Server): readonly string[] => [...COMMON, ...ONLY_ON[server]];
