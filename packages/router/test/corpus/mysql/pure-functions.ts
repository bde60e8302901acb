import { type Labelled, pure } from './corpus.ts';
import { CALLS, SHAPE_CALLS } from './function-calls.ts';

const MYSQL_CALLS = `
  ANY_VALUE(status)
  BIN_TO_UUID(UUID_TO_BIN('6ccd780c-baba-1026-9564-5b8c656024db', 1), 1)
  FORMAT_BYTES(512)
  FORMAT_PICO_TIME(3501)
  GTID_SUBSET('3E11FA47-71CA-11E1-9E33-C80AA9429562:23', '3E11FA47-71CA-11E1-9E33-C80AA9429562:21-57')
  GTID_SUBTRACT('3E11FA47-71CA-11E1-9E33-C80AA9429562:21-57', '3E11FA47-71CA-11E1-9E33-C80AA9429562:21')
  ICU_VERSION()
  IS_UUID('6ccd780c-baba-1026-9564-5b8c656024db')
  REGEXP_LIKE('CamelCase', 'CAMELCASE')
  REGEXP_LIKE(status, 'a', 'c')
  JSON_SCHEMA_VALID('{"type": "object"}', '{}')
  JSON_SCHEMA_VALIDATION_REPORT('{"type": "object"}', '[]')
  JSON_VALUE('{"a": "1.5"}', '$.a' RETURNING DECIMAL(4,2))
  JSON_VALUE('{"a": 1}', '$.b' RETURNING UNSIGNED DEFAULT 0 ON EMPTY)
  JSON_VALUE('{"a": 1}', '$.b' RETURNING SIGNED NULL ON EMPTY ERROR ON ERROR)
  ST_AsText(ST_SwapXY(POINT(1, 2)))
  ST_AsText(ST_Simplify(ST_GeomFromText('LINESTRING(0 0, 0 1, 1 1, 1 2)'), 0.5))
  ST_AsText(ST_MakeEnvelope(POINT(1, 1), POINT(2, 2)))
  ST_AsText(ST_PointAtDistance(ST_GeomFromText('LINESTRING(0 0, 0 5, 5 5)'), 2.5))
  ST_AsText(ST_LineInterpolatePoint(ST_GeomFromText('LINESTRING(0 0, 0 5, 5 5)'), .5))
  ST_AsText(ST_LineInterpolatePoints(ST_GeomFromText('LINESTRING(0 0, 0 5, 5 5)'), .5))
  ST_FrechetDistance(ST_GeomFromText('LINESTRING(0 0, 0 5)'), ST_GeomFromText('LINESTRING(0 1, 0 6)'))
  ST_HausdorffDistance(ST_GeomFromText('LINESTRING(0 0, 0 5)'), ST_GeomFromText('LINESTRING(0 1, 0 6)'))
  ST_GeoHash(180, 0, 10)
  ST_LatFromGeoHash(ST_GeoHash(45, -20, 10))
  ST_LongFromGeoHash(ST_GeoHash(45, -20, 10))
  ST_AsText(ST_PointFromGeoHash(ST_GeoHash(45, -20, 10), 0))
  ST_Latitude(ST_GeomFromText('POINT(45 90)', 4326))
  ST_Longitude(ST_GeomFromText('POINT(45 90)', 4326))
  ST_IsValid(ST_GeomFromText('LINESTRING(0 0, 1 1)'))
  ST_AsText(ST_Validate(ST_GeomFromText('POINT(0 0)')))
  ST_AsText(ST_Transform(ST_SRID(POINT(1, 2), 4326), 4230))
  ST_AsText(ST_Buffer(POINT(0, 0), 2, ST_Buffer_Strategy('point_square')))
  MBRCoveredBy(POINT(1, 1), POINT(1, 1))
  MBRCovers(POINT(1, 1), POINT(1, 1))
  STATEMENT_DIGEST('SELECT 1')
  STATEMENT_DIGEST_TEXT('SELECT 1')
  CAST(seen_at AT TIME ZONE '+00:00' AS DATETIME)
  CAST('[1]' AS JSON)
  CAST('1.5' AS REAL)
  CAST(2026 AS YEAR)
  CAST(POINT(1, 1) AS POINT)
  CONVERT('abc', CHAR CHARACTER SET latin1)
  doc->'$.a'
  doc->>'$.name'
  17 MEMBER OF ('[23, "abc", 17]')
  id MEMBER OF (doc->'$.ids')`;

const MARIADB_CALLS = `
  ADD_MONTHS('2026-01-31', 2)
  CHR(67)
  COLUMN_JSON(COLUMN_CREATE('a', 1, 'b', 'x' AS CHAR))
  COLUMN_GET(COLUMN_CREATE('a', 1), 'a' AS INT)
  COLUMN_JSON(COLUMN_ADD(COLUMN_CREATE('a', 1), 'b', 2 AS INT))
  COLUMN_JSON(COLUMN_DELETE(COLUMN_CREATE('a', 1), 'a'))
  COLUMN_EXISTS(COLUMN_CREATE('a', 1), 'a')
  COLUMN_LIST(COLUMN_CREATE('a', 1))
  COLUMN_CHECK(COLUMN_CREATE('a', 1))
  CRC32C('MariaDB')
  DECODE(ENCODE('a', 'b'), 'b')
  DECODE_ORACLE(1, 1, 'x', 'y')
  JSON_COMPACT('{ "a": 1 }')
  JSON_DETAILED(doc)
  JSON_LOOSE(doc)
  JSON_EQUALS('{"a": 1}', '{"a":1}')
  JSON_EXISTS(doc, '$.a')
  JSON_NORMALIZE('{"b": 1, "a": 2}')
  JSON_QUERY('{"a": [1]}', '$.a')
  LENGTHB('abc')
  MD5('abc')
  NATURAL_SORT_KEY('v10')
  NVL(note, 'none')
  NVL2(note, 'yes', 'no')
  ROWNUM()
  SFORMAT('{} {}', 'a', 1)
  SHA('abc')
  SHA1('abc')
  SYS_GUID()
  TO_CHAR(created_at, 'YYYY-MM-DD')
  ST_AsText(ST_Boundary(ST_GeomFromText('LINESTRING(3 3, 0 0)')))
  ST_IsRing(ST_GeomFromText('LINESTRING(0 0, 1 0, 1 1, 0 0)'))
  ST_AsText(ST_PointOnSurface(ST_GeomFromText('POLYGON((0 0, 0 3, 3 3, 3 0, 0 0))')))
  ST_Relate(POINT(1, 1), POINT(1, 1), 'T*F**FFF*')
  CAST('1' AS INTEGER)
  CAST('1' AS INT)
  CAST('a' AS VARCHAR(10))
  CAST('::1' AS INET6)
  CAST('6ccd780c-baba-1026-9564-5b8c656024db' AS UUID)
  CONVERT('abc', CHAR CHARACTER SET latin1)`;

const AGGREGATES = `
  AVG(total)
  AVG(DISTINCT total)
  BIT_AND(id)
  BIT_OR(id)
  BIT_XOR(id)
  COUNT(*)
  COUNT(id)
  COUNT(DISTINCT status, customer_id)
  GROUP_CONCAT(status)
  GROUP_CONCAT(DISTINCT status ORDER BY status DESC SEPARATOR ' ')
  GROUP_CONCAT(id, ':', status ORDER BY id)
  JSON_ARRAYAGG(status)
  JSON_OBJECTAGG(id, status)
  MAX(total)
  MIN(DISTINCT total)
  STD(total)
  STDDEV(total)
  STDDEV_POP(total)
  STDDEV_SAMP(total)
  SUM(total)
  SUM(DISTINCT total)
  VAR_POP(total)
  VAR_SAMP(total)
  VARIANCE(total)
  SUM(IF(status = 'new', 1, 0))
  COUNT(CASE WHEN status = 'new' THEN 1 END)
  SUM(total) / COUNT(*)
  MAX(created_at) - INTERVAL 1 DAY
  COALESCE(SUM(total), 0)`;

const WINDOWED = `
  ROW_NUMBER() OVER (ORDER BY id)
  ROW_NUMBER() OVER (PARTITION BY status ORDER BY id DESC)
  RANK() OVER (ORDER BY total)
  DENSE_RANK() OVER (PARTITION BY customer_id ORDER BY total)
  PERCENT_RANK() OVER (ORDER BY total)
  CUME_DIST() OVER (ORDER BY total)
  NTILE(4) OVER (ORDER BY total)
  LAG(total) OVER (ORDER BY id)
  LAG(total, 1) OVER (ORDER BY id)
  LEAD(total, 2) OVER (ORDER BY id)
  FIRST_VALUE(total) OVER (PARTITION BY status ORDER BY id)
  LAST_VALUE(total) OVER (PARTITION BY status ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
  NTH_VALUE(total, 2) OVER (ORDER BY id)
  SUM(total) OVER ()
  SUM(total) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING)
  AVG(total) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)
  COUNT(*) OVER (ORDER BY id RANGE BETWEEN 2 PRECEDING AND CURRENT ROW)
  MAX(total) OVER (PARTITION BY status, customer_id)
  total - LAG(total) OVER (ORDER BY id)
  100 * total / SUM(total) OVER (PARTITION BY customer_id)`;

const MYSQL_WINDOWED = `
  LAG(total, 1, 0) OVER (ORDER BY id)
  NTH_VALUE(total, 2) FROM FIRST RESPECT NULLS OVER (ORDER BY id)
  LEAD(total, 1, NULL) RESPECT NULLS OVER (ORDER BY id)
  SUM(total) OVER (ORDER BY created_at RANGE BETWEEN INTERVAL 1 DAY PRECEDING AND CURRENT ROW)
  JSON_ARRAYAGG(id) OVER (ORDER BY id)`;

const MARIADB_WINDOWED = `
  MEDIAN(total) OVER (PARTITION BY status)
  PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY total) OVER (PARTITION BY status)
  PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY total DESC) OVER ()`;

const wrap = (frame: string, calls: string): string =>
  calls
    .split('\n')
    .map((call) => call.trim())
    .filter(Boolean)
    .map((call) => frame.replace('%', () => call))
    .join('\n');

const SELECT = 'SELECT % AS v FROM orders LIMIT 3';

export const PURE_FUNCTIONS: readonly Labelled[] = [
  ...pure(wrap(SELECT, CALLS + SHAPE_CALLS)),
  ...pure(wrap('SELECT id FROM orders WHERE (%) IS NOT NULL', CALLS + SHAPE_CALLS)),
  ...pure(wrap(SELECT, MYSQL_CALLS), { on: 'mysql' }),
  ...pure(wrap(SELECT, MARIADB_CALLS), { on: 'mariadb' }),
  ...pure(wrap('SELECT % AS v FROM orders', AGGREGATES)),
  ...pure(wrap('SELECT status, % AS v FROM orders GROUP BY status', AGGREGATES)),
  ...pure(wrap('SELECT status FROM orders GROUP BY status HAVING % IS NOT NULL ORDER BY 1', AGGREGATES)),
  ...pure(wrap('SELECT id, % AS v FROM orders', WINDOWED)),
  ...pure(wrap('SELECT id, % AS v FROM orders', MYSQL_WINDOWED), { on: 'mysql' }),
  ...pure(wrap('SELECT id, % AS v FROM orders', MARIADB_WINDOWED), { on: 'mariadb' }),
  ...pure('SELECT ST_AsText(ST_Collect(DISTINCT at)) FROM places', { on: 'mysql' }),
  ...pure('SELECT status, GROUPING(status), SUM(total) FROM orders GROUP BY status WITH ROLLUP', {
    on: 'mysql',
  }),
  ...pure('SELECT JSON_ARRAYAGG(status ORDER BY id LIMIT 2) FROM orders', { on: 'mariadb' }),
  ...pure("SELECT GROUP_CONCAT(status ORDER BY id SEPARATOR ';' LIMIT 2) FROM orders", { on: 'mariadb' }),
];
