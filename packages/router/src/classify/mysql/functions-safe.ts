import { setOf } from './words.ts';

/**
 * Built-in functions that only compute from their arguments, or answer alike on any node over equally configured sessions
 * (VERSION, DATABASE). Clocks and dice (NOW, RAND, UUID) count as pure: no node's answer is truer than another's.
 *
 * Only functions that every supported version of the engine has (MySQL 8.4 and newer, MariaDB 10.11 and newer). Where a
 * built-in is missing, its name calls a stored function, which may do anything. Newer or departed ones are named below, for whoever
 * looks for them here; `safeFunctions` lets them in.
 */
const NUMBERS = `
  abs acos asin atan atan2 bin bit_count ceil ceiling conv cos cot crc32 degrees exp floor greatest hex interval isnull
  least ln log log10 log2 mod oct pi pow power radians rand round sign sin sqrt tan truncate unhex`;

const TEXTS = `
  ascii bit_length char char_length character_length charset coercibility collation concat concat_ws convert elt
  export_set field find_in_set format from_base64 insert instr lcase left length locate lower lpad ltrim make_set mid
  octet_length ord position quote regexp_instr regexp_replace regexp_substr repeat replace reverse right rpad rtrim
  soundex space strcmp substr substring substring_index to_base64 trim ucase upper weight_string`;

const TIMES = `
  adddate addtime convert_tz curdate curtime date date_add date_format date_sub datediff day dayname dayofmonth dayofweek
  dayofyear extract from_days from_unixtime get_format hour last_day makedate maketime microsecond minute month monthname
  now period_add period_diff quarter sec_to_time second str_to_date subdate subtime sysdate time time_format time_to_sec
  timediff timestamp timestampadd timestampdiff to_days to_seconds unix_timestamp week weekday weekofyear year yearweek`;

const CHOICES = 'cast coalesce if ifnull nullif name_const';

const AGGREGATES = `
  avg bit_and bit_or bit_xor count group_concat json_arrayagg json_objectagg max min std stddev stddev_pop stddev_samp sum
  var_pop var_samp variance`;

const WINDOWS =
  'cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number';

const JSON_FUNCTIONS = `
  json_array json_array_append json_array_insert json_contains json_contains_path json_depth json_extract json_insert
  json_keys json_length json_merge_patch json_merge_preserve json_object json_overlaps json_pretty json_quote
  json_remove json_replace json_search json_set json_type json_unquote json_valid json_value`;

const SECRETS_AND_ADDRESSES = `
  aes_decrypt aes_encrypt compress inet6_aton inet6_ntoa inet_aton inet_ntoa is_ipv4 is_ipv4_compat is_ipv4_mapped is_ipv6
  random_bytes sha2 uncompress uncompressed_length uuid`;

const ABOUT_THE_SESSION = 'database schema version';

const SHAPES = `
  geometrycollection linestring mbrcontains mbrdisjoint mbrequals mbrintersects mbroverlaps mbrtouches mbrwithin
  multilinestring multipoint multipolygon point polygon st_area st_asbinary st_asgeojson st_astext st_aswkb st_aswkt
  st_buffer st_centroid st_contains st_convexhull st_crosses st_difference st_dimension st_disjoint st_distance
  st_distance_sphere st_endpoint st_envelope st_equals st_exteriorring st_geomcollfromtext st_geomcollfromwkb
  st_geometrycollectionfromtext st_geometrycollectionfromwkb st_geometryfromtext st_geometryfromwkb st_geometryn
  st_geometrytype st_geomfromgeojson st_geomfromtext st_geomfromwkb st_interiorringn st_intersection st_intersects
  st_isclosed st_isempty st_issimple st_length st_linefromtext st_linefromwkb st_linestringfromtext st_linestringfromwkb
  st_mlinefromtext st_mlinefromwkb st_mpointfromtext st_mpointfromwkb st_mpolyfromtext st_mpolyfromwkb
  st_multilinestringfromtext st_multilinestringfromwkb st_multipointfromtext st_multipointfromwkb
  st_multipolygonfromtext st_multipolygonfromwkb st_numgeometries st_numinteriorrings st_numpoints st_overlaps
  st_pointfromtext st_pointfromwkb st_pointn st_polyfromtext st_polyfromwkb st_polygonfromtext st_polygonfromwkb st_srid
  st_startpoint st_symdifference st_touches st_union st_within st_x st_y`;

/**
 * Not here: MD5, SHA and SHA1, which MySQL 9.7 has only as a component to be installed; the vector functions and ETAG, which 8.4
 * lacks.
 */
const ONLY_MYSQL = `
  any_value bin_to_uuid format_bytes format_pico_time geomcollection grouping gtid_subset gtid_subtract icu_version is_uuid
  json_schema_valid json_schema_validation_report mbrcoveredby mbrcovers regexp_like st_buffer_strategy st_collect
  st_frechetdistance st_geohash st_hausdorffdistance st_interiorringn st_isvalid st_latfromgeohash st_latitude
  st_lineinterpolatepoint st_lineinterpolatepoints st_longfromgeohash st_longitude st_makeenvelope st_numinteriorring
  st_pointatdistance st_pointfromgeohash st_simplify st_swapxy st_transform st_validate statement_digest
  statement_digest_text uuid_to_bin`;

/** Not here: what came after 10.11 (UUID_V4, UUID_V7, VEC_…, FORMAT_BYTES, KDF, JSON_SCHEMA_VALID, JSON_KEY_VALUE …). */
const ONLY_MARIADB = `
  add_months chr column_check column_create column_add column_delete column_exists column_get column_json column_list
  crc32c decode decode_histogram decode_oracle encode json_compact json_detailed json_equals json_exists json_loose json_merge
  json_normalize json_query lengthb md5 median natural_sort_key nvl nvl2 percentile_cont percentile_disc rownum sformat sha
  sha1 st_boundary st_isring st_pointonsurface st_relate sys_guid to_char`;

const SAFE_IN_BOTH = [
  NUMBERS,
  TEXTS,
  TIMES,
  CHOICES,
  AGGREGATES,
  WINDOWS,
  JSON_FUNCTIONS,
  SECRETS_AND_ADDRESSES,
  ABOUT_THE_SESSION,
  SHAPES,
];
export const SAFE_IN_MYSQL = setOf(...SAFE_IN_BOTH, ONLY_MYSQL);
export const SAFE_IN_MARIADB = setOf(...SAFE_IN_BOTH, ONLY_MARIADB);

/**
 * Built-ins that are built-ins only with the parenthesis directly behind the name; `now ()` calls a stored function `now`
 * unless sql_mode has IGNORE_SPACE. (MySQL 9.7, MariaDB 10.11 and 11.8 answer error 1630 to these.)
 */
export const TIGHT_FUNCTIONS = setOf(`
  adddate bit_and bit_or bit_xor cast count cume_dist curdate curtime date_add date_sub decode dense_rank extract
  first_value group_concat json_arrayagg json_objectagg lag lead max median mid min now nth_value ntile percent_rank
  percentile_cont percentile_disc position rank row_number std stddev stddev_pop stddev_samp st_collect subdate substr
  substring sum sysdate trim var_pop var_samp variance`);

/**
 * How many arguments (least, most) make a built-in of these names. With another number MariaDB looks for a stored function
 * (seen on 10.11 and 11.8; all other functions of these lists were tried with 0 to 6 arguments and complain instead).
 */
export const ARGUMENT_COUNTS: ReadonlyMap<string, readonly [number, number]> = new Map<
  string,
  readonly [number, number]
>([
  ['point', [2, 2]],
  ...['geometrycollection', 'linestring', 'multilinestring', 'multipoint', 'multipolygon', 'polygon'].map(
    (name) => [name, [1, Number.POSITIVE_INFINITY]] as const,
  ),
]);
