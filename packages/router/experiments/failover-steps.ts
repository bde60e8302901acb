import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { engineOf } from '@replication-lab/engines/local';
import type { Cluster } from '@replication-lab/engines/testing';
import { QUORUM } from './quorum.ts';
import { asAdmin, asServerAdmin, caughtUp, clockMs, pause, probeNode, until } from './setup.ts';

/** `kill`: kill -9. `freeze`: SIGSTOP, thawed after its successor has opened. `planned`: closed first, nothing is lost. */
export const FAULTS = ['kill', 'planned', 'freeze'] as const;
export type Fault = (typeof FAULTS)[number];

/** A primary and two replicas, in the roles they have now. */
export interface Roles {
  readonly primary: string;
  readonly replicas: readonly [string, string];
  readonly epoch: number;
}

export interface Promotion {
  readonly roles: Roles;
  readonly deposed: string;
  readonly faultAtMs: number;
  readonly openedAtMs: number;
}

const DRAIN_MS = 30_000;
const THAWED_MS = 500;
/** Without quorum the primary goes on alone for so long before it is lost. */
const ALONE_MS = 200;

/** Commits wait for one of the replicas from now on. */
export async function armCluster(cluster: Cluster, roles: Roles): Promise<void> {
  const quorum = QUORUM[cluster.engine];
  for (const { name } of cluster.nodes) {
    await asAdmin(cluster, name, (connection) => quorum.prepare(connection));
  }
  for (const name of roles.replicas) {
    await asAdmin(cluster, name, (connection) => quorum.enlist(connection));
  }
  await asAdmin(cluster, roles.primary, async (connection) => {
    await quorum.arm(connection, roles.replicas);
    await quorum.untilConfirmed(connection, roles.replicas);
  });
}

/**
 * Takes the office from the primary and gives it to the replica that holds more. `armed` false: without quorum, which is
 * what loses writes.
 */
export async function changePrimary(
  cluster: Cluster,
  roles: Roles,
  fault: Fault,
  armed: boolean,
): Promise<Promotion> {
  const quorum = QUORUM[cluster.engine];
  const fence = () =>
    Promise.all(
      roles.replicas.map((name) => asAdmin(cluster, name, (replica) => quorum.stopReceiving(replica))),
    );
  if (!armed && fault !== 'planned') {
    await fence(); // the primary goes on acknowledging what nobody else has
    await pause(ALONE_MS);
  }
  const faultAtMs = clockMs();
  if (fault === 'kill') await cluster.kill(roles.primary);
  if (fault === 'freeze') await cluster.kill(roles.primary, 'SIGSTOP');
  if (fault === 'planned') await stepDown(cluster, roles);
  // From here on the old primary can have nothing confirmed, whatever it believes to be.
  await fence();
  const next = await mostAdvanced(cluster, roles.replicas);
  const other = roles.replicas.find((name) => name !== next)!;
  const epoch = roles.epoch + 1;
  await drain(cluster, next);
  await open(cluster, { next, other, epoch, armed });
  const openedAtMs = clockMs();
  if (fault === 'freeze') await cluster.kill(roles.primary, 'SIGCONT');
  return {
    roles: { primary: next, replicas: [other, roles.primary], epoch },
    deposed: roles.primary,
    faultAtMs,
    openedAtMs,
  };
}

/** Closes the primary and waits until both replicas have received all it has. */
async function stepDown(cluster: Cluster, { primary, replicas }: Roles): Promise<void> {
  if (cluster.engine === 'postgres') {
    // A primary becomes a standby by a restart only; a polite stop sends everything first.
    await cluster.stop(primary);
    return;
  }
  const { admin } = engineOf(cluster.engine);
  await asAdmin(cluster, primary, (connection) => admin.close(connection));
  await caughtUp(cluster, primary, replicas);
}

/** Everything acknowledged is held by one of the two; both are histories of one primary, so the longer one has it. */
async function mostAdvanced(cluster: Cluster, replicas: readonly [string, string]): Promise<string> {
  const { admin, client } = engineOf(cluster.engine);
  const [first, second] = await Promise.all(
    replicas.map((name) =>
      asAdmin(cluster, name, async (connection) => admin.held(connection, await client.probe(connection))),
    ),
  );
  if (client.positions.covers(first!, second!)) return replicas[0];
  if (client.positions.covers(second!, first!)) return replicas[1];
  throw new Error(`the replicas' histories differ: ${first} and ${second}`);
}

/** Everything received is applied. */
async function drain(cluster: Cluster, node: string): Promise<void> {
  const { client } = engineOf(cluster.engine);
  await asAdmin(cluster, node, (connection) =>
    until(
      `${node} has applied what it received`,
      async () => {
        const { position, received } = await client.probe(connection);
        return client.positions.covers(position, received);
      },
      DRAIN_MS,
      5,
    ),
  );
}

interface Opening {
  readonly next: string;
  readonly other: string;
  readonly epoch: number;
  readonly armed: boolean;
}

/** Armed and followed before the first write: the epoch row is already one that a replica has confirmed. */
async function open(cluster: Cluster, { next, other, epoch, armed }: Opening): Promise<void> {
  const { admin } = engineOf(cluster.engine);
  const quorum = QUORUM[cluster.engine];
  await asAdmin(cluster, next, async (connection) => {
    await quorum.forgetSource(connection);
    if (armed) await quorum.arm(connection, [other]);
    await attach(cluster, other, next);
    if (armed) await quorum.untilConfirmed(connection, [other]);
    await admin.open(connection, () => admin.writeEpoch(connection, cluster.database, epoch, next));
  });
}

async function attach(cluster: Cluster, node: string, source: string): Promise<void> {
  const { admin } = engineOf(cluster.engine);
  await asServerAdmin(cluster, node, (connection) =>
    admin.attach(
      connection,
      cluster.endpoint(node),
      cluster.endpoint(source),
      cluster.accounts.replication[node]!,
    ),
  );
}

/** Brings the old primary back as a replica. After a fault it is made anew: it may hold what nobody confirmed. */
export async function rejoin(
  cluster: Cluster,
  { roles, deposed }: Promotion,
  fault: Fault,
  armed: boolean,
): Promise<void> {
  const quorum = QUORUM[cluster.engine];
  if (fault === 'planned') {
    if (cluster.engine === 'postgres') await cluster.start(deposed);
    else await asAdmin(cluster, deposed, (connection) => quorum.disarm(connection));
  } else {
    // A woken old primary gets its chance to acknowledge what it must not.
    if (fault === 'freeze') await pause(THAWED_MS);
    await cluster.kill(deposed);
    if (!(await holdsNothingElse(cluster, deposed, roles.primary))) {
      await rebuild(cluster, deposed, roles.primary);
    }
  }
  await asServerAdmin(cluster, deposed, (connection) => quorum.prepare(connection));
  await attach(cluster, deposed, roles.primary);
  await caughtUp(cluster, roles.primary, roles.replicas);
  await endHaste(cluster, deposed);
  if (!armed) return;
  await asAdmin(cluster, roles.primary, async (connection) => {
    await quorum.arm(connection, roles.replicas);
    await quorum.untilConfirmed(connection, roles.replicas);
  });
}

/**
 * Boots the old primary and compares its history with its successor's. Only MySQL's GTID sets tell every single
 * transaction apart, so that the others are always made anew. It saves MySQL minutes: there, a node that is made anew
 * has to replay everything.
 */
async function holdsNothingElse(cluster: Cluster, node: string, primary: string): Promise<boolean> {
  if (cluster.engine !== 'mysql') return false;
  const { positions } = engineOf(cluster.engine).client;
  await cluster.start(node);
  const { position } = await probeNode(cluster, node);
  return positions.covers((await probeNode(cluster, primary)).position, position);
}

async function rebuild(cluster: Cluster, node: string, source: string): Promise<void> {
  const { admin } = engineOf(cluster.engine);
  await cluster.kill(node);
  await rm(join(cluster.stateDir, node, 'data'), { recursive: true, force: true });
  if (admin.replicaNeedsCopy) await cluster.local(node).copyFrom(cluster.endpoint(source));
  else await cluster.local(node).initialise();
  await cluster.start(node);
  if (cluster.engine === 'postgres') return;
  await asServerAdmin(cluster, node, async (connection) => {
    // It has the whole history to apply: not with two waits for the disk for each transaction.
    for (const [name, hasty] of HASTE) await connection.query(`SET GLOBAL ${name} = ${hasty}`);
    // MySQL skips what its own server id has written, and this node's former life is most of what it has to fetch.
    if (cluster.engine === 'mysql') await connection.query(`SET GLOBAL server_id = ${nextServerId++}`);
  });
}

/** Durability as it always is, once the history is applied. */
async function endHaste(cluster: Cluster, node: string): Promise<void> {
  if (cluster.engine === 'postgres') return;
  await asServerAdmin(cluster, node, async (connection) => {
    for (const [name] of HASTE) await connection.query(`SET GLOBAL ${name} = 1`);
  });
}

const HASTE = [
  ['sync_binlog', 0],
  ['innodb_flush_log_at_trx_commit', 2],
] as const;
let nextServerId = 1_001;
