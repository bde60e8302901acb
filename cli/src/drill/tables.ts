import { messageOf } from '../errors.ts';
import type { LabRuntime } from '../runtime.ts';
import { isDatabase } from '../runtime.ts';
import type { NodeTables } from './judge.ts';

/**
 * Reads the rows of one trial, and the reigns, from every node. Of a lab that `isWhole`, every node has to answer: throws
 * LabError when one does not. Of another, those that cannot be read are told of in `unread`; it throws when that is all.
 */
export async function readTables(
  lab: Pick<LabRuntime, 'parts' | 'queryAsAdmin'>,
  prefix: string,
  isWhole: boolean,
): Promise<{ readonly tables: NodeTables[]; readonly unread: string[] }> {
  const nodes = lab.parts.filter(isDatabase);
  const read = await Promise.allSettled(nodes.map((node) => readNode(lab, node, prefix)));
  const tables: NodeTables[] = [];
  const unread: string[] = [];
  for (const [i, result] of read.entries()) {
    if (result.status === 'fulfilled') tables.push(result.value);
    else if (isWhole || read.every(({ status }) => status === 'rejected')) throw result.reason;
    else unread.push(`the tables of ${nodes[i]} could not be read: ${messageOf(result.reason)}`);
  }
  return { tables, unread };
}

async function readNode(
  lab: Pick<LabRuntime, 'queryAsAdmin'>,
  node: string,
  prefix: string,
): Promise<NodeTables> {
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
}
