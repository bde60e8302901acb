import { LabError } from './errors.ts';
import { openRuntime } from './open-runtime.ts';
import { stateDirectory } from './paths.ts';
import { isDatabase, type LabRuntime } from './runtime.ts';
import { requireState } from './state.ts';

/** The lab, for a verb that is about its database `to`. Throws LabError `usage` where there is no such, `not-up` without a lab. */
export async function openForNode(to: string): Promise<LabRuntime> {
  const stateDir = stateDirectory();
  const lab = openRuntime(stateDir, await requireState(stateDir));
  const nodes = lab.parts.filter(isDatabase);
  if (!nodes.includes(to)) throw new LabError('usage', `there is no ${to}`, `one of ${nodes.join(', ')}`);
  return lab;
}
