import { escapeId } from 'mysql2';
import type { Heart } from '../failover.ts';
import { DATABASE_NAME } from '../names.ts';
import { type Connection, EngineError } from '../types.ts';
import { openBeside } from './channel.ts';
import { sessionOf } from './client.ts';

const MARKER = `${escapeId(DATABASE_NAME)}.lab_marker`;

/**
 * A row that comes and goes in one transaction: it is logged, and nobody ever sees it. The condition is for MariaDB, whose
 * administrators may write on a closed node: there it would be an errant write. The server looks at it under the lock that
 * closing a node waits for. As text, because newer servers say OFF, and strict mode takes that for no number. Each session has
 * an id of its own, so that a beat does not wait for one before it that hangs.
 */
const BEAT: readonly string[] = [
  'BEGIN',
  `INSERT INTO ${MARKER} (id) SELECT -CONNECTION_ID() FROM DUAL WHERE CAST(@@global.read_only AS CHAR) IN ('0', 'OFF')`,
  'SELECT ROW_COUNT() AS written',
  `DELETE FROM ${MARKER} WHERE id = -CONNECTION_ID()`,
  'COMMIT',
];

/** `EngineFailover.openHeart` of both engines. */
export async function openHeart(channel: Connection, connectTimeoutMs: number): Promise<Heart> {
  const side = await openBeside(channel, connectTimeoutMs);
  return { beat: () => beat(side), destroy: () => side.destroy() };
}

async function beat(side: Connection): Promise<boolean> {
  try {
    return await sessionOf(side).run(async (session) => {
      // The driver would leave the statements on a closed connection without an answer.
      if (session.broken) throw new EngineError('connection-lost', 'the heartbeat has no connection');
      const { resultSets, failure } = await session.queryMany(BEAT);
      if (failure) throw failure;
      return resultSets.some(([row]) => Number(row?.written) > 0);
    });
  } catch (error) {
    // MySQL's administrators are kept out as well.
    if (error instanceof EngineError && error.code === 'read-only') return false;
    throw error;
  }
}
