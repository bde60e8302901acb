import type { RefusalReason } from './refused.ts';
import { setOf } from './words.ts';

/**
 * Built-ins that no replica may be asked for, and why. Names on neither list are refused as well (`unknown-function`): this
 * one gives the truer reason, and wins over `safeFunctions`.
 */
const UNSAFE: readonly (readonly [RefusalReason, string])[] = [
  [
    'session-function',
    // The account, too: sessions for reads log in with another one than sessions for writes.
    `connection_id current_role current_user found_rows last_insert_id ps_current_thread_id ps_thread_id row_count
    session_user sqlcode sqlerrm system_user user`,
  ],
  [
    'lock-function',
    `get_lock is_free_lock is_used_lock release_all_locks release_lock service_get_read_locks service_get_write_locks
    service_release_locks version_tokens_lock_exclusive version_tokens_lock_shared version_tokens_unlock`,
  ],
  ['sequence', 'currval lastval nextval setval'],
  [
    'unsafe-function',
    // DEFAULT(column) runs the column's default, which in MariaDB may be the next value of a sequence. EXTRACTVALUE and
    // UPDATEXML read user variables that only their XPath string names. UUID_SHORT counts in the server's memory, and the
    // values of several servers do not grow one after the other. JSON_STORAGE_… tell how this node stored a row.
    `asynchronous_connection_failover_add_managed asynchronous_connection_failover_add_source
    asynchronous_connection_failover_delete_managed asynchronous_connection_failover_delete_source
    asynchronous_connection_failover_reset audit_log_filter_flush audit_log_read audit_log_rotate benchmark
    binlog_gtid_pos default des_decrypt des_encrypt encrypt extractvalue group_replication_set_as_primary
    group_replication_switch_to_multi_primary_mode group_replication_switch_to_single_primary_mode json_storage_free
    json_storage_size load_file master_gtid_wait master_pos_wait roles_graphml sleep source_pos_wait updatexml uuid_short
    validate_password_strength wait_for_executed_gtid_set wait_until_sql_thread_after_gtids wsrep_last_seen_gtid
    wsrep_last_written_gtid wsrep_sync_wait_upto_gtid`,
  ],
];

export const UNSAFE_FUNCTIONS: ReadonlyMap<string, RefusalReason> = new Map(
  UNSAFE.flatMap(([reason, names]) => [...setOf(names)].map((name) => [name, reason] as const)),
);

/** Answers of the session that need no parentheses on one server or another; as names of columns they are rare. */
export const SESSION_WORDS = setOf('current_role current_user session_user system_user sqlcode sqlerrm');
