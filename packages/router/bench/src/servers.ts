import type { EngineName } from '@replication-lab/engines';
import { seedUsers } from '@replication-lab/engines/bootstrap';
import { engineOf } from '@replication-lab/engines/local';
import { type Cluster, startCluster } from '@replication-lab/engines/testing';

const SUBNET = '127.0.44';
const PRIMARY = 'db-1';
/** The replica that is held back in the mixed workload. */
const SLOW = 'db-3';
/** Every subject keeps its connections open, to every node. */
const MAX_CONNECTIONS = 500;
/** After a minute of writes as fast as they go MySQL's replicas need more than another one. */
const SETTLE_MS = 300_000;

/** A primary with two replicas, with the lab's own configuration and room for all subjects' connections at once. */
export async function startServers(
  engine: EngineName,
  users: number,
  signal: AbortSignal,
): Promise<{ cluster: Cluster; version: string }> {
  const cluster = await startCluster(engine, { subnet: SUBNET, bootstrapped: false });
  try {
    await allowConnections(cluster);
    await cluster.bootstrap();
    await using connection = await cluster.admin(PRIMARY);
    await seedUsers(engine, connection, { count: users }, () => {}, signal);
    const { rows } = await connection.query('SELECT version() AS version');
    return { cluster, version: String(rows[0]?.version) };
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

/** Before the replicas are made: PostgreSQL's get a copy of this setting, and must not have a smaller one. */
async function allowConnections(cluster: Cluster): Promise<void> {
  const isPostgres = cluster.engine === 'postgres';
  for (const { name } of cluster.nodes) {
    if (isPostgres && name !== PRIMARY) continue;
    await using connection = await cluster.local(name).connectAdmin();
    const statement = isPostgres ? 'ALTER SYSTEM SET' : 'SET GLOBAL';
    await connection.query(`${statement} max_connections = ${MAX_CONNECTIONS}`);
  }
  if (!isPostgres) return;
  await cluster.stop(PRIMARY);
  await cluster.start(PRIMARY);
}

/** Holds one replica, or all, back by whole seconds; 0 lets them catch up again. */
export async function holdBack(cluster: Cluster, who: 'one' | 'all', seconds: number): Promise<void> {
  for (const { name } of cluster.nodes) {
    if (name === PRIMARY || (who === 'one' && name !== SLOW)) continue;
    await using connection = await cluster.admin(name);
    await engineOf(cluster.engine).admin.setApplyDelay(connection, seconds);
  }
}

/** Waits until every replica holds what the primary has now: no workload pays for the one before it. */
export async function waitForReplicas(cluster: Cluster): Promise<void> {
  const { client } = engineOf(cluster.engine);
  await using primary = await cluster.admin(PRIMARY);
  const { position } = await client.probe(primary);
  const giveUpAt = performance.now() + SETTLE_MS;
  for (const { name } of cluster.nodes) {
    if (name === PRIMARY) continue;
    await using replica = await cluster.admin(name);
    while (!client.positions.covers((await client.probe(replica)).position, position)) {
      if (performance.now() > giveUpAt) throw new Error(`${name} does not catch up`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
