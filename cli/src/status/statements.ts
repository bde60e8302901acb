import type { EngineName, Row } from '@replication-lab/engines';

/** A question that any administrator can put to a node by hand, in today's words. */
export interface Statement {
  readonly sql: string;
  /** Short for it. */
  readonly title?: string;
  /** What books call it, where that is something else (docs/reference/textbook-statements.md). */
  readonly textbook?: string;
  /** `fields`: one row of many columns. `list`: a row for each thing. */
  readonly form: 'fields' | 'list';
  /** Those that are shown, in this order; null: what the statement asks for. */
  readonly columns: readonly string[] | null;
}

/** What a node answered. Values are shown as text, and long ones cut. */
export interface StatementAnswer {
  readonly node: string;
  readonly title: string;
  readonly sql: string;
  readonly textbook: string | null;
  /** Null: the node did not answer. */
  readonly rows: readonly Readonly<Record<string, string | null>>[] | null;
  /** Rows that were left out. */
  readonly more: number;
}

const PROCESSES = ['Id', 'User', 'Host', 'db', 'Command', 'Time', 'State', 'Info'];

/** A handful shows who is there; for all of them ask the server. */
const MAX_ROWS = 12;
const MAX_TEXT = 100;

/** In the order of a person who looks for a reason: what a replica says of itself, who follows, who is connected. */
export const STATEMENTS: Readonly<Record<EngineName, readonly Statement[]>> = {
  mysql: [
    {
      sql: 'SHOW REPLICA STATUS',
      textbook: 'SHOW SLAVE STATUS',
      form: 'fields',
      columns: [
        ...['Source_Host', 'Replica_IO_Running', 'Replica_SQL_Running', 'Seconds_Behind_Source', 'SQL_Delay'],
        ...['Retrieved_Gtid_Set', 'Executed_Gtid_Set', 'Last_IO_Error', 'Last_SQL_Error'],
      ],
    },
    {
      sql: 'SHOW REPLICAS',
      textbook: 'SHOW SLAVE HOSTS',
      form: 'list',
      columns: ['Server_Id', 'Host', 'Port', 'Replica_UUID'],
    },
    { sql: 'SHOW PROCESSLIST', form: 'list', columns: PROCESSES },
  ],
  mariadb: [
    {
      sql: 'SHOW REPLICA STATUS',
      textbook: 'SHOW SLAVE STATUS',
      form: 'fields',
      columns: [
        ...['Master_Host', 'Slave_IO_Running', 'Slave_SQL_Running', 'Seconds_Behind_Master', 'SQL_Delay'],
        ...['Using_Gtid', 'Gtid_IO_Pos', 'Last_IO_Error', 'Last_SQL_Error'],
      ],
    },
    {
      sql: 'SHOW REPLICA HOSTS',
      textbook: 'SHOW SLAVE HOSTS',
      form: 'list',
      columns: ['Server_id', 'Host', 'Port', 'Master_id'],
    },
    { sql: 'SHOW PROCESSLIST', form: 'list', columns: PROCESSES },
  ],
  postgres: [
    {
      sql: `SELECT status, sender_host, slot_name, flushed_lsn::text, pg_last_wal_replay_lsn()::text AS replayed_lsn,
  pg_wal_lsn_diff(flushed_lsn, pg_last_wal_replay_lsn())::text AS bytes_not_replayed,
  (now() - pg_last_xact_replay_timestamp())::text AS since_last_replayed_commit
FROM pg_stat_wal_receiver`,
      title: 'pg_stat_wal_receiver',
      form: 'fields',
      columns: null,
    },
    {
      // A standby has no log of its own to be behind: it can still have followers.
      sql: `SELECT application_name, host(client_addr) AS client_addr, state, sync_state, sent_lsn::text, replay_lsn::text,
  pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END,
    replay_lsn)::text AS bytes_behind, replay_lag::text
FROM pg_stat_replication ORDER BY application_name`,
      title: 'pg_stat_replication',
      textbook: 'pg_xlog_location_diff(pg_current_xlog_location(), replay_location)',
      form: 'list',
      columns: null,
    },
    {
      sql: `SELECT pid, usename, application_name, host(client_addr) AS client_addr, state, wait_event, query
FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
ORDER BY state = 'active' DESC, pid`,
      title: 'pg_stat_activity',
      textbook: 'SHOW PROCESSLIST (MySQL)',
      form: 'list',
      columns: null,
    },
  ],
};

/** The part of a node's answer that is shown. */
export function answerOf(
  node: string,
  statement: Statement,
  rows: readonly Row[] | null | undefined,
): StatementAnswer {
  const { sql, title = sql, textbook = null, columns } = statement;
  const asked = { node, title, sql, textbook };
  if (!rows) return { ...asked, rows: null, more: 0 };
  const shown = rows.slice(0, MAX_ROWS).map((row) => {
    const wanted = columns?.filter((column) => column in row) ?? Object.keys(row);
    return Object.fromEntries(wanted.map((column) => [column, textOf(row[column])]));
  });
  return { ...asked, rows: shown, more: rows.length - shown.length };
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  const text = (value instanceof Uint8Array ? Buffer.from(value).toString() : String(value)).replaceAll(
    /\s+/g,
    ' ',
  );
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
}
