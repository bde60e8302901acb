import { sessionOf } from '../mysql-protocol/client.ts';
import { EPOCH_SQL, splitEpoch } from '../mysql-protocol/epoch.ts';
import type { CallOptions, Connection, NodeProbe, Position, Row } from '../types.ts';
import { positionFromServer, positions } from './positions.ts';

// Several statements in one text: one round trip.
export const PROBE_STATEMENTS: readonly string[] = [
  `SELECT @@server_id AS serverId, @@global.read_only AS readOnly,
          @@global.gtid_slave_pos AS applied, @@global.gtid_binlog_pos AS logged`,
  'SHOW ALL SLAVES STATUS',
  EPOCH_SQL,
];

/** `EngineClient.probe`. Needs SLAVE MONITOR and, where it exists, SELECT on lab_epoch. */
export async function probe(connection: Connection, options?: CallOptions): Promise<NodeProbe> {
  return sessionOf(connection).run(async (session) => {
    const { answers, epoch } = splitEpoch(await session.queryMany(PROBE_STATEMENTS), PROBE_STATEMENTS.length);
    return toProbe(answers, epoch);
  }, options);
}

/** `EngineClient.replicaPosition`: what has been applied and shows (see `toProbe`). Any account may ask. */
export async function replicaPosition(connection: Connection, options?: CallOptions): Promise<Position> {
  const { rows } = await connection.query('SELECT @@global.gtid_slave_pos AS position', [], options);
  return positionFromServer(String(rows[0]?.position));
}

/** `answers`: of `PROBE_STATEMENTS`, one set of rows each. */
export function toProbe(answers: readonly (readonly Row[])[], epoch: number): NodeProbe {
  const [[server = {}] = [], channels = []] = answers;
  // 12.0 and newer know ON, NO_LOCK and NO_LOCK_NO_ADMIN, and answer with the name.
  const readOnly = server.readOnly !== 0 && server.readOnly !== 'OFF';
  const followsSomebody = channels.length > 0;
  const role = readOnly ? (followsSomebody ? 'replica' : 'unknown') : 'primary';
  const applied = positionFromServer(String(server.applied));
  const logged = positionFromServer(String(server.logged));
  // A replica's applier writes the binary log before it commits: gtid_binlog_pos (and so gtid_current_pos) runs ahead
  // of what a reader can see, gtid_slave_pos does not. A closed node that follows nobody applies nothing, and its
  // history may be in either: it may have been a primary or a replica.
  const position =
    role === 'primary' ? logged : role === 'replica' ? applied : positions.merge(applied, logged);
  const running = channels.every((c) => c.Slave_IO_Running === 'Yes' && c.Slave_SQL_Running === 'Yes');
  const behindSeconds = channels[0]?.Seconds_Behind_Master ?? null;
  return {
    role,
    readOnly,
    position,
    received: role === 'replica' ? channels.reduce(addReceived, position) : position,
    replicating: followsSomebody ? running : null,
    source: followsSomebody ? String(channels[0]?.Master_Host) : null,
    engineLagMs: behindSeconds === null ? null : Number(behindSeconds) * 1000,
    epoch,
    serverId: String(server.serverId),
  };
}

const addReceived = (sum: Position, channel: Row): Position =>
  positions.merge(sum, positionFromServer(String(channel.Gtid_IO_Pos ?? '')));
