import type { LabRuntime } from '../runtime.ts';
import { isDatabase } from '../runtime.ts';
import type { NodeTables } from './judge.ts';

/** Reads the rows of one trial, and the reigns, from every node. Throws LabError when a node does not answer. */
export async function readTables(lab: LabRuntime, prefix: string): Promise<NodeTables[]> {
  const nodes = lab.parts.filter(isDatabase);
  return Promise.all(
    nodes.map(async (node) => {
      // Letters, digits and dashes only: see the prefix of a trial.
      const [users, reigns] = await lab.queryAsAdmin(node, [
        `SELECT email, version FROM users WHERE email LIKE '${prefix}-%'`,
        'SELECT epoch, node FROM lab_epoch ORDER BY epoch',
      ]);
      return {
        node,
        versions: new Map(users!.map((row) => [String(row.email), Number(row.version)])),
        reigns: reigns!.map((row) => ({ epoch: Number(row.epoch), node: String(row.node) })),
      };
    }),
  );
}
