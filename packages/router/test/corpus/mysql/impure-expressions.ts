import { combine, impure, impureTexts, type Labelled } from './corpus.ts';

/** Where an expression can hide. */
const PLACES = `
  SELECT %
  SELECT id, % AS v FROM orders
  SELECT id FROM orders WHERE % IS NOT NULL
  SELECT status FROM orders GROUP BY status, %
  SELECT id FROM orders ORDER BY %
  SELECT o.id FROM orders o JOIN items i ON i.order_id = o.id AND % IS NOT NULL
  SELECT * FROM (SELECT % AS v) t
  WITH t AS (SELECT % AS v) SELECT * FROM t
  SELECT CASE WHEN 1 THEN % ELSE 0 END
  SELECT COALESCE(NULL, ABS(%))
`;

const FEW_PLACES = `
  SELECT %
  SELECT id FROM orders WHERE id = %
  SELECT 1 UNION SELECT %
`;

/** They run on a real server, and what they do or tell is the connection's. */
const OF_THE_SESSION = `
  @x
  @x := 1
  @'x y'
  @"x y"
  @\`x y\`
  @x.y
  @@sql_mode
  @@session.sql_mode
  @@global.sql_mode
  @@local.time_zone
  LAST_INSERT_ID()
  LAST_INSERT_ID(5)
  FOUND_ROWS()
  ROW_COUNT()
  CONNECTION_ID()
  CURRENT_USER
  CURRENT_USER()
  USER()
  SESSION_USER()
  SYSTEM_USER()
  CURRENT_ROLE()
`;

const LOCKS = `
  GET_LOCK('corpus', 0)
  IS_FREE_LOCK('corpus')
  IS_USED_LOCK('corpus')
  RELEASE_LOCK('corpus')
  RELEASE_ALL_LOCKS()
`;

const UNSAFE = `
  SLEEP(0)
  BENCHMARK(1, 1)
  LOAD_FILE('/etc/passwd')
  UUID_SHORT()
  EXTRACTVALUE('<a>1</a>', '/a[$@x]')
  UPDATEXML('<a>1</a>', '/a[$@x]', '')
`;

const STORED = `
  f_write(1)
  lab.f_write(1)
  \`f_write\`(1)
  \`lab\`.\`f_write\`(1)
  lab.abs(1)
  lab.count(1)
  \`now\`()
  f_write (1)
  f_write/**/(1)
  F_WRITE(1)
`;

const UNKNOWN = `
  no_such_function(1)
  lab.no_such_function()
  sys.format_time(1)
  sys.ps_thread_id(NULL)
  mysql.x()
  \`get_lock\`('corpus', 0)
  \`last_insert_id\`()
  "get_lock"('corpus', 0)
  GET_LOC\u212a('corpus', 0)
  \u017fleep(0)
`;

const WAITS = `
  WAIT_FOR_EXECUTED_GTID_SET('3E11FA47-71CA-11E1-9E33-C80AA9429562:1', 0.01)
  SOURCE_POS_WAIT('binlog.000001', 4, 1)
  PS_CURRENT_THREAD_ID()
  PS_THREAD_ID(1)
  ROLES_GRAPHML()
  JSON_STORAGE_FREE(doc)
  JSON_STORAGE_SIZE(doc)
  DEFAULT(status)
  VALIDATE_PASSWORD_STRENGTH('x')
  asynchronous_connection_failover_reset()
`;

const SEQUENCES = `
  NEXTVAL(s1)
  NEXTVAL(lab.s1)
  nextval( \`s1\` )
  NEXT VALUE FOR s1
  NEXT VALUE FOR lab.s1
  next /* one */ value for s1
  PREVIOUS VALUE FOR s1
  LASTVAL(s1)
  SETVAL(s1, 100)
  SETVAL(s1, 100, 0)
  NEXTVAL(s1) + 1
  MASTER_GTID_WAIT('', 0.01)
  BINLOG_GTID_POS('binlog.000001', 4)
  DES_ENCRYPT('a')
  WSREP_LAST_SEEN_GTID()
  CURRENT_ROLE
`;

/** With sql_mode ORACLE these draw from the sequence; without, they are unknown columns. */
const ORACLE = `
  s1.nextval
  s1.NEXTVAL
  s1.\`nextval\`
  lab.s1.nextval
  \`lab\`.\`s1\`."NEXTVAL"
  s1 . nextval
  s1.currval
`;

/** A stored function of the same name, where sql_mode has no IGNORE_SPACE. */
const GAPS = `
  COUNT (id)
  count\t(id)
  COUNT/**/(id)
  NOW ()
  now/* x */()
`;

const INTO = `
  SELECT 1 INTO @x
  SELECT 1 INTO @x, @y
  SELECT id INTO @x FROM orders LIMIT 1
  SELECT id FROM orders LIMIT 1 INTO @x
  SELECT MAX(id), MIN(id) INTO @x, @y FROM orders
  SELECT 1 INTO @\`x\`
  SELECT 1 INTO x
  SELECT id FROM orders INTO x
  (SELECT 1) INTO @x
  SELECT 1 UNION SELECT 2 LIMIT 1 INTO @x
  SELECT 1 FROM DUAL INTO /* file */ @x
  SELECT 1 AS a INTO@x
  SELECT id INTO audit FROM orders
  SELECT id INTO OUTFILE 'x' FROM orders
  SELECT id FROM orders INTO DUMPFILE 'x'
  SELECT id FROM orders LIMIT 1 INTO @x FOR UPDATE
`;

const COUNTED = `
  SELECT SQL_CALC_FOUND_ROWS * FROM orders LIMIT 1
  SELECT SQL_CALC_FOUND_ROWS id FROM orders
  SELECT DISTINCT SQL_CALC_FOUND_ROWS status FROM orders
  select sql_calc_found_rows id from orders limit 1
  SELECT /* */ SQL_CALC_FOUND_ROWS id FROM orders
  SELECT STRAIGHT_JOIN SQL_CALC_FOUND_ROWS id FROM orders
`;

export const IMPURE_EXPRESSIONS: readonly Labelled[] = [
  ...impure(combine(PLACES, OF_THE_SESSION)),
  ...impure(combine(PLACES, LOCKS)),
  ...impure(combine(PLACES, STORED)),
  ...impure(combine(FEW_PLACES, UNSAFE)),
  ...impure(combine(FEW_PLACES, UNKNOWN)),
  ...impure(combine('SELECT % FROM orders\nSELECT id FROM orders WHERE id = %', WAITS), { on: 'mysql' }),
  ...impure(combine(PLACES, SEQUENCES), { on: 'mariadb' }),
  ...impure(combine(FEW_PLACES, ORACLE), { on: 'mariadb' }),
  ...impure('SELECT DEFAULT(id) FROM numbered\nSELECT COALESCE(DEFAULT(id), 1) FROM numbered', {
    on: 'mariadb',
  }),
  ...impureTexts(
    GAPS.trim()
      .split('\n')
      .flatMap((call) => [
        `SELECT ${call.trim()} FROM orders`,
        `SELECT id FROM orders HAVING ${call.trim()} > 0`,
      ]),
  ),
  ...impure(INTO),
  ...impure(COUNTED),
];
