import type { EngineFailover } from '../failover.ts';
import { ask } from '../mysql-protocol/channel.ts';
import { failoverOf } from '../mysql-protocol/failover.ts';
import type { Look } from '../mysql-protocol/failover-order.ts';
import { countersOf, quorumOf, type SemiSync, valuesOf } from '../mysql-protocol/semi-sync.ts';
import type { CallOptions, Connection, Row } from '../types.ts';
import { changeSource, VERIFIES_WITH } from './admin.ts';
import { dialect } from './pool.ts';
import { positions, writtenBy } from './positions.ts';
import { PROBE_STATEMENTS, toProbe } from './probe.ts';

const LOOK_STATEMENTS = [
  // Uptime is the statement's own time less that of the start, both in whole seconds, and so is this sum: it is the same
  // whenever it is asked, even after a jump of the clock. The number of the main thread tells apart two starts within one
  // second; alone it would not do, being the same for every start of a container.
  `SELECT @@global.super_read_only AS closed, @@global.skip_replica_start AS waitsForOrders,
          CONCAT(UNIX_TIMESTAMP() - (SELECT VARIABLE_VALUE FROM performance_schema.global_status
                                      WHERE VARIABLE_NAME = 'Uptime'), '/',
                 (SELECT THREAD_OS_ID FROM performance_schema.threads WHERE NAME = 'thread/sql/main')) AS bootId`,
  // From these tables and not as @@variables, which would be an error on a server without the plugin.
  `SELECT VARIABLE_NAME AS name, VARIABLE_VALUE AS value FROM performance_schema.global_variables
    WHERE VARIABLE_NAME LIKE 'rpl\\_semi\\_sync\\_source\\_%'
   UNION ALL
   SELECT VARIABLE_NAME, VARIABLE_VALUE FROM performance_schema.global_status
    WHERE VARIABLE_NAME LIKE 'rpl\\_semi\\_sync\\_source\\_%'`,
  // Heartbeats are not sent while there is data, so a sign of life is either. A long transaction shows by its beginning.
  `SELECT c.HOST AS host, c.PORT AS port, c.USER AS user,
          ${VERIFIES_WITH} AS verifiesWith, s.SERVICE_STATE AS receiver, a.SERVICE_STATE AS applier,
          CONCAT_WS(' ', s.COUNT_RECEIVED_HEARTBEATS, s.LAST_HEARTBEAT_TIMESTAMP,
                    s.LAST_QUEUED_TRANSACTION_END_QUEUE_TIMESTAMP,
                    s.QUEUEING_TRANSACTION_START_QUEUE_TIMESTAMP) AS sign
     FROM performance_schema.replication_connection_configuration c
     JOIN performance_schema.replication_connection_status s USING (CHANNEL_NAME)
     JOIN performance_schema.replication_applier_status a USING (CHANNEL_NAME)
    WHERE c.HOST <> ''`,
  `SELECT LAST_ERROR_MESSAGE AS message FROM performance_schema.replication_applier_status_by_worker
    WHERE LAST_ERROR_NUMBER <> 0
   UNION ALL
   SELECT LAST_ERROR_MESSAGE FROM performance_schema.replication_applier_status_by_coordinator
    WHERE LAST_ERROR_NUMBER <> 0`,
  // A replica that speaks semi-sync has said so in its session here.
  `SELECT t.PROCESSLIST_USER AS user FROM performance_schema.threads t
     JOIN performance_schema.user_variables_by_thread v USING (THREAD_ID)
    WHERE t.PROCESSLIST_COMMAND LIKE 'Binlog Dump%' AND v.VARIABLE_NAME = 'rpl_semi_sync_replica'`,
];

async function look(channel: Connection, options: CallOptions): Promise<Look> {
  const { own, probed, epoch } = await ask(channel, LOOK_STATEMENTS, PROBE_STATEMENTS, options);
  const [[server = {}] = [], variables = [], [source] = [], errors = [], dumps = []] = own;
  const probe = toProbe(probed, epoch);
  const semiSync = semiSyncFrom(variables);
  const receiver = source ? receiverOf(source) : 'stopped';
  const applier = source?.applier === 'ON' ? 'on' : 'stopped';
  return {
    following: source
      ? {
          host: String(source.host),
          port: Number(source.port),
          user: String(source.user),
          verifiesWith: String(source.verifiesWith),
        }
      : null,
    receiver,
    applier,
    semiSync,
    state: {
      ...probe,
      bootId: String(server.bootId),
      promoted: !source && Number(server.closed) === 0,
      demotable: !source && Number(server.closed) === 0 && probe.readOnly && semiSync.waiting === 0,
      detached: !source || (receiver === 'stopped' && Number(server.waitsForOrders) === 1),
      linked: receiver === 'on',
      sourceSign: source ? String(source.sign) : null,
      applyTrouble: source && applier === 'stopped' ? String(errors[0]?.message ?? 'it is stopped') : null,
      waiting: semiSync.waiting,
      drained: positions.covers(probe.position, probe.received),
      ownWrites: writtenBy(probe.position, probe.serverId),
      held: positions.merge(probe.position, probe.received),
      quorum: quorumOf(
        semiSync,
        dumps.map(({ user }) => String(user)),
      ),
    },
  };
}

const receiverOf = (source: Row): Look['receiver'] =>
  source.receiver === 'ON' ? 'on' : source.receiver === 'OFF' ? 'stopped' : 'trying';

function semiSyncFrom(rows: readonly Row[]): SemiSync {
  const values = valuesOf(rows, 'rpl_semi_sync_source_');
  return {
    enabled: values.get('enabled') === 'ON',
    timeoutMs: Number(values.get('timeout') ?? 0),
    waitPoint: values.get('wait_point') ?? 'AFTER_COMMIT',
    waitsAlone: values.get('wait_no_replica') === 'ON',
    ...countersOf(values),
  };
}

/** Two levels of closed: without super_read_only administrators can write, and without read_only clients can. */
export const failover: EngineFailover = failoverOf({
  dialect,
  positions,
  look,
  stopReceiver: 'STOP REPLICA IO_THREAD',
  startApplier: 'START REPLICA SQL_THREAD',
  start: 'START REPLICA',
  startForgets: false,
  fencesSlowly: false,
  changeSource,
  halfApplied: `SELECT t.PROCESSLIST_ID AS id
      FROM performance_schema.threads t
      JOIN performance_schema.replication_applier_status_by_coordinator c USING (THREAD_ID)
     WHERE c.PROCESSING_TRANSACTION <> ''`,
  stop: 'STOP REPLICA',
  enableSemiSync: `SET
    GLOBAL rpl_semi_sync_source_timeout = 4294967295,
    GLOBAL rpl_semi_sync_source_wait_for_replica_count = 1,
    GLOBAL rpl_semi_sync_source_wait_no_replica = ON,
    GLOBAL rpl_semi_sync_source_wait_point = 'AFTER_SYNC',
    GLOBAL rpl_semi_sync_source_enabled = ON`,
  becomeReplica: [
    'SET GLOBAL rpl_semi_sync_source_enabled = OFF',
    'SET GLOBAL rpl_semi_sync_replica_enabled = ON',
  ],
  promote: 'SET GLOBAL super_read_only = OFF',
  demote: 'SET GLOBAL super_read_only = ON',
});
