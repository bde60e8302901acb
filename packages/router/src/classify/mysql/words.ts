/** `a b c` as a set. */
export const setOf = (...texts: readonly string[]): ReadonlySet<string> =>
  new Set(texts.join(' ').split(/\s+/).filter(Boolean));

/**
 * Words that cannot be the name of a column, an alias or a table without backticks. Asked of the servers (MySQL 9.7, MariaDB
 * 10.11 and 11.8): every word of information_schema.keywords was tried in those places. A word missing here would only
 * be taken for a name where the server sees a keyword; INTO, FOR, LOCK and PROCEDURE, by which a select does more than
 * read, are reserved in every version.
 */
const RESERVED_IN_BOTH = `
  accessible add all alter analyze and as asc asensitive before between bigint binary blob both by call cascade case
  change char character check collate column condition constraint continue convert create cross current_date current_time
  current_timestamp current_user cursor databases day_hour day_microsecond day_minute day_second dec decimal declare
  default delayed delete desc describe deterministic distinct distinctrow div double drop dual each else elseif enclosed
  escaped except exists exit explain false fetch float float4 float8 for force foreign from fulltext grant group having
  high_priority hour_microsecond hour_minute hour_second if ignore in index infile inner inout insensitive insert int int1
  int2 int3 int4 int8 integer intersect interval into is iterate join key keys kill leading leave left like limit linear
  lines load localtime localtimestamp lock long longblob longtext loop low_priority match maxvalue mediumblob mediumint
  mediumtext middleint minute_microsecond minute_second mod modifies natural no_write_to_binlog not null numeric on
  optimize optionally or order out outer outfile over partition precision primary procedure purge range read read_write
  reads real recursive references regexp release rename repeat replace require resignal restrict return revoke right rlike
  row_number rows schemas second_microsecond select sensitive separator set show signal smallint spatial specific sql
  sql_big_result sql_calc_found_rows sql_small_result sqlexception sqlstate sqlwarning ssl starting straight_join table
  terminated then tinyblob tinyint tinytext to trailing trigger true undo union unique unlock unsigned update usage use
  using utc_date utc_time utc_timestamp values varbinary varchar varcharacter varying when where while window with write
  xor year_month zerofill`;

export const RESERVED_IN_MYSQL = setOf(
  RESERVED_IN_BOTH,
  `cube cume_dist database dense_rank empty external first_value function generated get grouping groups io_after_gtids
  io_before_gtids json_table lag last_value lateral lead library nth_value ntile of optimizer_costs option percent_rank
  qualify rank row schema stored system tablesample virtual`,
);

export const RESERVED_IN_MARIADB = setOf(
  RESERVED_IN_BOTH,
  `current_role delete_domain_id do_domain_ids ignore_domain_ids master_demote_to_replica master_demote_to_slave
  master_ssl_verify_server_cert offset page_checksum parse_vcol_expr portion ref_system_id returning sql_after_gtids
  sql_before_gtids stats_auto_recalc stats_persistent stats_sample_pages vector`,
);

/** First words of statements that are something other than a read. Only for the reason: none of these is looked into. */
export const OTHER_STATEMENTS = setOf(`
  alter analyze backup begin binlog cache call change check checksum clone commit create deallocate declare delete do drop
  execute flush get grant handler help if import insert install kill load lock loop merge optimize prepare purge release
  rename repair repeat replace reset resignal restart revoke rollback savepoint set shutdown signal start stop truncate
  uninstall unlock update use while xa`);

export const UNITS = setOf(`
  microsecond second minute hour day week month quarter year second_microsecond minute_microsecond minute_second
  hour_microsecond hour_second hour_minute day_microsecond day_second day_minute day_hour year_month sql_tsi_second
  sql_tsi_minute sql_tsi_hour sql_tsi_day sql_tsi_week sql_tsi_month sql_tsi_quarter sql_tsi_year`);

/** Functions that need no parentheses, and may have a precision in them. */
export const CLOCK_WORDS = setOf(`
  current_date current_time current_timestamp localtime localtimestamp utc_date utc_time utc_timestamp`);

/** What a type in CAST, JSON_TABLE and their kin is made of; `SIGNED INTEGER` and `DOUBLE PRECISION` are two of them. */
export const TYPE_WORDS = setOf(`
  binary varbinary char character varchar nchar nvarchar national varying text tinytext mediumtext longtext blob tinyblob
  mediumblob longblob date datetime time timestamp year decimal dec numeric fixed double precision float real json signed
  unsigned integer int bigint smallint mediumint tinyint bit bool boolean point linestring polygon multipoint
  multilinestring multipolygon geometry geometrycollection geomcollection vector uuid inet4 inet6 zerofill ascii unicode
  byte array enum`);
