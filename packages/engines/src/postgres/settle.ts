import type { SettleSteps } from '../session/settle.ts';
import type { CallOptions, Connection } from '../types.ts';
import { sessionOf } from './pool.ts';

type Xids = readonly string[];

/**
 * Transactions that this primary does not show as committed, prepared ones among them, but for those that are seen idle
 * afterwards: they have not begun to commit. A commit whose record a standby may have had by then is still in the list,
 * until it is visible here. The activity is read after the snapshot, because that was taken before the statement began to
 * run; and only if there is a transaction to look up.
 */
const IN_PROGRESS = `pg_snapshot_xip(pg_current_snapshot()) AS xid
  WHERE xid::xid <> ALL (ARRAY(SELECT backend_xid FROM pg_stat_activity
                                WHERE backend_xid IS NOT NULL AND state LIKE 'idle in transaction%'))`;

const IN_FLIGHT = { name: 'lab_in_flight', text: `SELECT xid::text FROM ${IN_PROGRESS}` };

const REMAINING = {
  name: 'lab_remaining',
  text: `SELECT xid::text FROM ${IN_PROGRESS} AND xid = ANY ($1::xid8[])`,
};

/** Above the snapshot's end pg_xact_status fails, and nothing is shown. Null: so old that it is forgotten. */
const SHOWN = {
  name: 'lab_shown',
  text: `SELECT xid::text FROM unnest($1::xid8[]) AS xid
   WHERE CASE WHEN xid >= pg_snapshot_xmax(pg_current_snapshot()) THEN false
              ELSE pg_xact_status(xid) = 'committed' END`,
};

/** Needs membership of pg_monitor on the primary. Without, idle transactions of others count as committing. */
export const settleSteps: SettleSteps<Xids> = {
  inFlight: (primary, options) => ask(primary, IN_FLIGHT, [], options),
  shownBy: (witness, inFlight, options) => ask(witness, SHOWN, [arrayOf(inFlight)], options),
  remaining: (primary, inFlight, options) => ask(primary, REMAINING, [arrayOf(inFlight)], options),
};

async function ask(
  connection: Connection,
  statement: { name: string; text: string },
  values: readonly string[],
  options: CallOptions,
): Promise<Xids | null> {
  const rows = await sessionOf(connection).run(
    (session) => session.prepared<{ xid: string }>(statement, values),
    options,
  );
  return rows.length === 0 ? null : rows.map(({ xid }) => xid);
}

const arrayOf = (xids: Xids): string => `{${xids.join(',')}}`;
