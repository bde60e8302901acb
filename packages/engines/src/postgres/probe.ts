import { ToolConnection } from '../session/tool-connection.ts';
import { type CallOptions, type Connection, EngineError, type NodeProbe } from '../types.ts';
import { positionAt } from './positions.ts';
import { PostgresSession } from './session.ts';

/**
 * Positions are read before the timeline: a timeline that is too new for its position is harmless (the older log is part
 * of its history), one that is too old would claim a history which the node has left.
 */
const STATE_SQL = `
  SELECT recovering,
         recovering OR current_setting('default_transaction_read_only')::bool AS "readOnly",
         CASE WHEN recovering THEN coalesce(pg_last_wal_replay_lsn(), '0/0')
              ELSE pg_current_wal_flush_lsn() END::text AS position,
         CASE WHEN recovering THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn(), '0/0')
              ELSE pg_current_wal_flush_lsn() END::text AS received,
         CASE WHEN recovering
              THEN greatest(receiver.received_tli, (SELECT timeline_id FROM pg_control_checkpoint()),
                            (SELECT min_recovery_end_timeline FROM pg_control_recovery()))
              ELSE ('x' || left(pg_walfile_name(pg_current_wal_flush_lsn()), 8))::bit(32)::bigint END AS timeline,
         recovering AND coalesce(receiver.status = 'streaming', false) AND NOT pg_is_wal_replay_paused() AS running,
         coalesce(receiver.sender_host,
                  substring(current_setting('primary_conninfo') FROM 'host=''?([^ '']+)')) AS source,
         CASE WHEN NOT recovering THEN NULL
              WHEN pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn() THEN 0
              ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000 END::float8
           AS "lagMs",
         (SELECT system_identifier FROM pg_control_system())::text AS "serverId"
    FROM (SELECT pg_is_in_recovery() AS recovering) AS state
    LEFT JOIN pg_stat_wal_receiver AS receiver ON recovering`;

const EPOCH_SQL = 'SELECT coalesce(max(epoch), 0) AS epoch FROM lab_epoch';
const NO_SUCH_TABLE = '42P01';

interface State {
  readonly recovering: boolean;
  readonly readOnly: boolean;
  readonly position: string;
  readonly received: string;
  readonly timeline: number;
  readonly running: boolean;
  readonly source: string | null;
  readonly lagMs: number | null;
  readonly serverId: string;
}

/**
 * `EngineClient.probe`. Needs membership of pg_monitor and, where it exists, SELECT on lab_epoch. The epoch is that of
 * the connection's database: connect to the lab's.
 */
export async function probe(connection: Connection, options?: CallOptions): Promise<NodeProbe> {
  if (!(connection instanceof ToolConnection && connection.session instanceof PostgresSession)) {
    throw new EngineError('bad-statement', 'this connection was made by another engine');
  }
  return (connection as ToolConnection<PostgresSession>).run(async (session) => {
    // Not awaited one by one: they travel together, and the failure of one does not touch the other.
    const [state, epoch] = await Promise.allSettled([
      session.send<State & Record<string, unknown>>(STATE_SQL),
      session.send<{ epoch: number }>(EPOCH_SQL),
    ]);
    if (state.status === 'rejected') throw state.reason;
    if (epoch.status === 'rejected' && epoch.reason?.code !== NO_SUCH_TABLE) throw epoch.reason;
    const [row] = state.value.rows;
    if (!row) throw new EngineError('other', 'the probe answered without a row');
    return interpret(
      { ...row, timeline: session.latestTimeline(row.timeline) },
      epoch.status === 'fulfilled' ? (epoch.value.rows[0]?.epoch ?? 0) : 0,
    );
  }, options);
}

function interpret(state: State, epoch: number): NodeProbe {
  const position = positionAt(state.timeline, state.position);
  const follows = state.recovering && state.source !== null;
  return {
    role: !state.readOnly ? 'primary' : follows ? 'replica' : 'unknown',
    readOnly: state.readOnly,
    position,
    received: state.recovering ? positionAt(state.timeline, state.received) : position,
    replicating: follows ? state.running : null,
    source: follows ? state.source : null,
    engineLagMs: follows && state.running && state.lagMs !== null ? Math.max(0, state.lagMs) : null,
    epoch,
    serverId: state.serverId,
  };
}
