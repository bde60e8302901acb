import type { Dialect } from '../mysql-protocol/session.ts';
import { positionFromServer, positions } from './positions.ts';

/** What MariaDB needs of a client's session. */
export const dialect: Dialect = {
  // MariaDB has no session_track_gtids; it reports changes of the variable last_gtid instead. The lab's server
  // configuration does this for everybody. Set here as well: a server without that line would otherwise look as if
  // no write had ever happened. (character_set_client is for the driver, which follows it.)
  initialise: (readOnly) => [
    "SET SESSION time_zone = '+00:00', session_track_system_variables = 'autocommit,character_set_client,last_gtid'",
    ...(readOnly ? ['SET SESSION TRANSACTION READ ONLY'] : []),
  ],
  captureCheckSql: 'SELECT @@session.session_track_system_variables AS tracked, @@global.log_bin AS logBin',
  whyNotCaptured(row) {
    if (!String(row.tracked).split(',').includes('last_gtid'))
      return 'session_track_system_variables lacks last_gtid';
    return row.logBin === 1 ? null : 'the server writes no binary log';
  },
  capture(header) {
    const text = header.stateChanges?.systemVariables.last_gtid ?? '';
    return text === '' ? null : positionFromServer(text);
  },
  // The binary log is written before the engine commits, here by clients (primary) and by the applier
  // (replica, log_slave_updates): whatever the read saw is already in gtid_binlog_pos. gtid_slave_pos alone would be
  // too low, since it is brought up to date after the commit (seen for 27 of 1,000 reads of a busy replica, 10.11).
  upperBoundSql: 'SELECT @@global.gtid_binlog_pos AS logged, @@global.gtid_slave_pos AS applied',
  upperBound: (row) =>
    positions.merge(positionFromServer(String(row.logged)), positionFromServer(String(row.applied))),
};
