import { mkdtemp } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import {
  type Connection,
  type EngineName,
  getEngineClient,
  type NodeProbe,
  type Position,
} from '@replication-lab/engines';
import { engineOf } from '@replication-lab/engines/local';
import { availableEngines, type Cluster, startCluster } from '@replication-lab/engines/testing';
import type { RouterOptions } from '../src/index.ts';
import type { ExperimentOptions } from './experiment.ts';
import { afterwards } from './guardian.ts';

/** Addresses of the experiments' own, so that a lab or a test run may be up at the same time. */
const SUBNET: Readonly<Record<EngineName, string>> = {
  mysql: '127.0.45',
  mariadb: '127.0.46',
  postgres: '127.0.47',
};

export const TOKEN_KEYS = ['router-experiments-key-router-experiments-1'];
export const REPLICAS = ['db-2', 'db-3'] as const;

const CATCH_UP_MS = 60_000;

/** Monotonic milliseconds, the same clock in every process of this machine. */
export const clockMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Resolves after `ms`, or at once when `signal` is aborted: experiments end early, they do not fail. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await setTimeout(Math.max(0, ms), undefined, signal && { signal }).catch(() => {});
}

/** Asks until `condition` holds. Throws, naming `what`, when it does not within `timeoutMs`. */
export async function until(
  what: string,
  condition: () => Promise<boolean> | boolean,
  timeoutMs = CATCH_UP_MS,
  everyMs = 10,
): Promise<void> {
  const deadlineMs = clockMs() + timeoutMs;
  while (!(await condition())) {
    if (clockMs() > deadlineMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await pause(everyMs);
  }
}

/**
 * A primary (db-1) and two replicas, with the experiments' tables on all three. Everything is stopped and removed when it
 * is disposed of or this process ends, whatever ends it.
 */
export async function openCluster(options: ExperimentOptions): Promise<Cluster> {
  const { engine, progress } = options;
  const { engines, notRun } = await availableEngines();
  if (!engines.includes(engine)) {
    throw new Error(
      `${engine} does not run here: ${notRun.find((entry) => entry.engine === engine)?.reason}`,
    );
  }
  progress(`starting a ${engine} primary and two replicas on ${SUBNET[engine]}.1 to .3`);
  const stateDir = await mkdtemp('/var/tmp/rl-exp-');
  afterwards(endServers(stateDir));
  const cluster = await startCluster(engine, { subnet: SUBNET[engine], stateDir });
  try {
    await asAdmin(cluster, 'db-1', (connection) => createTables(cluster, connection));
    await caughtUp(cluster, 'db-1', REPLICAS);
    return cluster;
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

/** For a process that ends before it could stop its servers: they are in process groups of their own, and live on. */
const endServers = (stateDir: string): string =>
  `for mark in '${stateDir}'/*/server.pid; do read pid _ <"$mark" && kill -9 -"$pid"; done; sleep 0.5; rm -rf '${stateDir}'`;

/**
 * `exp_keys`: versioned registers. `exp_once` and `exp_many`: what writers were told is written, with and without a unique
 * key: in the second a statement that ran twice shows. `exp_beat`: the clock by which lag is measured.
 */
async function createTables(cluster: Cluster, connection: Connection): Promise<void> {
  const mysqlLike = cluster.engine !== 'postgres';
  const id = mysqlLike
    ? 'id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY'
    : 'id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY';
  const written = `${id}, client INT NOT NULL, n INT NOT NULL`;
  const tables: Record<string, string> = {
    exp_keys: 'k BIGINT NOT NULL PRIMARY KEY, v BIGINT NOT NULL',
    exp_once: `${written}, CONSTRAINT exp_once_key UNIQUE (client, n)`,
    exp_many: written,
    exp_beat: 'id INT NOT NULL PRIMARY KEY, n BIGINT NOT NULL',
  };
  const { app, appReadOnly } = cluster.accounts;
  const who = (user: string) => (mysqlLike ? `'${user}'@'%'` : user);
  for (const [table, columns] of Object.entries(tables)) {
    await connection.query(`CREATE TABLE ${table} (${columns})`);
    await connection.query(`GRANT SELECT, INSERT, UPDATE ON ${table} TO ${who(app.user)}`);
    await connection.query(`GRANT SELECT ON ${table} TO ${who(appReadOnly.user)}`);
  }
  await connection.query('INSERT INTO exp_beat (id, n) VALUES (1, 0)');
}

/** Makes registers with version 0. */
export async function createKeys(cluster: Cluster, keys: readonly number[]): Promise<void> {
  await asAdmin(cluster, 'db-1', async (connection) => {
    for (let from = 0; from < keys.length; from += 500) {
      const rows = keys.slice(from, from + 500).map((key) => `(${key}, 0)`);
      await connection.query(`INSERT INTO exp_keys (k, v) VALUES ${rows.join(', ')}`);
    }
  });
  await caughtUp(cluster, 'db-1', REPLICAS);
}

/** What a router on this cluster is made of; plain data, so that it can be sent to another process. */
export function routerOptions(cluster: Cluster, different: Partial<RouterOptions> = {}): RouterOptions {
  const { app, appReadOnly, monitor } = cluster.accounts;
  return {
    engine: cluster.engine,
    nodes: cluster.nodes,
    accounts: { app, appReadOnly, monitor },
    database: cluster.database,
    tokenKeys: TOKEN_KEYS,
    ...different,
  };
}

/** The experiments' statements in the engine's own placeholders. */
export function statements(engine: EngineName) {
  const p = (index: number) => getEngineClient(engine).placeholder(index);
  return {
    readKey: `SELECT v FROM exp_keys WHERE k = ${p(1)}`,
    setKey: `UPDATE exp_keys SET v = ${p(1)} WHERE k = ${p(2)}`,
    bumpKey: `UPDATE exp_keys SET v = v + 1 WHERE k = ${p(1)}`,
    /** A write whose position the protocol does not tell (mariadb); null where there is no such statement. */
    setKeyReturning: {
      mysql: null,
      mariadb: `INSERT INTO exp_keys (v, k) VALUES (${p(1)}, ${p(2)}) ON DUPLICATE KEY UPDATE v = VALUES(v) RETURNING v`,
      postgres: `UPDATE exp_keys SET v = ${p(1)} WHERE k = ${p(2)} RETURNING v`,
    }[engine],
    insert: (table: 'exp_once' | 'exp_many') => `INSERT INTO ${table} (client, n) VALUES (${p(1)}, ${p(2)})`,
  };
}

/** Runs `work` with the administrator's connection to a node. */
export async function asAdmin<T>(
  cluster: Cluster,
  node: string,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  await using connection = await cluster.admin(node);
  return await work(connection);
}

/** The same for a node that may not have the lab's database yet. */
export async function asServerAdmin<T>(
  cluster: Cluster,
  node: string,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  await using connection = await cluster.local(node).connectAdmin();
  return await work(connection);
}

export const probeNode = (cluster: Cluster, node: string): Promise<NodeProbe> =>
  asAdmin(cluster, node, (connection) => engineOf(cluster.engine).client.probe(connection));

/** Waits until each of `nodes` shows all that `source` has committed by now. Answers that position. */
export async function caughtUp(
  cluster: Cluster,
  source: string,
  nodes: readonly string[],
): Promise<Position> {
  const { client } = engineOf(cluster.engine);
  const { positions } = client;
  const { position: target } = await probeNode(cluster, source);
  for (const node of nodes) {
    await asServerAdmin(cluster, node, (connection) =>
      until(`${node} has what ${source} had`, async () =>
        positions.covers((await client.probe(connection)).position, target),
      ),
    );
  }
  return target;
}
