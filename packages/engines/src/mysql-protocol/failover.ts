import { escapeId } from 'mysql2';
import type { EngineFailover, NodeState } from '../failover.ts';
import { DATABASE_NAME } from '../names.ts';
import {
  type CallOptions,
  type Connection,
  type Endpoint,
  EngineError,
  type ReplicationAccount,
} from '../types.ts';
import { beside, openBesideAhead, openChannel } from './channel.ts';
import { type Look, Order, type Words } from './failover-order.ts';
import { openHeart } from './heart.ts';
import { writeEpoch } from './reign.ts';
import { FORGET_SOURCE } from './rights.ts';
import { armedBy, troubleOf } from './semi-sync.ts';

const LOCK_NAME = 'lab-supervisor';
/** How long `follow` waits for what was received to be applied. Then it says so, and is asked again. */
const APPLY_WAIT_MS = 1_000;

export function failoverOf(words: Words): EngineFailover {
  const begin = (channel: Connection, options: CallOptions | undefined) => new Order(words, channel, options);
  return {
    forgetsReceived: words.startForgets,
    fencesSlowly: words.fencesSlowly,
    openChannel: (endpoint, credentials, options) =>
      openChannel(words.dialect, endpoint, credentials, options),
    async lock(channel, options) {
      // Only once a session: MySQL and MariaDB count, and one `unlock` would not free what was taken twice.
      const { rows } = await channel.query(
        `SELECT IF(IS_USED_LOCK('${LOCK_NAME}') = CONNECTION_ID(), 1, GET_LOCK('${LOCK_NAME}', 0)) AS held`,
        [],
        options,
      );
      return Number(rows[0]?.held) === 1;
    },
    async unlock(channel, options) {
      await channel.query(`SELECT RELEASE_LOCK('${LOCK_NAME}')`, [], options);
    },
    observe: async (channel, options) => (await words.look(channel, options ?? {})).state,
    detach: (channel, options) => detach(begin(channel, options)),
    follow: (channel, _node, source, replication, options) =>
      follow(begin(channel, options), source, replication),
    arm: (channel, _voters, options) => arm(begin(channel, options)),
    promote: (channel, options) => promote(begin(channel, options)),
    establish: (channel, reign, options) => establish(begin(channel, options), reign),
    found: (channel, reign, _voters, options) => found(begin(channel, options), reign),
    open: (channel, options) => open(begin(channel, options)),
    close: (channel, options) => close(begin(channel, options)),
    demote: (channel, options) => demote(begin(channel, options)),
    openHeart,
  };
}

/**
 * The applier is started before the receiver is stopped, because on MariaDB it could not be started afterwards without
 * losing what there is to apply. STOP answers in a few ms while the source is there, or refuses. With a source that is frozen
 * or cut off it takes longer: on MariaDB a second, always (rpl_semi_sync_slave_kill_conn_timeout, also when confirming is switched
 * off before); on MySQL up to replica_net_timeout (2 s) once the receiver is connecting anew, which it does after as much
 * silence, and nothing before.
 * A call whose deadline comes first destroys the channel, the server goes on stopping, and the next `detach` finds it done.
 */
async function detach(order: Order): Promise<void> {
  const look = await order.look();
  if (look.state.source === null) return;
  if (look.receiver !== 'stopped') await stopReceiving(order, look);
  else if (look.applier === 'stopped' && !order.words.startForgets)
    await order.query(order.words.startApplier);
  const detached = await order.until(({ state }) => state.detached);
  if (detached) return;
  const { receiver } = await order.look();
  throw receiver === 'stopped'
    ? order.error(
        'other',
        'would follow its source again after a restart: it was not started for a supervisor',
      )
    : order.error('timeout', 'has not stopped receiving in time');
}

async function stopReceiving(order: Order, { applier }: Look): Promise<void> {
  const { startApplier, stopReceiver } = order.words;
  if (applier === 'stopped') await order.query(startApplier);
  await order.query(stopReceiver);
}

const hasAppliedAll = ({ words }: Order, { state }: Look): boolean =>
  words.positions.covers(state.position, state.held);

/**
 * Back to the same source nothing has to be changed, and nothing that was received is lost. Towards another one, all that was
 * received is applied first: the change throws the rest away, and a voter may be the only one left that has it. That is
 * waited for a second, and refused then (EngineError `other`); the receiver has been stopped by that time.
 */
async function follow(order: Order, source: Endpoint, replication: ReplicationAccount): Promise<void> {
  const { words } = order;
  const look = await order.look();
  refuseToFollow(order, look);
  const { following, receiver, applier } = look;
  const isSame =
    following?.host === source.host &&
    following.port === source.port &&
    following.user === replication.user &&
    // One from before there were certificates would go on unverified, or be refused for ever.
    following.verifiesWith === (replication.tls?.node.ca ?? '');
  if (isSame && receiver !== 'stopped' && applier === 'on') return;
  for (const statement of words.becomeReplica) await order.query(statement);
  const wouldForget = words.startForgets && receiver === 'stopped' && applier === 'stopped';
  if (isSame && !(wouldForget && !hasAppliedAll(order, look))) {
    await order.query(words.start);
    return;
  }
  await applyAll(order, look);
  await dropHalfReceived(order);
  await words.changeSource(order, source, replication);
}

/**
 * When all has been applied that was received whole. What is left is the beginning of a transaction, which nobody can have
 * confirmed; it is rolled back, and fetched anew from whoever is followed next.
 */
async function dropHalfReceived(order: Order): Promise<void> {
  const { halfApplied } = order.words;
  if (halfApplied === null) return;
  const { rows } = await order.query(halfApplied);
  if (rows.length === 0) return;
  for (const { id } of rows) await order.query(`KILL ${Number(id)}`);
  await order.until(({ applier }) => applier === 'stopped');
}

/**
 * Semi-sync on a replica makes its applier wait for a replica of its own, so it is switched off first. Whoever waits for a
 * confirmation at that moment would be told "done": then only the end of the process is safe.
 */
function refuseToFollow(order: Order, { state, semiSync }: Look): void {
  if (!state.readOnly) throw order.error('other', 'takes writes: it cannot become a replica');
  if (state.promoted) throw order.error('other', 'is promoted: it has to be closed first');
  if (!semiSync.enabled || semiSync.waiting === 0) return;
  throw order.error('other', `has ${semiSync.waiting} commits that wait for a replica: it has to be killed`);
}

async function applyAll(order: Order, look: Look): Promise<void> {
  const { words } = order;
  if (look.following === null) return;
  if (look.receiver !== 'stopped') await stopReceiving(order, look);
  else if (look.applier === 'stopped' && !words.startForgets) await order.query(words.startApplier);
  const isOver = (now: Look) => hasAppliedAll(order, now) || now.applier === 'stopped';
  const last = await order.until(isOver, APPLY_WAIT_MS);
  if (last && hasAppliedAll(order, last)) return;
  throw notApplied(order, last);
}

function notApplied(order: Order, look: Look | null): EngineError {
  const why = look?.state.applyTrouble ?? 'it takes its time';
  return order.error('other', `has not applied all that it received: ${why}`);
}

/**
 * `voters` cannot be said here: any replica that speaks semi-sync may confirm. Who must not is kept away by its replication
 * account. Only after the source is forgotten, because semi-sync makes the applier of a replica wait for a replica of its
 * own, for ever. On an open primary: commits that are under way at that moment may still wait for nobody.
 */
async function arm(order: Order): Promise<void> {
  const look = await order.look();
  if (look.state.source !== null) {
    if (!look.state.detached) throw order.error('other', 'is not detached from its source');
    if (!hasAppliedAll(order, look)) throw notApplied(order, look);
    // It is promoted next, and writes its row.
    openBesideAhead(order.channel, order.deadline.remainingMs());
    await forgetSource(order);
  } else if (look.state.quorum.armed) return;
  await order.query(order.words.enableSemiSync);
  if (await order.until(({ state }) => state.quorum.armed)) return;
  const { semiSync } = await order.look();
  throw order.error('timeout', `does not make commits wait for a replica: ${troubleOf(semiSync)}`);
}

async function forgetSource(order: Order): Promise<void> {
  await dropHalfReceived(order);
  await order.query(order.words.stop);
  await order.query(`CALL ${escapeId(DATABASE_NAME)}.${FORGET_SOURCE}()`);
}

async function promote(order: Order): Promise<void> {
  const { state } = await order.look();
  if (state.promoted) return;
  mustBeArmed(order, state);
  await order.query(order.words.promote);
}

function mustBeArmed(order: Order, { source, quorum }: NodeState): void {
  if (source !== null) throw order.error('other', `still follows ${source}`);
  if (!quorum.armed)
    throw order.error('other', `does not make commits wait for a replica: ${quorum.trouble}`);
}

/** Semi-sync is off for the one row that nobody can confirm: no client can write yet, so that nobody is let go by it. */
async function found(
  order: Order,
  { database, epoch, node }: { readonly database: string; readonly epoch: number; readonly node: string },
): Promise<void> {
  const { words } = order;
  const look = await order.look();
  refuseToFound(order, look);
  if (look.state.source !== null) await forgetSource(order);
  for (const statement of [...words.becomeReplica, words.promote]) await order.query(statement);
  await beside(order.channel, order.deadline, async (side) => {
    const held = async () => (await words.look(side, {})).state.held;
    await writeEpoch(side, database, { epoch, node, lossless: false }, held);
  });
  await order.query(words.enableSemiSync);
  if (await order.until(({ state }) => state.quorum.armed)) return;
  throw order.error('timeout', 'does not make commits wait for a replica');
}

function refuseToFound(order: Order, look: Look): void {
  const { state, semiSync } = look;
  if (!state.readOnly) throw order.error('other', 'takes writes already');
  if (!state.detached) throw order.error('other', 'is not detached from its source');
  if (!hasAppliedAll(order, look)) throw notApplied(order, look);
  if (semiSync.waiting > 0)
    throw order.error('other', `has ${semiSync.waiting} commits that wait for a replica`);
}

async function open(order: Order): Promise<void> {
  const { state } = await order.look();
  if (!state.readOnly) return;
  mustBeArmed(order, state);
  if (!state.promoted) throw order.error('other', 'is not promoted');
  await order.query('SET GLOBAL read_only = OFF');
}

/**
 * The server holds new statements and commits back until those under way are finished, and then refuses them; so a transaction
 * that is idle meanwhile is told "read-only" by its COMMIT. A primary that bootstrap has opened is noted as promoted first: closed, it
 * would look like one that has just booted (mariadb).
 */
async function close(order: Order): Promise<void> {
  const { state } = await order.look();
  if (state.readOnly) return;
  if (state.promoted) await order.query(order.words.promote);
  await afterWrites(order, 'SET GLOBAL read_only = ON');
}

/** What is switched off by following another node is the wait for a confirmation: nobody may be in it. */
async function demote(order: Order): Promise<void> {
  const { state, semiSync } = await order.look();
  if (!state.promoted) return;
  if (!state.readOnly) throw order.error('other', 'takes writes: it has to be closed first');
  if (semiSync.waiting > 0)
    throw order.error(
      'other',
      `has ${semiSync.waiting} commits that wait for a replica: it has to be killed`,
    );
  await afterWrites(order, order.words.demote);
}

/**
 * Waits for the commits that are under way, and so in vain on a primary that no replica hears: then EngineError `timeout`, and
 * the server gives up at about the same time. Beside the channel, whose session would keep the lock meanwhile.
 */
async function afterWrites(order: Order, statement: string): Promise<void> {
  try {
    await beside(order.channel, order.deadline, async (side) => {
      const seconds = Math.max(1, Math.floor(order.deadline.remainingMs() / 1000));
      await side.query(`SET SESSION lock_wait_timeout = ${seconds}`);
      await side.query(statement);
    });
  } catch (error) {
    if (!(error instanceof EngineError && error.code === 'deadlock')) throw error;
    throw order.error('timeout', 'has writes under way that do not end', error);
  }
}

/**
 * Beside the channel: the server does not notice that the client has gone while a commit waits, and would keep the node's
 * lock for as long. Nobody could then attach the replica that ends the wait.
 *
 * The row shows on this node when a replica has it, but for one that was there before: it may have come through a restart,
 * which lets waiting commits stand. It is proved then by another write, because whoever confirms that has all before it.
 */
async function establish(
  order: Order,
  { database, epoch, node }: { readonly database: string; readonly epoch: number; readonly node: string },
): Promise<void> {
  const { words } = order;
  const before = await order.look();
  mustBeArmed(order, before.state);
  if (!before.state.promoted) throw order.error('other', 'is not promoted');
  try {
    await beside(order.channel, order.deadline, async (side) => {
      const mine = [epoch, node];
      const table = `${escapeId(database)}.lab_epoch`;
      const { rows } = await side.query(`SELECT 1 FROM ${table} WHERE epoch = ? AND node = ?`, mine);
      const held = async () => (await words.look(side, {})).state.held;
      await writeEpoch(side, database, { epoch, node, lossless: true }, held);
      if (rows.length === 0) return;
      // By a millisecond, since an UPDATE that changes nothing is not logged.
      const later = 'opened_at = opened_at + INTERVAL 1000 MICROSECOND';
      await side.query(`UPDATE ${table} SET ${later} WHERE epoch = ? AND node = ?`, mine);
    });
  } catch (error) {
    if (error instanceof EngineError && !isUnknown(error)) throw error;
    throw order.error('outcome-unknown', `has not had epoch ${epoch} confirmed: ${error}`, error);
  }
  const after = await order.look();
  if (after.state.bootId === before.state.bootId && armedBy(after.semiSync) && isConfirmed(before, after))
    return;
  throw order.error('outcome-unknown', `has committed epoch ${epoch}, and no replica confirmed it`);
}

const isConfirmed = (before: Look, after: Look): boolean =>
  after.semiSync.confirmed > before.semiSync.confirmed &&
  after.semiSync.unconfirmed === before.semiSync.unconfirmed;

/** `deadlock`: the row waits for its confirmation in another session, and is locked. */
const UNKNOWN: ReadonlySet<EngineError['code']> = new Set([
  'timeout',
  'aborted',
  'connection-lost',
  'outcome-unknown',
  'deadlock',
  'unique-violation',
]);
const isUnknown = ({ code }: EngineError): boolean => UNKNOWN.has(code);
