import { runBootstrap } from '@replication-lab/engines/bootstrap';
import type { NativeLab } from './lab.ts';

/** Opens the first primary, or the right one after a stop, and attaches the others. Changes nothing when all is well. */
export async function runLabBootstrap(
  { plan, databases }: NativeLab,
  progress: (message: string) => void,
  signal: AbortSignal,
): Promise<void> {
  await runBootstrap(
    {
      engine: databases.engine,
      nodes: plan.endpoints,
      accounts: plan.accounts,
      database: plan.database,
      copyData: async (node, source) => {
        await databases.stop(node.name);
        await databases.copyFrom(node.name, source, signal);
        await databases.start(node.name, signal);
      },
    },
    progress,
    signal,
  );
}
