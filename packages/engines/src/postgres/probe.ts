import { type CallOptions, type Connection, EngineError, type NodeProbe, type Position } from '../types.ts';
import { EPOCH_SQL, tableIsMissing } from './epoch.ts';
import { sessionOf } from './pool.ts';
import { positionAt } from './positions.ts';
import { PRIMARY_TIMELINE, STANDBY_TIMELINE } from './timeline.ts';

/** Positions before the timeline: see STANDBY_TIMELINE. */
const STATE_SQL = `
  SELECT recovering,
         recovering OR current_setting('default_transaction_read_only')::bool AS "readOnly",
         CASE WHEN recovering THEN coalesce(pg_last_wal_replay_lsn(), '0/0')
              ELSE pg_current_wal_flush_lsn() END::text AS position,
         CASE WHEN recovering THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn(), '0/0')
              ELSE pg_current_wal_flush_lsn() END::text AS received,
         CASE WHEN recovering THEN ${STANDBY_TIMELINE} ELSE ${PRIMARY_TIMELINE} END AS timeline,
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
  return sessionOf(connection).run(async (session) => {
    // Not awaited one by one: they travel together, and the failure of one does not touch the other.
    const [state, epoch] = await Promise.allSettled([
      session.send<State & Record<string, unknown>>(STATE_SQL),
      session.send<{ epoch: number }>(EPOCH_SQL),
    ]);
    if (state.status === 'rejected') throw state.reason;
    if (epoch.status === 'rejected' && !tableIsMissing(epoch.reason)) throw epoch.reason;
    const [row] = state.value.rows;
    if (!row) throw new EngineError('other', 'the probe answered without a row');
    return interpret(
      { ...row, timeline: session.latestTimeline(row.timeline) },
      epoch.status === 'fulfilled' ? (epoch.value.rows[0]?.epoch ?? 0) : 0,
    );
  }, options);
}

/** Of a standby only. Prepared once a connection: planning would cost more than answering. */
const REPLICA_POSITION = {
  name: 'lab_replica_position',
  text: `SELECT coalesce(pg_last_wal_replay_lsn(), '0/0')::text AS lsn, ${STANDBY_TIMELINE} AS timeline`,
};

/** `EngineClient.replicaPosition`. Needs membership of pg_monitor. */
export async function replicaPosition(connection: Connection, options?: CallOptions): Promise<Position> {
  return sessionOf(connection).run(async (session) => {
    const [row] = await session.prepared<{ lsn: string; timeline: number }>(REPLICA_POSITION);
    if (!row) throw new EngineError('other', 'the server answered no position');
    return positionAt(session.latestTimeline(row.timeline), row.lsn);
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
