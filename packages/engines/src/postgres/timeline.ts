/**
 * The timeline of a standby, as SQL. Sub-selects, so that it is evaluated where it stands and not with the FROM clause: the
 * position that it belongs to has to come before it in the text. A timeline that is too new for its position is harmless (the
 * older log is part of its history), one that is too old would claim a history which the node has left.
 */
export const STANDBY_TIMELINE = `greatest(
  (SELECT received_tli FROM pg_stat_wal_receiver),
  (SELECT timeline_id FROM pg_control_checkpoint()),
  (SELECT min_recovery_end_timeline FROM pg_control_recovery()))`;

/** The timeline that a primary writes to, as SQL. */
export const PRIMARY_TIMELINE = `('x' || left(pg_walfile_name(pg_current_wal_flush_lsn()), 8))::bit(32)::bigint`;
