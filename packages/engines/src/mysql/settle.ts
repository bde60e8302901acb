import type { SettleSteps } from '../session/settle.ts';
import type { CallOptions, Connection, Row } from '../types.ts';
import { type GtidSet, holds, pick } from './gtid-set.ts';
import { setFromServer, withoutOwners } from './positions.ts';

const OWNED_SQL = 'SELECT @@global.gtid_owned AS owned';
// From left to right, for the reason told beside `upperBoundSql`.
const OWNED_AND_EXECUTED_SQL = 'SELECT @@global.gtid_owned AS owned, @@global.gtid_executed AS executed';

/**
 * A transaction owns its GTID from before it is written to the binary log until after it is visible and in gtid_executed.
 * So what the primary owns is all that a replica can show before it; anything else that a replica shows is visible here,
 * or never was a transaction of this primary. It is over when it is owned no more.
 */
export const settleSteps: SettleSteps<GtidSet> = {
  async inFlight(primary, options) {
    const { owned, executed } = await ownedAndExecuted(primary, options);
    return orNull(pick(owned, (source, number) => !holds(executed, source, number)));
  },

  async shownBy(witness, inFlight, options) {
    const { owned, executed } = await ownedAndExecuted(witness, options);
    return orNull(
      pick(inFlight, (source, number) => holds(owned, source, number) || holds(executed, source, number)),
    );
  },

  async remaining(primary, inFlight, options) {
    const owned = ownedOf((await primary.query(OWNED_SQL, [], options)).rows[0]);
    return orNull(pick(inFlight, (source, number) => holds(owned, source, number)));
  },
};

async function ownedAndExecuted(connection: Connection, options: CallOptions) {
  const [row] = (await connection.query(OWNED_AND_EXECUTED_SQL, [], options)).rows;
  return { owned: ownedOf(row), executed: setFromServer(String(row?.executed)) };
}

const ownedOf = (row: Row | undefined): GtidSet => setFromServer(withoutOwners(String(row?.owned)));

const orNull = (set: GtidSet): GtidSet | null => (set.size === 0 ? null : set);
