import { CHANNEL_IDLE_MS, type EngineFailover, STATEMENT_MS } from '../failover.ts';
import { SUPERVISOR_USER } from '../names.ts';
import { Deadline } from '../session/deadline.ts';
import type { CallOptions, Connection, Endpoint, ReplicationAccount } from '../types.ts';
import { primaryConninfo, slotName } from './conninfo.ts';
import { Order, openChannel } from './failover-order.ts';
import { arm, establish, flushWholeRecords, holdings, makeFlusher } from './failover-quorum.ts';
import { NO_RECEIVER, observe, READERS_IN_THE_WAY } from './failover-state.ts';
import { openHeart } from './heart.ts';
import { KNOCK_AFTER_MS, knock } from './knock.ts';
import { writeEpoch } from './reign.ts';
import { DROP_IDLE_SLOTS, END_SESSION } from './rights.ts';
import { WRITES } from './schema.ts';
import type { PostgresSession } from './session.ts';
import { ask, set } from './settings.ts';
import { ensureSlot } from './slots.ts';
import { quorumOf } from './standby-names.ts';

const EFFECT_MS = 10_000;
/** A fence that has not taken by then is helped, and so often again. */
const HELP_EVERY_MS = 100;
/** A fence that has not taken by then is forced. */
const FORCE_AFTER_MS = 300;
/** With it a receiver ends by itself at once, whatever the process that would tell it to is doing. */
const FORCING_TIMEOUT = '1ms';
/** In force after a reload. */
const RESET_FORCING = 'ALTER SYSTEM RESET wal_receiver_timeout';

/** One lock a server, in the key space of the lab's database: all supervisors use that one. */
const LOCK_KEY = 4_711;
const THE_LOCK = `locktype = 'advisory' AND classid = 0 AND objid = ${LOCK_KEY} AND objsubid = 1 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

/** Servers count how often a session takes a lock, and want it given back as often: so it is taken once. */
const TAKE_LOCK = `SELECT CASE WHEN EXISTS (SELECT FROM pg_locks WHERE ${THE_LOCK} AND pid = pg_backend_pid()) THEN true
  ELSE pg_try_advisory_lock(${LOCK_KEY}) END`;

/**
 * A commit that waits for a standby is ended by no timeout, nor by the end of its client, and its session keeps the lock. Nobody
 * who lives lets a statement last so long.
 */
const END_ABANDONED_HOLDER = `SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
  WHERE ${THE_LOCK} AND pid <> pg_backend_pid() AND state = 'active'
    AND (usename = current_user OR current_setting('is_superuser') = 'on')
    AND query_start < clock_timestamp() - interval '${CHANNEL_IDLE_MS} ms'`;

/** Whoever waits for a lock asks for it ten times a second, and nobody is abandoned sooner than after two seconds. */
const END_EVERY_MS = 500;
const endedAtMs = new WeakMap<PostgresSession, number>();

async function lock(channel: Connection, options?: CallOptions): Promise<boolean> {
  const order = new Order(channel, options);
  if (await ask(order, TAKE_LOCK)) return true;
  const nowMs = performance.now();
  if (nowMs - (endedAtMs.get(order.session) ?? Number.NEGATIVE_INFINITY) < END_EVERY_MS) return false;
  endedAtMs.set(order.session, nowMs);
  await order.query(END_ABANDONED_HOLDER);
  return false;
}

async function unlock(channel: Connection, options?: CallOptions): Promise<void> {
  const order = new Order(channel, options);
  await order.query(
    `SELECT pg_advisory_unlock(${LOCK_KEY}) FROM pg_locks WHERE ${THE_LOCK} AND pid = pg_backend_pid()`,
  );
}

const recovers = (order: Order): Promise<unknown> => ask(order, 'SELECT pg_is_in_recovery()');

const IS_GONE = `SELECT current_setting('primary_conninfo') = '' AND ${NO_RECEIVER} AS gone,
  current_setting('wal_receiver_timeout') AS timeout`;

/**
 * Carried out by the process that replays, which therefore must not be held up: by readers, or by somebody who paused it. Two
 * looks, because it may just have been starting a receiver by the old settings, which it then ends.
 */
async function detach(channel: Connection, options?: CallOptions): Promise<void> {
  const order = new Order(channel, options, EFFECT_MS);
  if (!(await recovers(order))) return;
  await set(order, { primary_conninfo: '' });
  // Also where the fence takes at once, because the source is gone: applying goes on.
  await resumeReplay(order);
  const startedMs = performance.now();
  let looks = 0;
  let helpAtMs = HELP_EVERY_MS;
  let isForced = false;
  let isForcing = false;
  const isGone = async () => {
    const [row] = (await order.query(IS_GONE)).rows;
    isForcing = row?.timeout === FORCING_TIMEOUT;
    return row?.gone;
  };
  const isFenced = async (): Promise<boolean> => {
    looks = (await isGone()) ? looks + 1 : 0;
    const tookMs = performance.now() - startedMs;
    if (looks > 0 || tookMs < helpAtMs) return looks > 1;
    helpAtMs = tookMs + HELP_EVERY_MS;
    await freeReplay(order);
    if (tookMs >= FORCE_AFTER_MS && !isForced) {
      isForced = true;
      await set(order, { wal_receiver_timeout: FORCING_TIMEOUT });
    }
    return false;
  };
  await order.until(isFenced, 'still has a receiver');
  if (!isForced && !isForcing) return;
  await order.query(RESET_FORCING);
  await order.query('SELECT pg_reload_conf()');
}

/** The readers are those of more than a moment: others will be done by themselves. */
async function freeReplay(order: Order): Promise<void> {
  await order.query(
    `SELECT ${END_SESSION}(pid) FROM pg_stat_activity
      WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
        AND xact_start < clock_timestamp() - interval '${HELP_EVERY_MS} ms'
        AND EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'startup' AND ${READERS_IN_THE_WAY})`,
  );
  await resumeReplay(order);
}

/** While it is paused no receiver is started either: such a standby would follow nobody, and confirm nothing. */
async function resumeReplay(order: Order): Promise<void> {
  await order.query(
    `SELECT pg_wal_replay_resume() WHERE pg_is_in_recovery() AND pg_get_wal_replay_pause_state() <> 'not paused'`,
  );
}

/** In force after a reload. */
async function resetForcing(order: Order): Promise<void> {
  const isForcing = (await ask(order, `SELECT current_setting('wal_receiver_timeout')`)) === FORCING_TIMEOUT;
  if (isForcing) await order.query(RESET_FORCING);
}

async function follow(
  channel: Connection,
  node: Endpoint,
  source: Endpoint,
  replication: ReplicationAccount,
  options?: CallOptions,
): Promise<void> {
  const order = new Order(channel, options, EFFECT_MS);
  if (!(await recovers(order))) throw order.refuse('is a primary: it becomes a standby only by a restart');
  // The channel is silent meanwhile, so not for long. A standby can make a slot too.
  const timeoutMs = Math.min(STATEMENT_MS, order.remainingMs());
  await new Deadline({ ...options, timeoutMs }).race(ensureSlot(node, source, replication), () => {});
  await order.query(`SELECT ${DROP_IDLE_SLOTS}()`);
  await resetForcing(order);
  const conninfo = primaryConninfo(node, source, replication);
  await set(order, {
    primary_conninfo: conninfo,
    primary_slot_name: slotName(node.name),
    // Of a promotion that was begun here and given up. A standby commits nothing, so that nobody is let go by it.
    synchronous_standby_names: '',
  });
  knock(node, KNOCK_AFTER_MS);
  await resumeReplay(order);
  const shows = `SELECT current_setting('primary_conninfo') = $1`;
  await order.until(() => ask(order, shows, [conninfo]), `has not taken ${source.name} for its source`);
}

/** Whatever was received is replayed first, by the server itself. */
async function promote(channel: Connection, options?: CallOptions): Promise<void> {
  const order = new Order(channel, options, EFFECT_MS);
  const [settings] = (
    await order.query(
      `SELECT pg_is_in_recovery() AS recovering, current_setting('synchronous_standby_names') AS names,
              current_setting('synchronous_commit') AS level, current_setting('primary_conninfo') AS conninfo`,
    )
  ).rows;
  if (!settings?.recovering) return;
  const { trouble } = quorumOf(String(settings.names), String(settings.level));
  if (trouble !== null) throw order.refuse(`is not armed: ${trouble}`);
  if (settings.conninfo !== '') throw order.refuse('still follows its source: detach and arm it first');
  order.openWitnessAhead();
  await order.query('SELECT pg_promote(false)');
  await order.until(async () => !(await recovers(order)), 'is still in recovery');
}

/** No standby is named for the one row that nobody can confirm: no client can write yet, so that nobody is let go by it. */
async function found(
  channel: Connection,
  reign: { readonly epoch: number; readonly node: string },
  voters: readonly Endpoint[],
  options?: CallOptions,
): Promise<void> {
  const order = new Order(channel, options, EFFECT_MS);
  const closed = `SELECT current_setting('default_transaction_read_only') = 'on' AND current_setting('primary_conninfo') = ''`;
  if (!(await ask(order, closed))) throw order.refuse('is not closed and detached');
  await set(order, {
    synchronous_standby_names: '',
    default_transaction_read_only: 'on',
    primary_slot_name: '',
    recovery_min_apply_delay: '0',
  });
  if (await recovers(order)) {
    await order.query('SELECT pg_promote(false)');
    await order.until(async () => !(await recovers(order)), 'is still in recovery');
  }
  await order.query(`SELECT set_config('default_transaction_read_only', 'off', false)`);
  try {
    await writeEpoch(order, { ...reign, lossless: false }, () => holdings(order));
  } finally {
    await order.run((session) => session.send('RESET default_transaction_read_only')).catch(() => {});
  }
  await arm(channel, voters, { ...options, timeoutMs: order.remainingMs() });
}

async function open(channel: Connection, options?: CallOptions): Promise<void> {
  const order = new Order(channel, options, EFFECT_MS);
  if (await recovers(order)) throw order.refuse('is a replica: promote it first');
  await setReadOnly(order, 'off');
}

/** How long transactions that were under way when a primary closed may take. */
const FINISH_MS = 250;

/**
 * True when no transaction is left that began before $1, or has written. With $2 it ends those that can be ended without
 * doubt for anybody: what waits to be confirmed, or is being written, is never among them.
 */
const NONE_UNDER_WAY = `
  WITH begun AS MATERIALIZED (
    SELECT pid, ${WRITES} AS writes
      FROM pg_stat_activity JOIN pg_roles ON rolname = usename
     WHERE backend_type = 'client backend' AND NOT rolsuper AND NOT rolreplication AND rolname <> '${SUPERVISOR_USER}'
       AND (backend_xid IS NOT NULL OR xact_start <= $1::timestamptz)),
  ended AS MATERIALIZED (SELECT ${END_SESSION}(pid) FROM begun WHERE $2::boolean AND NOT writes)
  SELECT (SELECT count(*) FROM ended) >= 0 AND NOT EXISTS (SELECT FROM begun)`;

/**
 * New transactions are read-only unless they ask to write (BEGIN READ WRITE). Sessions stay, so that nobody loses a statement
 * that was on its way. Two looks, because a session shows its transaction a moment after it began. A standby is closed in
 * any case.
 */
async function close(channel: Connection, options?: CallOptions): Promise<void> {
  const order = new Order(channel, options, EFFECT_MS);
  if (await recovers(order)) return setReadOnly(order, 'on');
  // Before anybody has to wait for it.
  const flusher = await makeFlusher(order);
  try {
    await setReadOnly(order, 'on');
    await untilQuiet(order);
    await flushWholeRecords(order, flusher);
  } finally {
    flusher.destroy();
  }
}

async function untilQuiet(order: Order): Promise<void> {
  const since = String(await ask(order, 'SELECT clock_timestamp()::text'));
  const endsAtMs = performance.now() + FINISH_MS;
  let looks = 0;
  const isQuiet = async (): Promise<boolean> => {
    const isPatient = performance.now() < endsAtMs;
    looks = (await ask(order, NONE_UNDER_WAY, [since, isPatient ? 'off' : 'on'])) ? looks + 1 : 0;
    return looks > 1;
  };
  await order.until(isQuiet, 'still has writes under way');
}

async function demote(channel: Connection, options?: CallOptions): Promise<void> {
  const order = new Order(channel, options, EFFECT_MS);
  if (!(await recovers(order))) throw order.refuse('is a primary: it becomes a standby only by a restart');
}

/** A session rereads the settings between two statements, so that asking until it shows is enough. */
async function setReadOnly(order: Order, wanted: 'on' | 'off'): Promise<void> {
  await set(order, { default_transaction_read_only: wanted });
  const shows = `SELECT current_setting('default_transaction_read_only') = $1`;
  await order.until(() => ask(order, shows, [wanted]), `has not turned its read-only default ${wanted}`);
}

export const failover: EngineFailover = {
  forgetsReceived: false,
  fencesSlowly: false,
  openChannel,
  lock,
  unlock,
  observe,
  detach,
  follow,
  arm,
  promote,
  establish,
  found,
  open,
  close,
  demote,
  openHeart,
};
