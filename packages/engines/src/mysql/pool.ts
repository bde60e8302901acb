import type { Dialect } from '../mysql-protocol/session.ts';
import { positionFromOwned, positionFromServer, positions } from './positions.ts';

/** What MySQL needs of a client's session. */
export const dialect: Dialect = {
  // The lab's server configuration tracks GTIDs for everybody. Set here as well: a server without that line would
  // otherwise look as if no write had ever happened.
  initialise: (readOnly) => [
    "SET SESSION time_zone = '+00:00', session_track_gtids = OWN_GTID",
    ...(readOnly ? ['SET SESSION TRANSACTION READ ONLY'] : []),
  ],
  captureCheckSql:
    'SELECT @@session.session_track_gtids AS tracking, @@global.gtid_mode AS gtidMode, @@global.log_bin AS logBin',
  whyNotCaptured(row) {
    if (row.tracking !== 'OWN_GTID') return `session_track_gtids is ${row.tracking}`;
    if (row.gtidMode !== 'ON') return `gtid_mode is ${row.gtidMode}`;
    return row.logBin === 1 ? null : 'the server writes no binary log';
  },
  capture(header) {
    const text = (header.stateChanges?.gtids ?? []).join(',');
    return text === '' ? null : positionFromServer(text);
  },
  // A transaction becomes visible in InnoDB a moment before its GTID enters gtid_executed; in between its GTID is in
  // gtid_owned, and it leaves gtid_owned only after it has entered gtid_executed. So whatever the read saw is in one of
  // the two, provided that owned is looked at first (the items of one SELECT are evaluated from left to right): in the
  // other order a GTID could move from one to the other between the two looks and be seen in neither. Owned GTIDs
  // may belong to commits that the read did not see: the bound is upper, not exact. (gtid_executed alone was too low for
  // 2 of 1,000 reads beside 8 writers, MySQL 9.7.)
  upperBoundSql: 'SELECT @@global.gtid_owned AS owned, @@global.gtid_executed AS executed',
  upperBound: (row) =>
    positions.merge(positionFromOwned(String(row.owned)), positionFromServer(String(row.executed))),
};
