import type { ClassifyReason } from '../types.ts';

type Doubt = Exclude<ClassifyReason, 'pure-read'>;

/** Built-in functions that no replica may answer, by the reason why. Names that begin with `pg_` follow by rule below. */
const NAMES: Readonly<Partial<Record<Doubt, string>>> = {
  sequence: 'nextval setval pg_sequence_last_value',
  'system-variable':
    'current_setting set_config pg_show_all_settings pg_show_all_file_settings pg_settings_get_flags',
  'session-function': `currval lastval setseed txid_current txid_current_if_assigned txid_current_snapshot txid_status
    pg_current_xact_id pg_current_xact_id_if_assigned pg_current_snapshot pg_export_snapshot pg_backend_pid
    pg_my_temp_schema pg_is_other_temp_schema pg_trigger_depth pg_listening_channels pg_cursor pg_prepared_statement
    pg_client_encoding pg_has_role inet_client_addr inet_client_port current_schema current_schemas current_user
    session_user system_user getpgusername current_query get_current_ts_config row_security_active`,
  'unsafe-function': `version inet_server_addr inet_server_port lo_close lo_creat lo_create lo_export lo_from_bytea lo_get
    lo_import lo_lseek lo_lseek64 lo_open lo_put lo_tell lo_tell64 lo_truncate lo_truncate64 lo_unlink loread lowrite
    query_to_xml query_to_xmlschema query_to_xml_and_xmlschema cursor_to_xml cursor_to_xmlschema table_to_xml
    table_to_xmlschema table_to_xml_and_xmlschema schema_to_xml schema_to_xmlschema schema_to_xml_and_xmlschema
    database_to_xml database_to_xmlschema database_to_xml_and_xmlschema ts_stat ts_rewrite amvalidate
    brin_desummarize_range brin_summarize_new_values brin_summarize_range gin_clean_pending_list currtid2
    fmgr_c_validator fmgr_internal_validator fmgr_sql_validator plpgsql_validator postgresql_fdw_validator
    satisfies_hash_partition txid_visible_in_snapshot mxid_age
    dblink dblink_connect dblink_connect_u dblink_disconnect dblink_exec dblink_open dblink_fetch dblink_close
    dblink_get_connections dblink_error_message dblink_send_query dblink_is_busy dblink_get_notify dblink_get_result
    dblink_cancel_query`,
};

/** Among these, the ones that can only be called without an argument, so never in the guise of a column (`t.version`). */
const NO_ARGUMENT = new Set(
  `version lastval current_query current_schema current_user session_user system_user getpgusername
   get_current_ts_config inet_client_addr inet_client_port inet_server_addr inet_server_port txid_current
   txid_current_if_assigned txid_current_snapshot`.split(/\s+/),
);

const REASONS: ReadonlyMap<string, Doubt> = new Map(
  Object.entries(NAMES).flatMap(([reason, names]) =>
    names.split(/\s+/).map((name): [string, Doubt] => [name, reason as Doubt]),
  ),
);

/** Whole families, of which newer versions have more members. */
const FAMILIES: readonly (readonly [RegExp, Doubt])[] = [
  [/^pg_(?:try_)?advisory_/, 'lock-function'],
  [/^has_\w+_privilege$/, 'session-function'], // for whom? for the account of this connection
  [/^(?:pg_|binary_upgrade_)/, 'unsafe-function'],
];

/** Why a function of this name, which is not on the list of safe ones, is not safe; null when no built-in is known by it. */
export function whyUnsafe(name: string): Doubt | null {
  return REASONS.get(name) ?? FAMILIES.find(([pattern]) => pattern.test(name))?.[1] ?? null;
}

/** The same for `something.name`, where the name may also be a column's: only what can be called with one argument. */
export function whyUnsafeAsColumn(name: string): Doubt | null {
  return NO_ARGUMENT.has(name) ? null : whyUnsafe(name);
}
