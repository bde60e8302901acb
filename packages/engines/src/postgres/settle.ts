import type { SettleSteps } from '../session/settle.ts';
import { type CallOptions, type Connection, EngineError } from '../types.ts';
import { sessionOf } from './pool.ts';

/** Full transaction ids (xid8). */
type Xids = readonly string[];

/**
 * A backend has its transaction's id until that is visible to others, a prepared transaction has it too. (The list of a
 * snapshot would not do: it ends at the newest one that is over.) One that is seen idle has not begun to commit.
 */
const IN_FLIGHT = {
  name: 'lab_in_flight',
  text: `SELECT pg_has_role('pg_read_all_stats', 'USAGE') AS "seesAll",
    pg_snapshot_xmax(pg_current_snapshot())::text AS near,
    ARRAY(SELECT backend_xid::text FROM pg_stat_activity
           WHERE backend_xid IS NOT NULL AND coalesce(state, '') NOT LIKE 'idle in transaction%'
          UNION ALL SELECT transaction::text FROM pg_prepared_xact()) AS xids`,
};

/** Above the snapshot's end pg_xact_status fails, and nothing is shown. Null: so old that it is forgotten. */
const SHOWN = {
  name: 'lab_shown',
  text: `SELECT xid::text FROM unnest($1::xid8[]) AS xid
   WHERE CASE WHEN xid >= pg_snapshot_xmax(pg_current_snapshot()) THEN false
              ELSE pg_xact_status(xid) = 'committed' END`,
};

/** Needs membership of pg_monitor on the primary. */
export const settleSteps: SettleSteps<Xids> = {
  async inFlight(primary, options) {
    return orNull(await inFlight(primary, options));
  },
  async shownBy(witness, candidates, options) {
    const list = `{${candidates.join(',')}}`;
    const rows = await sessionOf(witness).run((s) => s.prepared<{ xid: string }>(SHOWN, [list]), options);
    return orNull(rows.map(({ xid }) => xid));
  },
  async remaining(primary, awaited, options) {
    const now = new Set(await inFlight(primary, options));
    return orNull(awaited.filter((xid) => now.has(xid)));
  },
};

async function inFlight(primary: Connection, options: CallOptions): Promise<Xids> {
  const [row] = await sessionOf(primary).run(
    (session) => session.prepared<{ seesAll: boolean; near: string; xids: string[] }>(IN_FLIGHT),
    options,
  );
  if (row?.seesAll) return row.xids.map((xid) => fullXid(xid, row.near));
  const { endpoint } = primary;
  const message = `${endpoint.name}: the monitor's account must be a member of pg_monitor to see who is committing`;
  throw new EngineError('access-denied', message, { endpoint });
}

const EPOCH = 2n ** 32n;

/** `xid` has 32 bits and wraps round; the full id that it stands for is less than half a round away from `near`. */
export function fullXid(xid: string, near: string): string {
  const base = BigInt(near);
  const candidate = base - (base % EPOCH) + BigInt(xid);
  if (candidate > base + EPOCH / 2n) return String(candidate - EPOCH);
  return String(candidate < base - EPOCH / 2n ? candidate + EPOCH : candidate);
}

const orNull = (xids: Xids): Xids | null => (xids.length === 0 ? null : xids);
