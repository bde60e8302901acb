import type { LabRuntime } from '../runtime.ts';
import { lookAt } from '../status/look-at.ts';
import type { LabStatus } from '../status/types.ts';
import { waitFor } from '../wait.ts';

/** How often the lab is looked at. In Docker each look is some processes: more of them would take the CPU that it needs to become whole. */
const LOOK_EVERY_MS = { native: 100, docker: 500 } as const;

/** Waits for an open primary that could be replaced, two replicas that follow it, and every service. */
export async function untilWhole(
  lab: LabRuntime,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<LabStatus> {
  let missing: readonly string[] = [];
  return waitFor(
    async () => {
      const status = await lookAt(lab);
      missing = whatIsMissing(status);
      return missing.length === 0 ? status : null;
    },
    {
      what: 'the lab to be whole',
      timeoutMs,
      everyMs: LOOK_EVERY_MS[lab.name],
      signal,
      code: 'not-whole',
      mend: () => `${missing.join('; ')}. ./lab status; ./lab heal`,
    },
  );
}

/** In words; empty: whole. Pure. */
export function whatIsMissing(status: LabStatus): string[] {
  const { primary, armed, nodes, apis, supervisors, haproxy } = status;
  const missing: string[] = [];
  if (primary === null) missing.push('no primary is open');
  if (!armed.ok) missing.push(`not armed: ${armed.reasons.join(', ')}`);
  for (const node of nodes) {
    if (!node.up) missing.push(`${node.name} does not answer`);
    else if (node.name !== primary && !node.replicating) missing.push(`${node.name} follows nobody`);
  }
  for (const { name, ready } of [...apis, { name: 'haproxy', ...haproxy }])
    if (!ready) missing.push(`${name} is not ready`);
  for (const { name, phase, reasons } of supervisors) {
    if (phase === null) missing.push(`${name} does not answer`);
    missing.push(...reasons.map((reason) => `${name}: ${reason}`));
  }
  return missing;
}
