import type { EngineName } from '../../src/index.ts';

/** Server settings that the lab's promises rest on: a query that answers one row, and what it must say. */
export const SETTINGS: Readonly<Record<EngineName, { sql: string; expected: Record<string, unknown> }>> = {
  mysql: {
    sql: `SELECT @@binlog_format AS format, @@gtid_mode AS gtid, @@enforce_gtid_consistency AS enforced,
      @@sync_binlog AS syncBinlog, @@innodb_flush_log_at_trx_commit AS flush, @@log_replica_updates AS logged,
      @@replica_preserve_commit_order AS ordered, @@relay_log_recovery AS relayRecovery, @@replica_net_timeout AS silence,
      @@global.session_track_gtids AS tracked, @@global.time_zone AS zone, @@binlog_row_image AS image`,
    expected: {
      format: 'ROW',
      gtid: 'ON',
      enforced: 'ON',
      syncBinlog: 1,
      flush: 1,
      logged: 1,
      ordered: 1,
      relayRecovery: 0,
      silence: 2,
      tracked: 'OWN_GTID',
      zone: '+00:00',
      image: 'FULL',
    },
  },
  mariadb: {
    sql: `SELECT @@binlog_format AS format, @@gtid_strict_mode AS strict, @@sync_binlog AS syncBinlog,
      @@innodb_flush_log_at_trx_commit AS flush, @@log_slave_updates AS logged, @@slave_parallel_mode AS parallel,
      @@slave_net_timeout AS silence, @@global.session_track_system_variables LIKE '%last_gtid%' AS tracked,
      @@global.time_zone AS zone`,
    expected: {
      format: 'ROW',
      strict: 1,
      syncBinlog: 1,
      flush: 1,
      logged: 1,
      parallel: 'optimistic',
      silence: 2,
      tracked: 1,
      zone: '+00:00',
    },
  },
  postgres: {
    sql: `SELECT current_setting('wal_level') AS wal, current_setting('synchronous_commit') AS sync,
      current_setting('wal_log_hints') AS hints, current_setting('restart_after_crash') AS restart,
      current_setting('max_slot_wal_keep_size') AS keep, current_setting('data_checksums') AS checksums,
      current_setting('max_standby_streaming_delay') AS conflict, current_setting('TimeZone') AS zone,
      current_setting('shared_preload_libraries') AS preload, current_setting('password_encryption') AS passwords`,
    expected: {
      wal: 'replica',
      sync: 'on',
      hints: 'on',
      restart: 'off',
      keep: '2GB',
      checksums: 'on',
      conflict: '500ms',
      zone: 'UTC',
      preload: 'pg_stat_statements',
      passwords: 'scram-sha-256',
    },
  },
};

/** A write that root tries on a closed node: only MariaDB 10.11 has nothing that stops its root. */
export const CLOSED_TO_ROOT: Readonly<Record<EngineName, boolean>> = {
  mysql: true,
  mariadb: false,
  postgres: true,
};
