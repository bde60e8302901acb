import { rmdir } from 'node:fs/promises';
import { dockerLabWithoutState } from './docker/discover.ts';
import { dropFaults } from './faults/control.ts';
import { withLock } from './lock.ts';
import {
  DEFAULT_HTTP_PORT,
  DEFAULT_HTTPS_PORT,
  DEFAULT_LOOPBACK,
  DEFAULT_STATS_PORT,
} from './native/layout.ts';
import { removeNative } from './native/runtime.ts';
import { openRuntime } from './open-runtime.ts';
import { stateDirectory } from './paths.ts';
import type { LabContext } from './runtime.ts';
import { HTTPS_PARTS, readState, removeState } from './state.ts';

const LOCK_WAIT_MS = 120_000;

/**
 * Ends the lab, and whatever an interrupted command left of one. True when there was something to end.
 * Faults are forgotten, not healed: their processes end too.
 */
export async function takeDown(options: { volumes: boolean }, context: LabContext): Promise<boolean> {
  const stateDir = stateDirectory();
  const lock = { name: 'lab', purpose: 'down', waitMs: LOCK_WAIT_MS, signal: context.signal };
  const onWait = (holder: string) => context.progress(`waiting for ${holder}`);
  const found = await withLock(stateDir, { ...lock, onWait }, async () => {
    const state = (await readState(stateDir)) ?? (await dockerLabWithoutState());
    await dropFaults(stateDir);
    if (state) await openRuntime(stateDir, state).down(options, context.progress);
    // Also where state.json is gone or speaks of docker: a native lab may have left processes or data.
    if (state?.runtime !== 'native') {
      const where = {
        httpPort: DEFAULT_HTTP_PORT,
        statsPort: DEFAULT_STATS_PORT,
        httpsPort: DEFAULT_HTTPS_PORT,
        loopback: DEFAULT_LOOPBACK,
        certificates: true,
        https: [...HTTPS_PARTS],
      };
      await removeNative(
        stateDir,
        { topology: 'replicated', durability: 'async', ...where },
        options,
        context.progress,
      );
    }
    await removeState(stateDir);
    return state !== null;
  });
  await rmdir(stateDir).catch(() => {}); // stays when it holds data
  return found;
}
