import { runBootstrap } from '@replication-lab/engines/bootstrap';
import type { NativeLab } from './lab.ts';

/** Opens the first primary, or the right one after a stop, and attaches the others. Changes nothing when all is well. */
export async function runLabBootstrap(
  { plan, databases }: NativeLab,
  progress: (message: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const result = await runBootstrap(
    {
      engine: databases.engine,
      nodes: plan.endpoints,
      accounts: plan.accounts,
      database: plan.database,
      durability: plan.durability,
      isEmpty: async ({ name }) => databases.node(name).isEmpty(),
      copyData: async ({ name }, source, copySignal) => {
        await databases.copyFrom(name, source, copySignal);
        await databases.start(name, copySignal);
      },
    },
    progress,
    signal,
  );
  for (const { node, why } of result.refused) progress(`${node} is left out: ${why}`);
}
