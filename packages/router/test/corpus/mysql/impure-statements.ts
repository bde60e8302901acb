import { combine, impure, impureTexts, type Labelled } from './corpus.ts';

const CHANGES = `
  INSERT INTO audit (what) VALUES ('a')
  INSERT audit (what) VALUES ('a')
  INSERT INTO audit SET what = 'a'
  INSERT INTO audit (what) SELECT status FROM orders
  INSERT INTO audit (what) VALUES ('a') ON DUPLICATE KEY UPDATE what = 'b'
  INSERT IGNORE INTO audit (what) VALUES ('a')
  INSERT HIGH_PRIORITY INTO audit (what) VALUES ('a')
  INSERT LOW_PRIORITY INTO audit (what) VALUES ('a')
  INSERT INTO lab.audit (what) VALUES (DEFAULT)
  INSERT INTO audit (what) (SELECT status FROM orders)
  INSERT INTO audit (what) WITH o AS (SELECT status FROM orders) SELECT status FROM o
  INSERT INTO \`audit\`(\`what\`)VALUES('a')
  INSERT INTO audit () VALUES ()
  REPLACE INTO audit (id, what) VALUES (1, 'a')
  REPLACE audit SET id = 1, what = 'a'
  REPLACE LOW_PRIORITY INTO audit (id, what) SELECT id, status FROM orders
  UPDATE audit SET what = 'b'
  UPDATE audit SET what = 'b' WHERE id = 1
  UPDATE IGNORE audit SET what = 'b' ORDER BY id LIMIT 1
  UPDATE LOW_PRIORITY audit SET what = 'b'
  UPDATE audit a JOIN orders o ON o.id = a.id SET a.what = o.status
  UPDATE audit, orders SET audit.what = orders.status WHERE audit.id = orders.id
  UPDATE orders SET total = total + 1
  UPDATE orders SET doc = JSON_SET(doc, '$.a', 2) WHERE JSON_TYPE(doc) = 'OBJECT'
  DELETE FROM audit
  DELETE FROM audit WHERE id = 1
  DELETE QUICK FROM audit WHERE id = 1
  DELETE IGNORE FROM audit ORDER BY id LIMIT 1
  DELETE LOW_PRIORITY FROM audit WHERE id = 1
  DELETE a FROM audit a JOIN orders o ON o.id = a.id
  DELETE FROM a USING audit AS a JOIN orders o ON o.id = a.id
  TRUNCATE audit
  TRUNCATE TABLE audit
  CALL p_write()
  CALL p_write
  CALL lab.p_write()
  CALL \`p_write\`()
  DO f_write(1)
  DO 1
  DO GET_LOCK('corpus', 0)
  HANDLER audit OPEN
  HANDLER audit OPEN AS h
  HANDLER audit READ FIRST
  HANDLER audit CLOSE
  LOAD DATA INFILE '/tmp/none' INTO TABLE audit
  LOAD DATA LOCAL INFILE '/tmp/none' INTO TABLE audit
  LOAD XML INFILE '/tmp/none' INTO TABLE audit
  IMPORT TABLE FROM '/tmp/none.sdi'
  MERGE INTO audit USING orders ON audit.id = orders.id WHEN MATCHED THEN UPDATE SET what = 'x'
`;

const WRITING_CTES = `
  WITH o AS (SELECT id FROM orders) UPDATE audit SET what = 'c' WHERE id IN (SELECT id FROM o)
  WITH o AS (SELECT id FROM orders) DELETE FROM audit WHERE id IN (SELECT id FROM o)
  WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 3) DELETE FROM audit WHERE id IN (SELECT i FROM n)
  WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 3) UPDATE audit JOIN n ON n.i = audit.id SET what = 'n'
  WITH o AS (SELECT 1), p AS (SELECT 2) DELETE FROM audit
  WITH o AS (SELECT 1) INSERT INTO audit (what) SELECT 'a'
  WITH o AS (SELECT 1) REPLACE INTO audit (what) SELECT 'a'
  WITH o AS (DELETE FROM audit RETURNING id) SELECT * FROM o
  WITH o AS (INSERT INTO audit (what) VALUES ('a') RETURNING id) SELECT * FROM o
  WITH o AS (UPDATE audit SET what = 'a') SELECT * FROM o
  (WITH o AS (SELECT 1) DELETE FROM audit)
  WITH o AS (SELECT 1) (DELETE FROM audit)
  WITH o AS (SELECT 1) SELECT * FROM o FOR UPDATE
  WITH o AS (SELECT id FROM orders FOR UPDATE) SELECT * FROM o
  WITH o AS (SELECT f_write(1)) SELECT * FROM o
`;

const DEFINITIONS = `
  CREATE TABLE made (id INT)
  CREATE TABLE IF NOT EXISTS audit (id INT)
  CREATE TABLE made_too AS SELECT * FROM orders
  CREATE TABLE made_three SELECT * FROM orders
  CREATE TABLE made_four LIKE orders
  CREATE TEMPORARY TABLE temp (id INT)
  CREATE TEMPORARY TABLE temp_two SELECT * FROM orders
  CREATE TEMPORARY TABLE IF NOT EXISTS temp_three LIKE orders
  CREATE OR REPLACE VIEW made_view AS SELECT 1
  CREATE VIEW made_view_two AS SELECT * FROM orders
  CREATE INDEX made_index ON audit (what)
  CREATE UNIQUE INDEX made_unique ON audit (id, what)
  CREATE FUNCTION made_function () RETURNS INT DETERMINISTIC RETURN 1
  CREATE PROCEDURE made_procedure () SELECT 1
  CREATE TRIGGER made_trigger BEFORE INSERT ON audit FOR EACH ROW SET NEW.what = 'x'
  CREATE EVENT made_event ON SCHEDULE EVERY 1 YEAR DO SELECT 1
  CREATE DATABASE made_database
  CREATE SCHEMA made_schema
  CREATE USER made_user
  CREATE ROLE made_role
  CREATE SERVER made_server FOREIGN DATA WRAPPER mysql OPTIONS (HOST '127.0.0.1')
  ALTER TABLE audit ADD COLUMN more INT
  ALTER TABLE audit ENGINE = InnoDB
  ALTER VIEW made_view AS SELECT 2
  ALTER DATABASE made_database CHARACTER SET utf8mb4
  ALTER EVENT made_event DISABLE
  ALTER USER made_user ACCOUNT LOCK
  ALTER FUNCTION made_function COMMENT 'x'
  ALTER PROCEDURE made_procedure COMMENT 'x'
  RENAME TABLE made TO renamed
  RENAME USER made_user TO renamed_user
  DROP TABLE renamed
  DROP TABLE IF EXISTS never_was
  DROP TEMPORARY TABLE IF EXISTS temp
  DROP VIEW made_view
  DROP INDEX made_index ON audit
  DROP FUNCTION made_function
  DROP PROCEDURE made_procedure
  DROP TRIGGER made_trigger
  DROP EVENT made_event
  DROP DATABASE made_database
  DROP SCHEMA made_schema
  DROP USER renamed_user
  DROP ROLE made_role
  DROP SERVER made_server
  GRANT SELECT ON lab.* TO app
  REVOKE SELECT ON lab.* FROM app
  ANALYZE TABLE audit
  OPTIMIZE TABLE audit
  REPAIR TABLE audit
  CHECK TABLE audit
  CHECKSUM TABLE audit
`;

const SESSIONS = `
  SET @x = 1
  SET @x := 1
  SET SESSION sql_mode = ''
  SET sql_mode = ''
  SET @@session.sql_mode = ''
  SET NAMES utf8mb4
  SET CHARACTER SET utf8mb4
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED
  SET SESSION TRANSACTION READ WRITE
  SET LOCAL time_zone = '+00:00'
  SET insert_id = 7
  SET timestamp = 0
  SET autocommit = 1
  BEGIN
  COMMIT
  COMMIT AND CHAIN
  ROLLBACK
  BEGIN WORK
  ROLLBACK TO SAVEPOINT s
  START TRANSACTION
  COMMIT WORK
  START TRANSACTION READ ONLY
  ROLLBACK
  START TRANSACTION WITH CONSISTENT SNAPSHOT
  ROLLBACK
  SAVEPOINT s
  RELEASE SAVEPOINT s
  PREPARE p FROM 'SELECT 1'
  EXECUTE p
  EXECUTE p USING @x
  DEALLOCATE PREPARE p
  DROP PREPARE p
  LOCK TABLES audit READ
  LOCK TABLE audit WRITE
  UNLOCK TABLES
  USE lab
  USE \`lab\`
  HELP 'select'
  XA START 'x'
  XA END 'x'
  XA ROLLBACK 'x'
  XA RECOVER
  GET DIAGNOSTICS @n = NUMBER
  SIGNAL SQLSTATE '45000'
  RESIGNAL
`;

/** They would stop the server, the test or its replication. */
const HARMFUL = `
  SHUTDOWN
  RESTART
  KILL 1
  KILL QUERY 1
  KILL CONNECTION 1
  FLUSH TABLES WITH READ LOCK
  FLUSH LOGS
  FLUSH PRIVILEGES
  FLUSH BINARY LOGS
  RESET MASTER
  RESET BINARY LOGS AND GTIDS
  RESET REPLICA ALL
  RESET QUERY CACHE
  STOP REPLICA
  START REPLICA
  STOP SLAVE
  CHANGE MASTER TO MASTER_HOST = 'x'
  CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'x'
  PURGE BINARY LOGS TO 'x'
  PURGE BINARY LOGS BEFORE NOW()
  SET GLOBAL read_only = ON
  SET PERSIST max_connections = 10
  SET GLOBAL sql_mode = 'ANSI_QUOTES'
  INSTALL PLUGIN x SONAME 'x.so'
  UNINSTALL PLUGIN x
  INSTALL COMPONENT 'file://component_x'
  INSTALL SONAME 'x'
  CLONE LOCAL DATA DIRECTORY '/tmp/none'
  BACKUP STAGE START
  LOCK INSTANCE FOR BACKUP
  UNLOCK INSTANCE
  CACHE INDEX audit IN hot
  LOAD INDEX INTO CACHE audit
  BINLOG 'x'
  DROP TABLE orders
  DROP DATABASE lab
  DROP USER app_ro
  ALTER INSTANCE ROTATE INNODB MASTER KEY
  CREATE TABLESPACE t ADD DATAFILE 't.ibd'
  SELECT SLEEP(100)
  SELECT BENCHMARK(1000000000, SHA2('a', 256))
  SELECT * FROM orders INTO OUTFILE '/tmp/none'
  SELECT 1 INTO DUMPFILE '/tmp/none'
  SELECT MASTER_POS_WAIT('binlog.000001', 999999999)
`;

const ONLY_MARIADB = `
  CREATE SEQUENCE made_sequence
  CREATE OR REPLACE SEQUENCE made_sequence START WITH 5
  ALTER SEQUENCE made_sequence RESTART 7
  DROP SEQUENCE made_sequence
  INSERT INTO audit (what) VALUES ('a') RETURNING id
  REPLACE INTO audit (what) VALUES ('a') RETURNING id
  DELETE FROM audit RETURNING id, what
  SET STATEMENT max_statement_time = 1 FOR SELECT 1
  SET STATEMENT sql_mode = '' FOR INSERT INTO audit (what) VALUES ('s')
  ANALYZE SELECT * FROM orders
  ANALYZE FORMAT=JSON SELECT * FROM orders
  ANALYZE FORMAT=JSON UPDATE audit SET what = 'analysed'
  ANALYZE UPDATE audit SET what = 'analysed'
  ANALYZE INSERT INTO audit (what) VALUES ('analysed')
  EXECUTE IMMEDIATE 'SELECT 1'
  EXECUTE IMMEDIATE CONCAT('INSERT INTO audit (what) VALUES (', 1, ')')
  BEGIN NOT ATOMIC INSERT INTO audit (what) VALUES ('atomic'); END
  BEGIN NOT ATOMIC SELECT 1; END
  IF TRUE THEN INSERT INTO audit (what) VALUES ('if'); END IF
  WHILE FALSE DO SELECT 1; END WHILE
  CREATE OR REPLACE TABLE made_five (id INT)
  CREATE PACKAGE made_package AS END
  DELETE FROM prices FOR PORTION OF validity FROM '2026-01-01' TO '2026-01-02'
  DELETE HISTORY FROM prices
  SELECT * FROM orders PROCEDURE ANALYSE()
  SELECT * FROM orders PROCEDURE ANALYSE(10, 2000)
  SELECT * FROM orders /* x */ PROCEDURE /* y */ ANALYSE ( )
  SHOW ANALYZE FORMAT=JSON FOR 1
  SHOW EXPLAIN FOR 1
`;

const ONLY_MYSQL = `
  EXPLAIN ANALYZE SELECT * FROM orders
  EXPLAIN ANALYZE FORMAT=TREE SELECT * FROM orders
  DESCRIBE ANALYZE SELECT 1
  DESC ANALYZE SELECT 1
  EXPLAIN ANALYZE SELECT f_write(1)
  EXPLAIN ANALYZE SELECT * FROM orders FOR UPDATE
  EXPLAIN FORMAT=JSON INTO @plan SELECT 1
  EXPLAIN ANALYZE DELETE FROM audit
  SET RESOURCE GROUP x
  ALTER TABLE audit ALTER INDEX made_unique INVISIBLE
  CREATE SPATIAL REFERENCE SYSTEM 4120 NAME 'x' DEFINITION 'y'
`;

const EXPLAINED = combine(
  'EXPLAIN %\nDESCRIBE %\nEXPLAIN FORMAT=JSON %',
  `
  INSERT INTO audit (what) VALUES ('e')
  UPDATE audit SET what = 'e'
  DELETE FROM audit
  REPLACE INTO audit (id, what) VALUES (1, 'e')
  SELECT f_write(1)
  SELECT * FROM (SELECT f_write(1)) t
  SELECT * FROM orders FOR UPDATE
  SELECT GET_LOCK('corpus', 0)
  FOR CONNECTION 1
  `,
);

const SEVERAL: readonly string[] = [
  "SELECT 1; INSERT INTO audit (what) VALUES ('second')",
  "INSERT INTO audit (what) VALUES ('first'); SELECT 1",
  "SELECT 1;UPDATE audit SET what = 'x';",
  'SELECT 1; SELECT 2; DELETE FROM audit; SELECT 3',
  'SELECT 1;\n\n\nDELETE FROM audit',
  'SELECT 1 /* ; */ ; /* x */ DELETE FROM audit',
  'SELECT 1 -- ;\n; DELETE FROM audit',
  "SELECT ';'; DELETE FROM audit",
  'SELECT 1; CALL p_write()',
  'SHOW TABLES; DELETE FROM audit',
  'EXPLAIN SELECT 1; DELETE FROM audit',
  'SELECT 1; SET @x = 1',
  'SET @x = 1; SELECT @x',
  'BEGIN; SELECT 1; COMMIT',
  'SELECT 1; SELECT id FROM orders FOR UPDATE',
  ';DELETE FROM audit',
  ';;; DELETE FROM audit',
  '(SELECT 1); DELETE FROM audit',
  'DESC orders; DELETE FROM audit',
];

export const IMPURE_STATEMENTS: readonly Labelled[] = [
  ...impure(CHANGES),
  ...impure(WRITING_CTES),
  ...impure(DEFINITIONS),
  ...impure(SESSIONS),
  ...impure(HARMFUL, { harmful: true }),
  ...impure(ONLY_MARIADB, { on: 'mariadb' }),
  ...impure(ONLY_MYSQL, { on: 'mysql' }),
  ...impure(EXPLAINED),
  ...impureTexts(SEVERAL, { several: true }),
  ...impureTexts(['', ' ', ';', ' ; ; ', '-- nothing', '/* nothing */', '# nothing', '\n\t\n'], {
    harmful: true,
  }),
];
