/**
 * Runs beside a fault, detached from the command that applied it, and heals it when its time has come:
 * `node healer.ts STATE_DIR FAULT_ID`. Ends as soon as the fault's record is gone.
 */
import { openRuntime } from '../open-runtime.ts';
import { requireState } from '../state.ts';
import { pause } from '../wait.ts';
import { healFault } from './control.ts';
import { readRecord } from './records.ts';

const LOOK_EVERY_MS = 500;
const ATTEMPTS = 5;

const [stateDir, id] = process.argv.slice(2);
if (!stateDir || !id) throw new Error('usage: healer.ts STATE_DIR FAULT_ID');

for (let attempt = 1; attempt <= ATTEMPTS; ) {
  const record = await readRecord(stateDir, id);
  if (!record) break;
  // Read afresh each time: applying the fault again moves the time.
  const leftMs = record.healAtMs - Date.now();
  if (leftMs > 0) {
    await pause(Math.min(leftMs, LOOK_EVERY_MS));
    continue;
  }
  try {
    await healFault(stateDir, openRuntime(stateDir, await requireState(stateDir)), id);
    break;
  } catch (error) {
    console.error(`${new Date().toISOString()} attempt ${attempt}:`, error);
    attempt++;
    await pause(2000);
  }
}
