import { sessionOf } from '../mysql-protocol/client.ts';
import { EPOCH_SQL, splitEpoch } from '../mysql-protocol/epoch.ts';
import type { CallOptions, Connection, NodeProbe, Position, Row } from '../types.ts';
import { positionFromServer, positions } from './positions.ts';

// Several statements in one text: one round trip, and all are answered within a fraction of a millisecond.
export const PROBE_STATEMENTS: readonly string[] = [
  `SELECT @@server_uuid AS serverId, @@global.read_only AS readOnly, @@global.gtid_executed AS executed`,
  // One row a channel. RECEIVED_TRANSACTION_SET is what the relay logs have had, applied or not.
  `SELECT c.HOST AS source, s.SERVICE_STATE AS receiver, a.SERVICE_STATE AS applier,
          s.RECEIVED_TRANSACTION_SET AS received
     FROM performance_schema.replication_connection_configuration c
     JOIN performance_schema.replication_connection_status s USING (CHANNEL_NAME)
     JOIN performance_schema.replication_applier_status a USING (CHANNEL_NAME)
    WHERE c.HOST <> ''`,
  // How long ago the oldest transaction now in hand was committed on the primary: being applied by a worker, being handed
  // out by the coordinator, or held back by a delay (of which only the rest of the wait is shown, in seconds).
  `SELECT MAX(TIMESTAMPDIFF(MICROSECOND, since, NOW(6))) AS lagMicros FROM (
     SELECT APPLYING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP AS since
       FROM performance_schema.replication_applier_status_by_worker WHERE APPLYING_TRANSACTION <> ''
     UNION ALL
     SELECT PROCESSING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP
       FROM performance_schema.replication_applier_status_by_coordinator WHERE PROCESSING_TRANSACTION <> ''
     UNION ALL
     SELECT NOW(6) - INTERVAL (CAST(c.DESIRED_DELAY AS SIGNED) - CAST(s.REMAINING_DELAY AS SIGNED)) SECOND
       FROM performance_schema.replication_applier_configuration c
       JOIN performance_schema.replication_applier_status s USING (CHANNEL_NAME)
      WHERE s.REMAINING_DELAY IS NOT NULL) AS busy`,
  EPOCH_SQL,
];

/** `EngineClient.probe`. Needs SELECT on performance_schema.replication_* and, where it exists, on lab_epoch. */
export async function probe(connection: Connection, options?: CallOptions): Promise<NodeProbe> {
  return sessionOf(connection).run(async (session) => {
    const { answers, epoch } = splitEpoch(await session.queryMany(PROBE_STATEMENTS), PROBE_STATEMENTS.length);
    return toProbe(answers, epoch);
  }, options);
}

/** `EngineClient.replicaPosition`. Any account may ask. */
export async function replicaPosition(connection: Connection, options?: CallOptions): Promise<Position> {
  const { rows } = await connection.query('SELECT @@global.gtid_executed AS position', [], options);
  return positionFromServer(String(rows[0]?.position));
}

/** `answers`: of `PROBE_STATEMENTS`, one set of rows each. */
export function toProbe(answers: readonly (readonly Row[])[], epoch: number): NodeProbe {
  const [[server = {}] = [], channels = [], [lag = {}] = []] = answers;
  const position = positionFromServer(String(server.executed));
  const readOnly = server.readOnly !== 0;
  const followsSomebody = channels.length > 0;
  const running = channels.every(({ receiver, applier }) => receiver === 'ON' && applier === 'ON');
  return {
    role: readOnly ? (followsSomebody ? 'replica' : 'unknown') : 'primary',
    readOnly,
    position,
    received: readOnly ? channels.reduce(addReceived, position) : position,
    replicating: followsSomebody ? running : null,
    source: followsSomebody ? String(channels[0]?.source) : null,
    engineLagMs: followsSomebody && running ? Math.max(0, Number(lag.lagMicros ?? 0)) / 1000 : null,
    epoch,
    serverId: String(server.serverId),
  };
}

const addReceived = (sum: Position, channel: Row): Position =>
  positions.merge(sum, positionFromServer(String(channel.received)));
