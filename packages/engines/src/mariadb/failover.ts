import type { EngineFailover } from '../failover.ts';
import { ask } from '../mysql-protocol/channel.ts';
import { failoverOf } from '../mysql-protocol/failover.ts';
import type { Look } from '../mysql-protocol/failover-order.ts';
import { countersOf, quorumOf, type SemiSync, valuesOf } from '../mysql-protocol/semi-sync.ts';
import type { CallOptions, Connection, Position, Row } from '../types.ts';
import { changeSource, verifiesWith } from './admin.ts';
import { dialect } from './pool.ts';
import { positionFromServer, positions, writtenBy } from './positions.ts';
import { PROBE_STATEMENTS, toProbe } from './probe.ts';

const LOOK_STATEMENTS = [
  `SELECT @@global.rpl_semi_sync_master_enabled AS enabled, @@global.rpl_semi_sync_master_timeout AS timeoutMs,
          @@global.rpl_semi_sync_master_wait_point AS waitPoint,
          @@global.rpl_semi_sync_master_wait_no_slave AS waitsAlone,
          @@global.rpl_semi_sync_slave_enabled AS confirmsForOthers`,
  // Uptime is the statement's own time less that of the start, both in whole seconds, and so is `startedAt`: it is the same
  // whenever it is asked, even after a jump of the clock.
  `SELECT VARIABLE_NAME AS name, VARIABLE_VALUE AS value, UNIX_TIMESTAMP() - VARIABLE_VALUE AS startedAt
     FROM information_schema.GLOBAL_STATUS
    WHERE VARIABLE_NAME = 'UPTIME' OR VARIABLE_NAME LIKE 'RPL\\_SEMI\\_SYNC\\_MASTER\\_%'`,
  // Tells apart two starts within one second; alone it would not do, being the same for every start of a container.
  "SELECT THREAD_OS_ID AS thread FROM performance_schema.threads WHERE NAME = 'thread/sql/main'",
  // Not from the process list, for which an account would have to be allowed to read everybody's statements.
  "SELECT PROCESSLIST_USER AS user FROM performance_schema.threads WHERE PROCESSLIST_COMMAND LIKE 'Binlog Dump%'",
];
/** Among the probe's answers. */
const CHANNELS = 1;

async function look(channel: Connection, options: CallOptions): Promise<Look> {
  const { own, probed, epoch } = await ask(channel, LOOK_STATEMENTS, PROBE_STATEMENTS, options);
  const [[server = {}] = [], status = [], [main] = [], dumps = []] = own;
  const probe = toProbe(probed, epoch);
  const source = probed[CHANNELS]?.[0];
  const receiver = source ? receiverOf(source) : 'stopped';
  const applier = source?.Slave_SQL_Running === 'Yes' ? 'on' : 'stopped';
  const semiSync = semiSyncFrom(server, status);
  const isNotedAsPromoted = semiSync.enabled && !server.confirmsForOthers;
  const startedAt = status.find(({ name }) => String(name).toUpperCase() === 'UPTIME')?.startedAt;
  return {
    following: source
      ? {
          host: String(source.Master_Host),
          port: Number(source.Master_Port),
          user: String(source.Master_User),
          verifiesWith: verifiesWith(source),
        }
      : null,
    receiver,
    applier,
    semiSync,
    state: {
      ...probe,
      bootId: `${startedAt}/${main?.thread}`,
      promoted: !source && (!probe.readOnly || isNotedAsPromoted),
      demotable: !source && probe.readOnly && isNotedAsPromoted && semiSync.waiting === 0,
      // Whether it was started with skip_slave_start the server does not tell. Supervised labs start theirs with it.
      detached: receiver === 'stopped',
      linked: receiver === 'on',
      sourceSign: source ? signOf(source) : null,
      applyTrouble: source && applier === 'stopped' ? String(source.Last_SQL_Error || 'it is stopped') : null,
      waiting: semiSync.waiting,
      drained: positions.covers(probe.position, probe.received),
      ownWrites: ownWrites(probed),
      held: positions.merge(probe.position, probe.received),
      quorum: quorumOf(
        semiSync,
        dumps.map(({ user }) => String(user)),
      ),
    },
  };
}

/** A replica's own transaction takes the next number, and its applier stops at the source's that has the same. */
function ownWrites([[server = {}] = []]: readonly (readonly Row[])[]): Position {
  const at = (value: unknown) => positionFromServer(String(value));
  return writtenBy(Number(server.serverId), at(server.logged), at(server.applied));
}

/** `Connecting` and `Preparing` are attempts. */
const receiverOf = ({ Slave_IO_Running: running }: Row): Look['receiver'] =>
  running === 'Yes' ? 'on' : running === 'No' ? 'stopped' : 'trying';

/** There are no times, but a count of heartbeats, and the place in the source's log, which a long transaction moves too. */
const signOf = (source: Row): string =>
  [
    source.Slave_received_heartbeats,
    source.Master_Log_File,
    source.Read_Master_Log_Pos,
    source.Gtid_IO_Pos,
  ].join(' ');

function semiSyncFrom(server: Row, status: readonly Row[]): SemiSync {
  return {
    enabled: Number(server.enabled) === 1,
    timeoutMs: Number(server.timeoutMs),
    waitPoint: String(server.waitPoint),
    waitsAlone: Number(server.waitsAlone) === 1,
    ...countersOf(valuesOf(status, 'rpl_semi_sync_master_')),
  };
}

/**
 * There is only one level of closed, and whoever has READ_ONLY ADMIN passes it on every node, replicas too. So nothing has to be
 * done for administrators to write; that a promotion has got this far is noted where every supervisor sees it, and where a
 * restart forgets it: an armed node that follows nobody, and will confirm for nobody, is promoted. It would be wrong
 * to call every armed node so, because the other voter has to be attached between the two steps.
 */
export const failover: EngineFailover = failoverOf({
  dialect,
  positions,
  look,
  stopReceiver: 'STOP SLAVE IO_THREAD',
  startApplier: 'START SLAVE SQL_THREAD',
  start: 'START SLAVE',
  startForgets: true,
  fencesSlowly: true,
  changeSource,
  halfApplied: null,
  stop: 'STOP SLAVE',
  enableSemiSync: `SET
    GLOBAL rpl_semi_sync_master_timeout = 18446744073709551615,
    GLOBAL rpl_semi_sync_master_wait_no_slave = ON,
    GLOBAL rpl_semi_sync_master_wait_point = 'AFTER_SYNC',
    GLOBAL rpl_semi_sync_master_enabled = ON`,
  becomeReplica: [
    'SET GLOBAL rpl_semi_sync_master_enabled = OFF',
    'SET GLOBAL rpl_semi_sync_slave_enabled = ON',
  ],
  promote: 'SET GLOBAL rpl_semi_sync_slave_enabled = OFF',
  demote: 'SET GLOBAL rpl_semi_sync_slave_enabled = ON',
});
