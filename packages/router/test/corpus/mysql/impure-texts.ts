import { combine, impure, impureTexts, type Labelled } from './corpus.ts';

const EXECUTABLE: readonly string[] = [
  'SELECT 1 /*! INTO @x */',
  'SELECT 1 /*!50000 INTO @x */',
  'SELECT 1 /*!99999 INTO @x */',
  'SELECT 1 /*!080000 INTO @x */',
  'SELECT 1 /*M! INTO @x */',
  'SELECT 1 /*M!100000 INTO @x */',
  'SELECT id FROM orders /*! FOR UPDATE */',
  'SELECT id FROM orders /*!40001 FOR UPDATE */',
  'SELECT /*!40001 SQL_NO_CACHE */ id FROM orders',
  'SELECT /*! STRAIGHT_JOIN */ id FROM orders',
  "/*! INSERT INTO audit (what) VALUES ('c') */",
  "/*!50000 INSERT INTO audit (what) VALUES ('c') */",
  "/*M! INSERT INTO audit (what) VALUES ('c') */",
  '/*! DELETE FROM audit */',
  '/*!DELETE*//*!FROM*/audit',
  'SELECT 1 /*! + f_write(1) */',
  'SELECT /*!f_write(*/1/*!)*/',
  'SELECT 1; /*! DELETE FROM audit */',
  'SELECT 1 /*! ; DELETE FROM audit */',
  "SELECT 1 /*!99999 '*/ ; DELETE FROM audit -- '",
  'SELECT 1 /*! /* */ INTO @x */',
  '/*!999999 SELECT */ DELETE FROM audit',
  '/*!50000 SELECT 1 */',
  '/*M!999999\\- enable the sandbox mode */ SELECT 1',
];

const HINTS: readonly string[] = [
  "SELECT /*+ SET_VAR(sql_mode='ANSI_QUOTES') */ 1",
  'SELECT /*+ SET_VAR(sort_buffer_size = 16M) */ id FROM orders',
  'SELECT /*+ set_var(unique_checks=OFF) */ 1',
  'SELECT /*+ MAX_EXECUTION_TIME(1000) SET_VAR(foreign_key_checks=OFF) */ 1',
  'SELECT /*+ RESOURCE_GROUP(USR_default) */ 1',
  "SELECT /*+ SET_VAR(time_zone='+01:00') */ NOW()",
  'SELECT /*+ MAX_EXECUTION_TIME(1000) */ id FROM orders FOR UPDATE',
  "INSERT /*+ SET_VAR(foreign_key_checks=OFF) */ INTO audit (what) VALUES ('h')",
  'SELECT /*+ QB_NAME(`*/ INTO @x -- `) */ 1',
  'SELECT /*+ NO_ICP(`orders) */ id FROM orders',
];

/** Where a text ends, or a comment begins, depends on the server's sql_mode. */
const AMBIGUOUS: readonly string[] = [
  "SELECT 'a\\', f_write(1), ' b'",
  "SELECT 'a\\', f_write(1) -- '",
  "SELECT 'a\\'; DELETE FROM audit; -- '",
  "SELECT 'a\\\\\\'; DELETE FROM audit; -- '",
  'SELECT "a\\", f_write(1), " b"',
  'SELECT "a\\"; DELETE FROM audit; -- "',
  "SELECT '\\'' INTO @x -- '",
  "SELECT '\\'/*', f_write(1), '*/'",
  "SELECT 'a\\' /* ', f_write(1) -- */",
  "SELECT 1 WHERE '\\' OR f_write(1) OR '\\' = ''",
  "SELECT _gbk'\\'', f_write(1) -- '",
  "SELECT N'a\\', f_write(1), ' b'",
  "SELECT _utf8mb4'a\\', f_write(1), 'b'",
  'SELECT $$ , f_write(1) , $$',
  'SELECT $a$ , f_write(1) , $a$',
  "SELECT q'[ ', f_write(1), ']'",
  "SELECT e'a\\', f_write(1), ' b'",
  'SELECT 1 /* a /* b */ , f_write(1) /* */ */',
  'SELECT 1 --\u00a0, f_write(1)',
  'SELECT\u00a01',
  'SELECT 1\u00a0FROM DUAL',
  'SELECT\u20031',
  '\ufeffSELECT 1',
  'SELECT 1 \u0001',
  'SELECT 1 \u0000',
  "SELECT '\u0000'",
  '-- x\u0000\nSELECT 1',
  'SELECT \ud800',
  "SELECT '\udc00'",
  'SELECT 1 \\N',
  'SELECT \\N',
  'SELECT 0X1F',
  "SELECT x'4'",
  "SELECT x'zz'",
  "SELECT b'2'",
  'SELECT [id] FROM orders',
  'SELECT [f_write](1)',
  'SELECT "id" "f_write"(1)',
  'SELECT "f_write"(1)',
  'SELECT "lab"."f_write"(1)',
];

const BROKEN: readonly string[] = [
  "SELECT 'a",
  'SELECT "a',
  'SELECT `a',
  'SELECT 1 /* a',
  'SELECT 1 /*',
  'SELECT 1 /*/',
  'SELECT',
  'SELECT FROM orders',
  'SELECT 1 FROM',
  'SELECT (1',
  'SELECT 1)',
  'SELECT ((1)',
  'SELECT 1,',
  'SELECT 1 2',
  'SELECT * * FROM orders',
  'SELECT id FROM orders WHERE',
  'SELECT id FROM orders WHERE id =',
  'SELECT id FROM orders LIMIT',
  'SELECT id FROM orders LIMIT x',
  'SELECT id FROM orders ORDER id',
  'SELECT id FROM orders GROUP BY',
  'SELECT 1 UNION',
  'SELECT ``',
  'WITH',
  'WITH a SELECT 1',
  'WITH a AS SELECT 1',
  'WITH a AS (1) SELECT 1',
  'WITH a AS (SELECT 1)',
  '(SELECT 1',
  'SELECT 1 )',
  '()',
  '(1)',
  'SELECT :name',
  'SELECT #',
  'SELECT 1 ~',
  'SELECT 1 FROM orders FOR',
  'SELECT 1 FROM orders FOR DELETE',
  'SELECT 1 FROM orders LOCK',
  'SELECT 1 INTO',
  'EXPLAIN',
  'SHOW',
  'SHOW CREATE',
  'SHOW COLUMNS',
  'DESC',
  'FROM orders SELECT id',
  'hello world',
  '42',
  "'SELECT 1'",
  '`SELECT` 1',
  '"SELECT" 1',
  'SELECT.1',
  'SEL/**/ECT 1',
  'SELECT SELECT 1',
  'SELECT UPDATE FROM orders',
  'SELECT a FROM b c d',
  'SELECT {x',
  'SELECT CASE END',
  'SELECT CASE WHEN 1 END',
  'SELECT INTERVAL',
  'SELECT CAST(1 AS)',
  'SELECT CAST(1, INT)',
  'SELECT EXTRACT(a FROM b)',
  'SELECT id FROM (orders',
  'SELECT id FROM ()',
  'SELECT 1 WHERE EXISTS (1)',
  'VALUES',
  'TABLE',
  'TABLE orders FOR UPDATE',
  'TABLE orders INTO @x',
];

const CATALOGS = combine(
  `
  SELECT * FROM %
  SELECT COUNT(*) FROM % AS t
  SELECT o.id FROM orders o JOIN % x ON TRUE
  SELECT * FROM (SELECT * FROM %) t
  SELECT id FROM orders WHERE EXISTS (SELECT 1 FROM %)
  `,
  `
  information_schema.processlist
  information_schema.PROCESSLIST
  INFORMATION_SCHEMA.innodb_trx
  \`information_schema\`.\`innodb_metrics\`
  "information_schema"."processlist"
  information_schema . processlist
  information_schema/**/./**/processlist
  information_\u017fchema.processlist
  information_schema.plugins
  information_schema.files
  information_schema.profiling
  information_schema.optimizer_trace
  information_schema.engines
  information_schema.events
  information_schema.user_privileges
  information_schema.table_privileges
  information_schema.enabled_roles
  performance_schema.threads
  performance_schema.global_status
  performance_schema.data_locks
  \`performance_schema\`.\`events_statements_history\`
  PERFORMANCE_SCHEMA.session_variables
  mysql.user
  mysql.slow_log
  MYSQL.proc
  \`mysql\`.\`user\`
  sys.session
  sys.processlist
  sys.innodb_lock_waits
  `,
);

const MARIADB_CATALOGS = combine(
  'SELECT * FROM information_schema.%',
  `
  global_status
  session_status
  global_variables
  session_variables
  system_variables
  user_variables
  user_statistics
  client_statistics
  all_plugins
  innodb_sys_tables
  innodb_locks
  key_caches
  `,
);

const SHOWS = `
  SHOW STATUS
  SHOW GLOBAL STATUS
  SHOW SESSION STATUS LIKE 'Threads%'
  SHOW LOCAL STATUS
  SHOW VARIABLES
  SHOW GLOBAL VARIABLES LIKE 'read_only'
  SHOW SESSION VARIABLES WHERE Variable_name = 'sql_mode'
  SHOW PROCESSLIST
  SHOW FULL PROCESSLIST
  SHOW WARNINGS
  SHOW WARNINGS LIMIT 1
  SHOW COUNT(*) WARNINGS
  SHOW ERRORS
  SHOW COUNT(*) ERRORS
  SHOW REPLICA STATUS
  SHOW SLAVE STATUS
  SHOW MASTER STATUS
  SHOW BINARY LOG STATUS
  SHOW BINARY LOGS
  SHOW MASTER LOGS
  SHOW BINLOG EVENTS
  SHOW RELAYLOG EVENTS
  SHOW REPLICAS
  SHOW SLAVE HOSTS
  SHOW ENGINES
  SHOW ENGINE INNODB STATUS
  SHOW ENGINE INNODB MUTEX
  SHOW PLUGINS
  SHOW PRIVILEGES
  SHOW GRANTS
  SHOW GRANTS FOR app
  SHOW CREATE USER app
  SHOW CREATE EVENT e
  SHOW OPEN TABLES
  SHOW TABLE STATUS
  SHOW TABLE STATUS FROM lab LIKE 'o%'
  SHOW EVENTS
  SHOW PROFILE
  SHOW PROFILES
  SHOW FUNCTION CODE f_write
  SHOW PROCEDURE CODE p_write
  SHOW TABLES FROM mysql
  SHOW TABLES FROM performance_schema
  SHOW COLUMNS FROM mysql.user
  SHOW COLUMNS FROM user FROM mysql
  SHOW COLUMNS FROM processlist IN information_schema
  SHOW CREATE TABLE mysql.user
  SHOW INDEX FROM performance_schema.threads
  DESCRIBE mysql.user
  DESC performance_schema.threads
  DESC information_schema.processlist
  EXPLAIN sys.session
  SHOW COLUMNS FROM orders WHERE Field = @x
  SHOW TABLES WHERE f_write(1)
  SHOW TABLES WHERE GET_LOCK('corpus', 0)
  SHOW DATABASES WHERE @x := 1
`;

const MARIADB_SHOWS = `
  SHOW ALL SLAVES STATUS
  SHOW ALL REPLICAS STATUS
  SHOW USER_STATISTICS
  SHOW CLIENT_STATISTICS
  SHOW INDEX_STATISTICS
  SHOW AUTHORS
  SHOW CONTRIBUTORS
  SHOW LOCALES
  SHOW PLUGINS SONAME 'x'
  SHOW WSREP_STATUS
`;

export const IMPURE_TEXTS: readonly Labelled[] = [
  ...impureTexts(EXECUTABLE, { several: true }),
  ...impureTexts(HINTS),
  ...impureTexts(AMBIGUOUS, { several: true }),
  ...impureTexts(BROKEN),
  ...impure(CATALOGS),
  ...impure(MARIADB_CATALOGS, { on: 'mariadb' }),
  ...impure(SHOWS),
  ...impure(MARIADB_SHOWS, { on: 'mariadb' }),
];
