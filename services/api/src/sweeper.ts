import { type Database, statement } from './database.ts';
import { sweepKeys } from './idempotency.ts';
import type { Logger } from './logging.ts';

/**
 * Removes expired idempotency keys now and then, a batch at a time. Every replica of the API does so, at moments spread
 * at random; a failure is nobody's loss, since the next round comes and expired keys are also removed when met.
 * @returns stops it; a batch under way is let finish
 */
export function startSweeper(db: Database, everyMs: number, logger: Logger): () => void {
  let sweeping = false;
  const sweep = async (): Promise<void> => {
    if (sweeping || db.router.topology().primary === null) return;
    sweeping = true;
    try {
      const removed = await sweepOnce(db);
      if (removed > 0) logger.info({ removed }, 'removed expired idempotency keys');
    } catch (error) {
      logger.debug({ err: error }, 'could not remove expired idempotency keys');
    } finally {
      sweeping = false;
    }
  };
  const timer = setInterval(sweep, everyMs * (0.75 + Math.random() / 2));
  timer.unref();
  return () => clearInterval(timer);
}

const SWEEP_TIMEOUT_MS = 5000;

/** One batch; how many keys it removed. */
export async function sweepOnce(db: Database): Promise<number> {
  const { text, params } = statement(db, sweepKeys());
  const { affectedRows } = await db.router.write(text, params, { timeoutMs: SWEEP_TIMEOUT_MS });
  return affectedRows;
}
