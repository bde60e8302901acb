/**
 * Built-in functions that read their arguments or replicated catalogs and nothing else.
 *
 * How the list came about: every name of pg_catalog of a real PostgreSQL 15 of which all overloads are immutable or stable
 * (pg_proc.provolatile), less those that assign a transaction id although they are "stable" (txid_current), answer for the
 * session, the account, the server or its recovery, run SQL that they are given (query_to_xml, ts_stat), or are only the
 * insides of an operator, an index or an aggregate. The integration test compares it with the catalog of the server at
 * hand. Names that only newer versions have are left out: on an older server they would call a function of the user's.
 *
 * These names count without a schema too. pg_catalog is searched first unless search_path names it later, so a user's
 * function of the same name wins only with such a search_path or with argument types that fit better. No text shows that;
 * it is a documented limit.
 */
const NAMES = `
  abs acos acosd acosh asin asind asinh atan atan2 atan2d atand atanh cbrt ceil ceiling cos cosd cosh cot cotd degrees div
  exp factorial floor gcd lcm ln log log10 min_scale mod pi pow power radians round scale sign sin sind sinh sqrt tan tand
  tanh trim_scale trunc width_bucket numeric_add numeric_sub numeric_mul numeric_div numeric_exp numeric_ln numeric_log
  numeric_power numeric_sqrt

  ascii bit_length btrim char_length character_length chr concat concat_ws convert convert_from convert_to decode encode
  format get_bit get_byte initcap is_normalized left length like_escape lower lpad ltrim md5 normalize octet_length
  overlay parse_ident position quote_ident quote_literal quote_nullable regexp_count regexp_instr regexp_like
  regexp_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table regexp_substr repeat replace
  reverse right rpad rtrim set_bit set_byte sha224 sha256 sha384 sha512 similar_escape similar_to_escape split_part
  starts_with string_to_array string_to_table strpos substr substring textcat textlike texticlike textregexeq to_ascii
  to_hex translate unistr upper bit_count

  age clock_timestamp date_bin date_part date_trunc extract isfinite justify_days justify_hours justify_interval make_date
  make_interval make_time make_timestamp make_timestamptz now overlaps statement_timestamp timeofday timezone to_char
  to_date to_number to_timestamp transaction_timestamp

  bit bool bpchar char date float4 float8 int2 int4 int8 interval macaddr macaddr8 money name numeric oid regclass text
  time timestamp timestamptz timetz varbit varchar xml

  area bound_box box center circle diagonal diameter height isclosed ishorizontal isopen isparallel isperp isvertical line
  lseg npoints path pclose point polygon popen radius slope width

  abbrev broadcast cidr family host hostmask inet_merge inet_same_family macaddr8_set7bit masklen netmask network
  set_masklen

  array_to_tsvector json_to_tsvector jsonb_to_tsvector numnode phraseto_tsquery
  plainto_tsquery querytree setweight strip to_tsquery to_tsvector ts_debug ts_delete ts_filter ts_headline ts_lexize
  ts_match_tt ts_match_tq ts_match_qv ts_match_vq ts_parse ts_rank ts_rank_cd ts_token_type tsquery_phrase
  tsvector_to_array websearch_to_tsquery

  enum_first enum_last enum_range num_nonnulls num_nulls gen_random_uuid random

  array_to_json json_array_elements json_array_elements_text json_array_length json_build_array json_build_object
  json_each json_each_text json_extract_path json_extract_path_text json_object json_object_keys json_populate_record
  json_populate_recordset json_strip_nulls json_to_record json_to_recordset json_typeof jsonb_array_elements
  jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object jsonb_concat jsonb_contained
  jsonb_contains jsonb_each jsonb_each_text jsonb_exists jsonb_exists_all jsonb_exists_any jsonb_extract_path
  jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_field jsonb_object_field_text jsonb_object_keys
  jsonb_path_exists jsonb_path_exists_tz jsonb_path_match jsonb_path_match_tz jsonb_path_query jsonb_path_query_array
  jsonb_path_query_array_tz jsonb_path_query_first jsonb_path_query_first_tz jsonb_path_query_tz jsonb_populate_record
  jsonb_populate_recordset jsonb_pretty jsonb_set jsonb_set_lax jsonb_strip_nulls jsonb_to_record jsonb_to_recordset
  jsonb_typeof row_to_json to_json to_jsonb

  array_append array_cat array_dims array_fill array_length array_lower array_ndims array_position array_positions
  array_prepend array_remove array_replace array_to_string array_upper arraycontained arraycontains arrayoverlap
  cardinality generate_series generate_subscripts trim_array unnest

  daterange datemultirange int4multirange int4range int8multirange int8range isempty lower_inc lower_inf multirange
  nummultirange numrange range_merge tsmultirange tsrange tstzmultirange tstzrange upper_inc upper_inf

  array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp cume_dist dense_rank every
  first_value json_agg json_object_agg jsonb_agg jsonb_object_agg lag last_value lead max min mode nth_value ntile
  percent_rank percentile_cont percentile_disc range_agg range_intersect_agg rank regr_avgx regr_avgy regr_count
  regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy row_number stddev stddev_pop stddev_samp string_agg sum
  var_pop var_samp variance xmlagg

  xml_is_well_formed xml_is_well_formed_content xml_is_well_formed_document xmlcomment xmlexists xpath xpath_exists

  hashint4 hashint8 hashtext hashtextextended hash_array hash_array_extended hash_record hash_record_extended

  acldefault aclexplode col_description current_database format_type getdatabaseencoding makeaclitem obj_description oidvectortypes
  shobj_description to_regclass to_regcollation to_regnamespace to_regoper to_regoperator to_regproc to_regprocedure
  to_regrole to_regtype pg_char_to_encoding pg_collation_for pg_collation_is_visible pg_column_compression
  pg_column_is_updatable pg_column_size pg_conversion_is_visible pg_describe_object pg_encoding_max_length
  pg_encoding_to_char pg_function_is_visible pg_get_catalog_foreign_keys pg_get_constraintdef pg_get_expr
  pg_get_function_arg_default pg_get_function_arguments pg_get_function_identity_arguments pg_get_function_result
  pg_get_function_sqlbody pg_get_functiondef pg_get_indexdef pg_get_keywords pg_get_object_address
  pg_get_partition_constraintdef pg_get_partkeydef pg_get_replica_identity_index pg_get_ruledef pg_get_serial_sequence
  pg_get_statisticsobjdef pg_get_statisticsobjdef_columns pg_get_statisticsobjdef_expressions pg_get_triggerdef
  pg_get_userbyid pg_get_viewdef pg_identify_object pg_identify_object_as_address pg_index_column_has_property
  pg_index_has_property pg_indexam_has_property pg_lsn pg_opclass_is_visible pg_operator_is_visible
  pg_opfamily_is_visible pg_options_to_table pg_partition_root pg_relation_is_updatable pg_sequence_parameters
  pg_size_bytes pg_size_pretty pg_statistics_obj_is_visible pg_table_is_visible pg_ts_config_is_visible
  pg_ts_dict_is_visible pg_ts_parser_is_visible pg_ts_template_is_visible pg_type_is_visible pg_typeof pg_wal_lsn_diff`;

/**
 * Volatile, and harmless all the same: they answer anew each time and change nothing. `random` after setseed() is no
 * exception: what setseed() set belongs to one connection, and nobody knows which one answers next.
 */
export const HARMLESS_VOLATILE: ReadonlySet<string> = new Set([
  'clock_timestamp',
  'gen_random_uuid',
  'random',
  'timeofday',
]);

export const SAFE_FUNCTIONS: ReadonlySet<string> = new Set(NAMES.trim().split(/\s+/));
