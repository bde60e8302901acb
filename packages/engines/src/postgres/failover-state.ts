import { replicationUser } from '../config.ts';
import type { NodeState, QuorumState } from '../failover.ts';
import type { CallOptions, Connection, NodeProbe, Position } from '../types.ts';
import { EngineError } from '../types.ts';
import { Order } from './failover-order.ts';
import { timelineAt, withPast } from './history.ts';
import { newestTimeline, positionAt } from './positions.ts';
import { probe } from './probe.ts';
import { HISTORY_FILE } from './rights.ts';
import { quorumOf } from './standby-names.ts';

/** The newest history file holds what the older ones do. More of them than this is a stranger's directory. */
const MAX_HISTORY_FILES = 32;

/**
 * No receiver, running or starting. Not pg_stat_wal_receiver: that hides one that is still connecting, which can stream and
 * confirm a moment later.
 */
export const NO_RECEIVER = `NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'walreceiver')`;

/** What the replaying process waits for when readers are in its way. */
export const READERS_IN_THE_WAY = `(wait_event LIKE 'RecoveryConflict%' OR wait_event_type IN ('Lock', 'BufferPin'))`;

/**
 * `confirming`: a standby can have flushed only what it was sent here. One that says more was somewhere else before, on another
 * history, and its word counts for nothing: the server would take it for a confirmation of whatever comes next. The standby's
 * account of itself is read before the node's own position, or an honest one could seem to be ahead.
 *
 * Prepared once a connection: planning would cost more than answering.
 */
const NODE_STATE = {
  name: 'lab_node_state',
  text: `
  WITH files AS MATERIALIZED (SELECT name FROM pg_ls_waldir()),
  standbys AS MATERIALIZED (
    SELECT usename, application_name, flush_lsn FROM pg_stat_replication
     WHERE state = 'streaming' AND flush_lsn <= sent_lsn)
  SELECT recovering,
         pg_postmaster_start_time()::text AS "bootId",
         CASE WHEN recovering THEN current_setting('primary_conninfo') = '' AND ${NO_RECEIVER} ELSE true END AS detached,
         coalesce(receiver.status = 'streaming', false) AS linked,
         receiver.last_msg_receipt_time::text AS "sourceSign",
         CASE WHEN recovering THEN pg_get_wal_replay_pause_state() END AS "pauseState",
         (SELECT wait_event FROM pg_stat_activity
           WHERE backend_type = 'startup'
             AND (${READERS_IN_THE_WAY} OR wait_event = 'RecoveryApplyDelay') LIMIT 1) AS obstacle,
         (SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep')::int AS waiting,
         ARRAY(SELECT name FROM files WHERE name ~ '^[0-9A-F]{24}$') AS segments,
         pg_size_bytes(current_setting('wal_segment_size'))::int AS "segmentBytes",
         (SELECT coalesce(json_object_agg(name, ${HISTORY_FILE}(name)), '{}')
            FROM (SELECT name FROM files WHERE name ~ '^[0-9A-F]{8}[.]history$'
                   ORDER BY name DESC LIMIT ${MAX_HISTORY_FILES}) AS newest) AS histories,
         current_setting('synchronous_standby_names') AS names,
         current_setting('synchronous_commit') AS "syncCommit",
         (SELECT coalesce(json_agg(json_build_object('user', usename, 'name', application_name)), '[]') FROM standbys
           WHERE flush_lsn <= CASE WHEN recovering
                   THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn(), '0/0')
                   ELSE pg_current_wal_flush_lsn() END) AS standbys,
         CASE WHEN recovering THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn(), '0/0')
              ELSE pg_current_wal_flush_lsn() END::text AS "heldLsn"
    FROM (SELECT pg_is_in_recovery() AS recovering) AS state
    LEFT JOIN pg_stat_wal_receiver AS receiver ON recovering`,
};

interface Answer {
  readonly recovering: boolean;
  readonly bootId: string;
  readonly detached: boolean;
  readonly linked: boolean;
  readonly sourceSign: string | null;
  readonly pauseState: string | null;
  readonly obstacle: string | null;
  readonly waiting: number;
  readonly segments: readonly string[];
  readonly segmentBytes: number;
  readonly histories: Readonly<Record<string, string | null>>;
  readonly names: string;
  readonly syncCommit: string;
  readonly standbys: readonly { readonly user: string; readonly name: string }[];
  readonly heldLsn: string;
}

/** `EngineFailover.observe`. */
export async function observe(channel: Connection, options?: CallOptions): Promise<NodeState> {
  const order = new Order(channel, options);
  // Not awaited one by one: they travel together. The probe first, so that what is held covers what it says.
  const [probed, answered] = await Promise.allSettled([
    probe(order),
    order.run((session) => session.prepared<Answer & Record<string, unknown>>(NODE_STATE)),
  ]);
  if (probed.status === 'rejected') throw probed.reason;
  if (answered.status === 'rejected') throw answered.reason;
  const [answer] = answered.value;
  if (!answer) throw new EngineError('other', 'the node answered without a row');
  return interpret(probed.value, answer);
}

function interpret(probed: NodeProbe, answer: Answer): NodeState {
  const { bootId, recovering, detached, linked, sourceSign } = answer;
  const trouble = applyTrouble(answer);
  return {
    ...probed,
    bootId,
    promoted: !recovering,
    demotable: false,
    detached,
    linked,
    sourceSign,
    applyTrouble: trouble,
    waiting: answer.waiting,
    // A server that is promoted applies all it has first. It is not waited for before: the last that was received may be the
    // beginning of a record whose rest went down with the primary.
    drained: trouble === null,
    ownWrites: '' as Position,
    held: held(probed, answer),
    quorum: quorum(answer),
  };
}

function applyTrouble({ pauseState, obstacle }: Answer): string | null {
  if (pauseState !== null && pauseState !== 'not paused') return `replay: ${pauseState}`;
  return obstacle === null ? null : `replay waits: ${obstacle}`;
}

/** As history.ts does it, from what came in the same round trip. */
function held(probed: NodeProbe, { heldLsn, segments, segmentBytes, histories }: Answer): Position {
  const timeline = timelineAt(heldLsn, segments, segmentBytes) ?? newestTimeline(probed.received);
  const file = `${timeline.toString(16).toUpperCase().padStart(8, '0')}.history`;
  return withPast(positionAt(timeline, heldLsn), histories[file] ?? '');
}

function quorum({ names, syncCommit, standbys }: Answer): QuorumState {
  const { voters, trouble } = quorumOf(names, syncCommit);
  const confirming = standbys.filter(({ name }) => voters.includes(name)).map(({ user }) => user);
  return {
    armed: trouble === null,
    trouble,
    voters: voters.map(replicationUser),
    confirming: [...new Set(confirming)],
  };
}
