import { randomUUID } from 'node:crypto';
import type { EngineName, Row } from '@replication-lab/engines';
import { startCluster } from '@replication-lab/engines/testing';
import { afterAll, beforeAll, expect, vi } from 'vitest';
import type { User } from '../../src/users/schemas.ts';
import { type Answer, type Api, startApi } from './api.ts';

export type Cluster = Awaited<ReturnType<typeof startCluster>>;

/** One primary, two replicas, and two replicas of the API over them. Usable inside tests and their hooks. */
export interface Lab {
  readonly engine: EngineName;
  readonly cluster: Cluster;
  readonly one: Api;
  readonly two: Api;
  /** Statements as the administrator, on the primary, one after another on one connection; the last one's rows. */
  asAdmin(...statements: string[]): Promise<readonly Row[]>;
  /** A table's name as the administrator has to write it. */
  table(name: string): string;
}

/** Starts the lab before the tests of this block, and stops it after them. */
export function useLab(engine: EngineName, subnet: string): Lab {
  let running: Pick<Lab, 'cluster' | 'one' | 'two'> | null = null;
  const started: AsyncDisposable[] = [];
  const lab = (): NonNullable<typeof running> => {
    if (running === null) throw new Error('the lab has not started');
    return running;
  };

  beforeAll(async () => {
    const keep = <T extends AsyncDisposable>(thing: T): T => {
      started.unshift(thing);
      return thing;
    };
    const cluster = keep(await startCluster(engine, { subnet, nodes: 3 }));
    const { nodes, accounts, database } = cluster;
    const spec = { engine, nodes, accounts, database };
    const one = keep(await startApi({ ...spec, name: 'api-1', host: `${subnet}.11` }));
    const two = keep(await startApi({ ...spec, name: 'api-2', host: `${subnet}.12` }));
    const bothReplicas = () => expect([one, two].map(readableReplicas)).toEqual([2, 2]);
    await vi.waitFor(bothReplicas, { timeout: 30_000 });
    running = { cluster, one, two };
  });
  afterAll(async () => {
    for (const thing of started.splice(0)) await thing[Symbol.asyncDispose]();
  });

  return {
    engine,
    get cluster() {
      return lab().cluster;
    },
    get one() {
      return lab().one;
    },
    get two() {
      return lab().two;
    },
    async asAdmin(...statements) {
      await using admin = await lab().cluster.admin('db-1');
      let rows: readonly Row[] = [];
      for (const text of statements) rows = (await admin.query(text)).rows;
      return rows;
    },
    table: (name) => (engine === 'postgres' ? name : `lab.${name}`),
  };
}

const readableReplicas = (api: Api): number =>
  api.db.router.topology().nodes.filter(({ role, excluded }) => role === 'replica' && excluded === null)
    .length;

export const atPrimary = { 'Consistency-Level': 'primary' };

export const newEmail = (): string => `${randomUUID()}@example.test`;

export const create = (api: Api, name = 'Ada Lovelace', email = newEmail()): Promise<Answer<User>> =>
  api.call('POST', '/users', { body: { name, email } });

/** Status and code of a refusal. */
export const problem = ({ status, body }: Answer): [number, unknown] => [
  status,
  (body as { code?: unknown } | null)?.code,
];
