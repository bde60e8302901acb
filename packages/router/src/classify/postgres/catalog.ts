/** What pg_catalog and information_schema have that reads may name. */

const setOf = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/));

/**
 * Operators of pg_catalog. No function behind any of them is volatile (the integration test looks). A user's operator of
 * the same symbol is for the user's own types, and as much a matter of the schema as a view is.
 */
export const OPERATORS = setOf(`
  !! !~ !~* !~~ !~~* # ## #- #> #>> % & && &< &<| &> * *< *<= *<> *= *> *>= + - -> ->> -|- / < <-> << <<= <<| <= <> <@ <^
  = > >= >> >>= >^ ? ?# ?& ?- ?-| ?| ?|| @ @-@ @> @? @@ @@@ ^ ^@ | |&> |/ |>> || ||/ ~ ~* ~<=~ ~<~ ~= ~>=~ ~>~ ~~ ~~*`);

/** Types of pg_catalog. Their input functions and the casts between them are the server's own and volatile in no case. */
export const TYPES = setOf(`
  aclitem bit bool box bpchar bytea char cid cidr circle date float4 float8 inet int2 int2vector int4 int8 interval json
  jsonb jsonpath line lseg macaddr macaddr8 money name numeric oid oidvector path pg_lsn pg_snapshot point polygon
  refcursor regclass regcollation regconfig regdictionary regnamespace regoper regoperator regproc regprocedure regrole
  regtype text tid time timestamp timestamptz timetz tsquery tsvector txid_snapshot unknown uuid varbit varchar xid xid8
  xml daterange int4range int8range numrange tsrange tstzrange datemultirange int4multirange int8multirange
  nummultirange tsmultirange tstzmultirange`);

/**
 * Relations of pg_catalog that replication carries to every node, and views that show nothing but them. Not here, so never
 * read on a replica: what a node knows of itself (pg_stat_…, pg_locks, pg_settings), what a connection has
 * (pg_cursors, pg_prepared_statements), what lies in files of the host (pg_timezone_names, pg_available_extensions), and
 * pg_sequences, which on a replica runs ahead of the primary.
 */
export const REPLICATED_CATALOGS = setOf(`
  pg_aggregate pg_am pg_amop pg_amproc pg_attrdef pg_attribute pg_auth_members pg_authid pg_cast pg_class pg_collation
  pg_constraint pg_conversion pg_database pg_db_role_setting pg_default_acl pg_depend pg_description pg_enum
  pg_event_trigger pg_extension pg_foreign_data_wrapper pg_foreign_server pg_foreign_table pg_index pg_inherits
  pg_init_privs pg_language pg_largeobject pg_largeobject_metadata pg_namespace pg_opclass pg_operator pg_opfamily
  pg_parameter_acl pg_partitioned_table pg_policy pg_proc pg_publication pg_publication_namespace pg_publication_rel
  pg_range pg_rewrite pg_seclabel pg_sequence pg_shdepend pg_shdescription pg_shseclabel pg_statistic pg_statistic_ext
  pg_statistic_ext_data pg_tablespace pg_transform pg_trigger pg_ts_config pg_ts_config_map pg_ts_dict pg_ts_parser
  pg_ts_template pg_type pg_user_mapping
  pg_group pg_indexes pg_matviews pg_policies pg_publication_tables pg_roles pg_rules pg_seclabels pg_shadow pg_stats
  pg_stats_ext pg_stats_ext_exprs pg_tables pg_user pg_user_mappings pg_views`);

/**
 * Views of information_schema, less those about the roles and privileges of whoever asks: read pools log in with another
 * account.
 */
export const INFORMATION_SCHEMA = setOf(`
  attributes character_sets check_constraint_routine_usage check_constraints
  collation_character_set_applicability collations column_column_usage column_domain_usage column_options
  column_udt_usage columns constraint_column_usage constraint_table_usage data_type_privileges
  domain_constraints domain_udt_usage domains element_types foreign_data_wrapper_options foreign_data_wrappers
  foreign_server_options foreign_servers foreign_table_options foreign_tables information_schema_catalog_name
  key_column_usage parameters referential_constraints routine_column_usage routine_routine_usage
  routine_sequence_usage routine_table_usage routines schemata sequences sql_features sql_implementation_info
  sql_parts sql_sizing table_constraints tables transforms triggered_update_columns triggers user_defined_types
  user_mapping_options user_mappings view_column_usage view_routine_usage view_table_usage views`);

export const SAMPLING_METHODS = setOf('bernoulli system');
