import { join } from 'node:path';
import { engineOf } from '@replication-lab/engines/local';
import type { Cluster } from '@replication-lab/engines/testing';
import type { Site } from '../types.ts';

/** The backups of a cluster of tests, below its own directory; the scratch node is at `host`. */
export function siteOfCluster(cluster: Cluster, host: string, maxMibPerSecond = 0): Site {
  const { spec } = cluster.local(cluster.nodes[0]!.name);
  return {
    engine: engineOf(cluster.engine),
    nodes: cluster.nodes.map(({ name }) => cluster.local(name)),
    accounts: cluster.accounts,
    database: cluster.database,
    directory: join(cluster.stateDir, 'backups'),
    maxMibPerSecond,
    scratch: {
      ...spec,
      node: {
        ...spec.node,
        ...{ name: 'scratch', host },
        // It shows the first node's certificate.
        ...(spec.node.tls && { tls: { ...spec.node.tls, serverName: spec.node.name } }),
      },
      serverId: 9_005,
      stateDir: join(cluster.stateDir, 'scratch'),
      supervised: true,
    },
  };
}
