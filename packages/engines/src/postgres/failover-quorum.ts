import { CHANNEL_IDLE_MS } from '../failover.ts';
import { judge } from '../session/outcome.ts';
import {
  type CallOptions,
  type Connection,
  type Endpoint,
  EngineError,
  type Position,
  type Row,
} from '../types.ts';
import { slotName } from './conninfo.ts';
import { Order } from './failover-order.ts';
import { observe } from './failover-state.ts';
import { newestEntry } from './positions.ts';
import { writeEpoch } from './reign.ts';
import { ask, set } from './settings.ts';
import { quorumOf } from './standby-names.ts';

const ARM_MS = 5000;

/** As `synchronous_standby_names` wants it. Never empty: that would let every commit go that waits now. */
function namesOf(voters: readonly Endpoint[]): readonly string[] {
  if (voters.length > 0) return voters.map(({ name }) => slotName(name));
  throw new EngineError('bad-statement', 'somebody has to confirm: there are no voters');
}

/** `EngineFailover.arm`. */
export async function arm(
  channel: Connection,
  voters: readonly Endpoint[],
  options?: CallOptions,
): Promise<void> {
  const names = namesOf(voters);
  const list = `ANY 1 (${names.map((name) => (/^[a-z_]\w*$/.test(name) ? name : `"${name}"`)).join(', ')})`;
  const order = new Order(channel, options, ARM_MS);
  const [now] = (await order.query(ARMING)).rows;
  if (now?.recovering) await armStandby(order, list, now);
  else await armPrimary(order, list, names);
}

/** What a standby that is to be promoted must not be found without. */
const BEFORE_PROMOTION: Readonly<Record<string, string>> = {
  default_transaction_read_only: 'on',
  primary_slot_name: '',
  recovery_min_apply_delay: '0',
};

/** In one question, because clients wait for the answer. */
const ARMING = `SELECT pg_is_in_recovery() AS recovering, ${[
  'primary_conninfo',
  ...Object.keys(BEFORE_PROMOTION),
]
  .map((name) => `current_setting('${name}') AS ${name}`)
  .join(', ')}`;

/**
 * Nothing can be committed here before `promote`, so that there is nothing to prove yet: `establish` does it. The read-only
 * default was on all the time; sessions that live on through the promotion reread it between two statements.
 */
async function armStandby(order: Order, list: string, now: Row): Promise<void> {
  if (now.primary_conninfo !== '') throw order.refuse('still follows its source: detach it first');
  order.openWitnessAhead(); // for `establish`: a login takes longer while the server is being promoted
  // Each that is written costs time.
  const missing = Object.entries(BEFORE_PROMOTION).filter(([name, value]) => now[name] !== value);
  await set(order, { synchronous_standby_names: list, ...Object.fromEntries(missing) });
  const shows = `SELECT current_setting('synchronous_standby_names') = $1 AND current_setting('primary_slot_name') = ''
     AND current_setting('default_transaction_read_only') = 'on'`;
  await order.until(() => ask(order, shows, [list]), 'has not taken its voters');
}

/**
 * The list is read by each process for itself, so that its showing here says nothing of the others. Two of them count. A
 * process that sends to a standby decides by its own copy whether that standby's word releases commits, and publishes what it
 * decided (sync_priority). Whether commits wait at all is one flag for everybody, set by the checkpointer, perhaps late and
 * shown nowhere: hence `proveThatCommitsWait`.
 */
async function armPrimary(order: Order, list: string, names: readonly string[]): Promise<void> {
  await set(order, { synchronous_standby_names: list });
  const shows = `SELECT current_setting('synchronous_standby_names') = $1 AND NOT EXISTS (
      SELECT FROM pg_stat_replication
       WHERE state = 'streaming' AND (sync_priority > 0) <> (application_name = ANY ($2::text[])))`;
  await order.until(() => ask(order, shows, [list, `{${names.join(',')}}`]), 'has not taken its voters');
  await proveThatCommitsWait(order);
}

/** Writes log and changes nothing. */
const EMPTY_COMMIT = `SELECT pg_logical_emit_message(true, 'replication-lab', '')`;

/** To be done before clients wait: a session that may write, and whose commits wait for nobody. */
export async function makeFlusher(order: Order): Promise<Connection> {
  const flusher = await order.openWitness();
  try {
    await flusher.query(
      `SELECT set_config('default_transaction_read_only', 'off', false),
              set_config('synchronous_commit', 'local', false)`,
      [],
      order.limits(),
    );
    return flusher;
  } catch (error) {
    flusher.destroy();
    throw error;
  }
}

/**
 * Has the log flushed up to the end of a record, by a commit that waits for nobody. Else a part of one may be sent, which a
 * standby can do nothing with, and which makes this node's past longer than its successor's.
 */
export async function flushWholeRecords(order: Order, flusher: Connection): Promise<void> {
  await flusher.query(EMPTY_COMMIT, [], order.limits());
}

/**
 * Commits nothing, again and again, in a session of its own, until it has been seen waiting for a standby. From then on every
 * commit of everybody waits, because the flag that they look at is one for all. Seeing one is certain; not seeing one (they
 * are short where the standbys are quick) only means to look again.
 */
async function proveThatCommitsWait(order: Order): Promise<void> {
  const witness = await order.openWitness();
  try {
    const { rows } = await witness.query(
      `SELECT pg_backend_pid() AS pid, set_config('default_transaction_read_only', 'off', false),
              set_config('synchronous_commit', 'on', false)`,
      [],
      order.limits(),
    );
    const pid = Number(rows[0]?.pid);
    let failure: unknown = null;
    const commit = (): void => {
      witness.query(EMPTY_COMMIT).then(commit, (error: unknown) => {
        failure = error;
      });
    };
    commit();
    const seen = async () => {
      if (failure !== null) throw failure;
      return ask(order, `SELECT wait_event = 'SyncRep' FROM pg_stat_activity WHERE pid = $1`, [pid]);
    };
    await order.until(seen, 'lets commits pass without a replica');
    // Nobody may be there to confirm: then it would wait on after its client has left.
    await order.query('SELECT pg_terminate_backend($1::int)', [pid]);
  } finally {
    witness.destroy();
  }
}

/**
 * `EngineFailover.establish`. For at most as long as a channel may be silent: a session that waits longer is taken for one that
 * has been left behind, see `lock`. No setting of the server ends the wait for a standby, so that it is the socket which ends.
 */
export async function establish(
  channel: Connection,
  { epoch, node }: { readonly database: string; readonly epoch: number; readonly node: string },
  options: CallOptions = {},
): Promise<void> {
  const timeoutMs = Math.min(options.timeoutMs ?? CHANNEL_IDLE_MS, CHANNEL_IDLE_MS);
  const order = new Order(channel, { ...options, timeoutMs });
  try {
    const [settings] = (
      await order.query(`SELECT current_setting('synchronous_standby_names') AS names,
        set_config('default_transaction_read_only', 'off', false), set_config('synchronous_commit', 'on', false)`)
    ).rows;
    const { trouble, voters } = quorumOf(String(settings?.names), 'on');
    if (trouble !== null) throw order.refuse(`cannot begin a reign: ${trouble}`);
    await writeConfirmed(order, { epoch, node }, voters);
  } finally {
    // What `observe` says of the node is what its sessions find, not what this one had set.
    await order
      .run(async (session) => {
        await Promise.all([
          session.send('RESET default_transaction_read_only'),
          session.send('RESET synchronous_commit'),
        ]);
      })
      .catch(() => {});
  }
}

/** See `confirming` in failover-state.ts for who is believed. */
const IS_HELD = `SELECT lsn::text, EXISTS (SELECT FROM pg_stat_replication
    WHERE state = 'streaming' AND flush_lsn <= sent_lsn AND flush_lsn >= lsn AND application_name = ANY ($1::text[])) AS held
  FROM (SELECT coalesce($2::pg_lsn, pg_current_wal_flush_lsn()) AS lsn OFFSET 0) AS upto`;

/**
 * The row may have been there: written by somebody whose wait was cut short, so that it is visible here and perhaps nowhere
 * else. Then the row is touched again, and that is what has to be confirmed: whoever has it, has all that came before.
 * The server's word for that is not enough. It ends the wait as well when a voter connects that has come further on another
 * history, so who has it is asked at last.
 */
async function writeConfirmed(
  order: Order,
  { epoch, node }: { readonly epoch: number; readonly node: string },
  voters: readonly string[],
): Promise<void> {
  try {
    const isProved = proveThatCommitsWait(order);
    const isWritten = writeEpoch(order, { epoch, node, lossless: true }, () => holdings(order), isProved);
    // Neither may go on when the other has failed.
    const [proved, written] = await Promise.allSettled([isProved, isWritten]);
    if (proved.status === 'rejected') throw proved.reason;
    if (written.status === 'rejected') throw written.reason;
    if (!written.value) await touch(order, { epoch, node });
    let lsn: string | null = null;
    const isHeld = async () => {
      const [row] = (await order.query(IS_HELD, [`{${voters.join(',')}}`, lsn])).rows;
      lsn ??= String(row?.lsn);
      return row?.held;
    };
    await order.until(isHeld, `has nobody who holds its row of epoch ${epoch}`);
  } catch (error) {
    throw error instanceof EngineError ? judge(error, 'write') : error;
  }
}

/** For `writeEpoch`, in one round trip. */
export async function holdings(
  order: Order,
): Promise<{ readonly held: Position; readonly position: Position }> {
  const { held } = await observe(order, order.limits());
  return { held, position: newestEntry(held) };
}

async function touch(
  order: Order,
  { epoch, node }: { readonly epoch: number; readonly node: string },
): Promise<void> {
  const touched = await order.run(
    (session) =>
      new Promise<number>((resolve, reject) => {
        session.write(
          'UPDATE lab_epoch SET node = node WHERE epoch = $1 AND node = $2',
          [epoch, node],
          {},
          (error, result) => (result === null ? reject(error) : resolve(result.affectedRows)),
        );
      }),
  );
  if (touched !== 1) throw order.refuse(`has lost its row of epoch ${epoch}`);
}
