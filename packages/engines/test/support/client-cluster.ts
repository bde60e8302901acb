import {
  type Credentials,
  type EngineClient,
  getEngineClient,
  type NodePool,
  type PoolOptions,
  type Position,
} from '../../src/index.ts';
import { type Cluster, startCluster } from '../../src/testing/index.ts';
import { waitFor } from '../../src/wait-for.ts';

/** A bootstrapped cluster with what the client's tests ask of it. */
export class ClientCluster implements AsyncDisposable {
  readonly cluster: Cluster;
  readonly client: EngineClient;
  readonly #pools: NodePool[] = [];

  static async start(
    engine: Cluster['engine'],
    options: { subnet: string; nodes: number },
  ): Promise<ClientCluster> {
    return new ClientCluster(await startCluster(engine, options));
  }

  private constructor(cluster: Cluster) {
    this.cluster = cluster;
    this.client = getEngineClient(cluster.engine);
  }

  /** `?` or `$1`, for statements that are the same on all engines but for this. */
  sql(text: string): string {
    let index = 0;
    return text.replaceAll('?', () => {
      index += 1;
      return this.client.placeholder(index);
    });
  }

  /** A pool of the account that the router uses for this mode. Closed with the cluster. */
  pool(
    node: string,
    mode: PoolOptions['mode'],
    overrides: Partial<PoolOptions> = {},
    as?: Credentials,
  ): NodePool {
    const { accounts, database } = this.cluster;
    const limits = { size: 5, queueLimit: 20, connectTimeoutMs: 2000, acquireTimeoutMs: 1000 };
    const account = as ?? (mode === 'write' ? accounts.app : accounts.appReadOnly);
    const pool = this.client.createPool(this.cluster.endpoint(node), account, {
      ...limits,
      database,
      mode,
      ...overrides,
    });
    this.#pools.push(pool);
    return pool;
  }

  async probe(node: string) {
    const { accounts, database } = this.cluster;
    await using connection = await this.client.connect(this.cluster.endpoint(node), accounts.monitor, {
      database,
    });
    return this.client.probe(connection);
  }

  /** Waits until the node says that it holds `position`, at most `timeoutMs`. Returns how long it took, null if not. */
  async waitUntilCovered(node: string, position: Position, timeoutMs = 5000): Promise<number | null> {
    const { accounts, database } = this.cluster;
    await using connection = await this.client.connect(this.cluster.endpoint(node), accounts.monitor, {
      database,
    });
    const started = performance.now();
    const covered = await waitFor(
      async () => this.client.positions.covers((await this.client.probe(connection)).position, position),
      { timeoutMs, everyMs: 1 },
    );
    return covered ? performance.now() - started : null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.close(200)));
    await this.cluster[Symbol.asyncDispose]();
  }
}

/**
 * PostgreSQL: what the log itself says about the time since `from`. What a client measures after its commit can include
 * other clients' log, and so be too high for a yardstick.
 */
export async function readLog(lab: ClientCluster, from: Position) {
  await using admin = await lab.cluster.admin('db-1');
  await admin.query('CREATE EXTENSION IF NOT EXISTS pg_walinspect');
  const [timeline, high, low] = from.split('/');
  const { rows } = await admin.query(
    `SELECT xid::text, end_lsn::text AS lsn, resource_manager = 'Transaction' AND record_type LIKE 'COMMIT%' AS commits
       FROM pg_get_wal_records_info('${high}/${low}', pg_current_wal_flush_lsn()) ORDER BY start_lsn`,
  );
  const { parse } = lab.client.positions;
  const position = (lsn: unknown): Position => parse(`${timeline}/${lsn}`)!;
  const stops = rows.map(({ lsn }) => ({ at: lsnOf(position(lsn)), position: position(lsn) }));
  return {
    /** Where the commit of each transaction ends, by its id. */
    commitEnds: new Map(rows.filter((row) => row.commits).map((row) => [String(row.xid), position(row.lsn)])),
    /** The first place at which a node that covers `bound` can stand: nodes stand at the ends of records only. */
    firstStop(bound: Position): Position {
      const at = lsnOf(bound);
      return stops.find((stop) => stop.at >= at)?.position ?? bound;
    },
  };
}

/** A PostgreSQL position's place in the log, in bytes. */
export function lsnOf(position: Position): number {
  const [, high, low] = position.split('/') as [string, string, string];
  return Number.parseInt(high, 16) * 2 ** 32 + Number.parseInt(low, 16);
}

/** The error that `work` fails with; fails the test when it does not. */
export async function errorOf(
  work: Promise<unknown>,
): Promise<Error & { code?: string; constraint?: string }> {
  try {
    await work;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not fail');
}
