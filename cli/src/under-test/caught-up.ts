import type { EngineName, Position } from '@replication-lab/engines';
import { getEngineClient } from '@replication-lab/engines';
import type { LabRuntime } from '../runtime.ts';
import type { NodeObservation } from '../status/types.ts';
import { waitFor } from '../wait.ts';

/** Does every replica hold what the primary held? Pure; `null` when it cannot be said. */
export function replicasBehind(engine: EngineName, nodes: readonly NodeObservation[]): string[] | null {
  const { positions } = getEngineClient(engine);
  const primary = nodes.find((node) => node.answer?.role === 'primary')?.answer;
  if (!primary) return null;
  return nodes
    .filter(({ answer }) => answer?.role !== 'primary')
    .filter(
      ({ answer }) => !answer || !positions.covers(answer.position as Position, primary.position as Position),
    )
    .map(({ name }) => name);
}

/** Waits until every replica holds what the primary held when it was asked last. */
export async function waitUntilCaughtUp(
  lab: LabRuntime,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  let behind: string[] | null = null;
  await waitFor(
    async () => {
      behind = replicasBehind(lab.engine, (await lab.observe()).nodes);
      return behind?.length === 0;
    },
    {
      what: 'the replicas to catch up',
      timeoutMs,
      everyMs: 200,
      signal,
      code: 'not-caught-up',
      mend: () =>
        behind ? `${behind.join(', ')} lacks transactions: ./lab status` : 'no primary is open: ./lab heal',
    },
  );
}
