import { randomBytes } from 'node:crypto';
import { DEFAULT_MAX_MIB_PER_SECOND, discardScratch, Repository, type Site } from '@replication-lab/backup';
import { Ledger, siteOfCluster } from '@replication-lab/backup/testing';
import type { EngineName } from '@replication-lab/engines';
import { availableEngines, type Cluster, startCluster } from '@replication-lab/engines/testing';
import { LabError } from '../errors.ts';

/** Beside the addresses of a lab that may be up. */
const SUBNET = '127.8.10';

/** A primary with replicas of their own, and their backups. */
export interface Place extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly site: Site;
  readonly repository: Repository;
}

export async function makePlace(
  engine: EngineName,
  nodes: number,
  maxMibPerSecond = DEFAULT_MAX_MIB_PER_SECOND,
): Promise<Place> {
  // MySQL's server may have to be taken out of its image first.
  const { engines } = await availableEngines();
  if (!engines.includes(engine))
    throw new LabError('missing-servers', `there is no ${engine} server here`, './lab doctor');
  const cluster = await startCluster(engine, { subnet: SUBNET, nodes });
  const site = siteOfCluster(cluster, `${SUBNET}.60`, maxMibPerSecond);
  const dispose = async () => {
    await discardScratch(site);
    await cluster[Symbol.asyncDispose]();
  };
  try {
    const repository = await Repository.open(site.directory);
    return { cluster, site, repository, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

export const startLedger = ({ cluster, site }: Place, writers: number, pauseMs: number): Ledger =>
  new Ledger({
    ...{ engine: site.engine, primary: cluster.nodes[0]!, account: cluster.accounts.app },
    ...{ database: cluster.database, writers, pauseMs, name: 'bench' },
  });

const ROW_BYTES = 64 * 1024;
const ROWS_A_STATEMENT = 16;

/** Fills a table with bytes that nothing can make smaller. */
export async function addBallast({ cluster, site }: Place, mib: number): Promise<void> {
  await using admin = await cluster.admin(cluster.nodes[0]!.name);
  const type = site.engine.name === 'postgres' ? 'text' : 'LONGTEXT';
  await admin.query(`CREATE TABLE ballast (id int PRIMARY KEY, filling ${type})`);
  const rows = Math.ceil((mib * 2 ** 20) / ROW_BYTES);
  for (let id = 0; id < rows; id += ROWS_A_STATEMENT) {
    const values = Array.from({ length: ROWS_A_STATEMENT }, (_, i) => {
      const filling = randomBytes((ROW_BYTES * 3) / 4).toString('base64');
      return `(${id + i}, '${filling}')`;
    });
    await admin.query(`INSERT INTO ballast VALUES ${values.join(', ')}`, [], { timeoutMs: 60_000 });
  }
}
