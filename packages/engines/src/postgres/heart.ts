import type { Heart } from '../failover.ts';
import type { Connection } from '../types.ts';
import { Order } from './failover-order.ts';

/**
 * Writes log and changes nothing. Not on a closed primary: a session of the administrator's could, and the node's past would be
 * longer than its successor's.
 */
const BEAT = `SELECT pg_logical_emit_message(true, 'replication-lab', '')
  WHERE NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off'`;

/** `EngineFailover.openHeart`. */
export async function openHeart(channel: Connection, connectTimeoutMs: number): Promise<Heart> {
  const witness = await new Order(channel, { timeoutMs: connectTimeoutMs }).openWitness();
  return {
    beat: async () => (await witness.query(BEAT)).rows.length > 0,
    destroy: () => witness.destroy(),
  };
}
