import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection, Position } from '@replication-lab/engines';
import { positions, setOf } from './copy.ts';

const TRIES = 400;

/** From left to right: what is owned now is executed a moment later. */
const STATE = 'SELECT @@global.gtid_owned AS owned, @@global.gtid_executed AS executed';

const withoutOwners = (text: string): string => text.replace(/(?:#\d+)+/g, '');

async function state(connection: Connection) {
  const [row] = (await connection.query(STATE)).rows;
  return { owned: setOf(withoutOwners(String(row?.owned))), executed: setOf(String(row?.executed)) };
}

/** A transaction owns its name from before it is written to the binary log until after it is in gtid_executed. */
export async function logEnd(connection: Connection): Promise<Position> {
  const { owned, executed } = await state(connection);
  return positions.merge(owned, executed);
}

/** A moment before and after which the same was executed, and nobody was in the midst of a commit. */
export async function snapshot(connection: Connection, signal?: AbortSignal): Promise<Position | null> {
  await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
  for (let i = 0; i < TRIES; i++) {
    signal?.throwIfAborted();
    const before = await state(connection);
    await connection.query('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY');
    const after = await state(connection);
    const still = before.executed === after.executed && before.owned === '' && after.owned === '';
    if (still) return after.executed;
    await connection.query('ROLLBACK');
    await sleep(5);
  }
  return null;
}
