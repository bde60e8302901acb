import { connect } from 'node:net';
import type { Endpoint } from '../types.ts';

const LIMIT_MS = 1_000;
/** A receiver that was asked for and not missed is there by then. */
export const KNOCK_AFTER_MS = 100;

/**
 * Connects to the node once and lets go, `afterMs` from now; waits for nothing. For PostgreSQL 15 and older, whose main process
 * can miss the request to start a receiver while it goes to sleep, and then sleeps until something else wakes it (fixed
 * in 16, where signals cannot be missed so). Seen on a busy machine: of 400 changes of the source 2 had no receiver for 15 s;
 * of 3,800 that were followed by this one needed it, and had its receiver 8 ms later.
 */
export function knock({ host, port }: Pick<Endpoint, 'host' | 'port'>, afterMs: number): void {
  const timer = setTimeout(() => {
    const socket = connect(port, host);
    socket.setTimeout(LIMIT_MS, () => socket.destroy());
    socket.once('connect', () => socket.destroy());
    socket.on('error', () => {}); // then it runs no receiver either
  }, afterMs);
  timer.unref();
}
