import { LabError } from '../errors.ts';
import { stateDirectory } from '../paths.ts';
import type { LabContext } from '../runtime.ts';
import { readState } from '../state.ts';
import { takeDown } from '../take-down.ts';

const DOWN_WITHIN_MS = 60_000;

/** For a bench that brings a lab up: it ends after `work`, whatever happens. LabError `lab-is-up` when there is one already. */
export async function withLabOfItsOwn<T>(context: LabContext, work: () => Promise<T>): Promise<T> {
  if ((await readState(stateDirectory())) !== null) {
    const mend = './lab down first, or another LAB_STATE_DIR';
    throw new LabError('lab-is-up', 'this measurement needs a lab of its own, and one is up', mend);
  }
  try {
    return await work();
  } finally {
    await takeDown({ volumes: false }, { ...context, signal: AbortSignal.timeout(DOWN_WITHIN_MS) });
  }
}
