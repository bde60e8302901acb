import type { LabRuntime } from '../runtime.ts';
import { judge } from './judge.ts';
import type { LabStatus } from './types.ts';

/** How the lab is, for a program that waits for something: of faults that are under way it tells nothing. */
export const lookAt = async (lab: Pick<LabRuntime, 'observe'>): Promise<LabStatus> =>
  judge({ ...(await lab.observe()), faults: [] });
