import { expect } from 'vitest';
import { type ComposeLab, NODES, type NodeName } from './compose-lab.ts';

const SERVER_NAME = {
  mysql: 'SELECT @@report_host',
  mariadb: 'SELECT @@report_host',
  postgres: 'SHOW cluster_name',
};

/** A plain client that connects to the virtual address reaches this node, from every node of the network. */
export async function expectVipReaches(
  lab: ComposeLab,
  node: NodeName,
  from: readonly NodeName[] = NODES,
): Promise<void> {
  const expected = await lab.sql(node, SERVER_NAME[lab.engine]);
  for (const asker of from) {
    expect(await lab.sqlAsApp(asker, lab.vip, SERVER_NAME[lab.engine]), `from ${asker}`).toBe(expected);
  }
}
