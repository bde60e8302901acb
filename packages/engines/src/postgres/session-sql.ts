import { PRIMARY_TIMELINE, STANDBY_TIMELINE } from './timeline.ts';

/** `on` or stronger. A server that asks for more keeps it; one that asks for less gets `on`. */
export const PIN_SYNC_COMMIT = `SELECT set_config('synchronous_commit',
  CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false) AS level`;

/**
 * Where this primary's log is flushed to. Sent behind a write, so evaluated after its commit. The flush position, not the
 * insert position: at a page boundary the latter lies behind the next page's header, where a replica does not arrive
 * before the next record does.
 */
export const FLUSHED = {
  name: 'lab_flushed',
  text: `SELECT pg_current_wal_flush_lsn()::text AS lsn, current_setting('synchronous_commit') || '/' || current_setting('client_min_messages') AS level`,
};
/** The same for a session that has not written yet. Its server stays on that timeline for as long as it is a primary. */
export const FIRST_FLUSHED = {
  name: 'lab_first_flushed',
  text: `SELECT pg_current_wal_flush_lsn()::text AS lsn,
    current_setting('synchronous_commit') || '/' || current_setting('client_min_messages') AS level,
    ${PRIMARY_TIMELINE} AS timeline`,
};

/**
 * An upper bound of what a read that came before it in this session can have seen.
 * In recovery: a commit becomes visible a moment before pg_last_wal_replay_lsn() moves to its end (seen: about one read in
 * a thousand beside three writers). If there is log beyond that position, the next record may be such a commit, and "one
 * byte more" stands for its end in every comparison with a node, because nodes only ever stand at the ends of
 * records. If there is none, the position is exact. Accounts without pg_read_all_stats do not see the receiver's
 * timeline; for some minutes after a promotion elsewhere they name the one before it, which no node covers by mistake.
 */
export const UPPER_BOUND = {
  name: 'lab_upper_bound',
  text: `SELECT
  CASE WHEN NOT recovering THEN pg_current_wal_flush_lsn()
       WHEN pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn() THEN pg_last_wal_replay_lsn()
       ELSE pg_last_wal_replay_lsn() + 1 END::text AS lsn,
  CASE WHEN recovering THEN ${STANDBY_TIMELINE} ELSE ${PRIMARY_TIMELINE} END AS timeline
  FROM (SELECT pg_is_in_recovery() AS recovering) AS state`,
};

/** Just before COMMIT: whatever the caller has set, this commit waits and warns. Also: did it write anything? */
export const SEAL = {
  name: 'lab_seal',
  text: `SELECT set_config('synchronous_commit', $1, true), set_config('client_min_messages', 'warning', true),
  pg_current_xact_id_if_assigned() IS NOT NULL AS wrote`,
};
