import type { EngineName } from '@replication-lab/engines';
import { engineOf } from '@replication-lab/engines/local';
import type { Cluster } from '@replication-lab/engines/testing';
import { type Generated, Kysely, MysqlDialect, PostgresDialect } from 'kysely';
import { expect } from 'vitest';
import { mysqlPool, type PoolOptions, pgPool } from '../src/adapters/index.ts';
import type { Router, RouterSession } from '../src/types.ts';
import { asAdmin } from './support.ts';

export interface Tables {
  users: {
    id: Generated<number>;
    name: string;
    email: string;
    version: Generated<number>;
    created_at: Generated<Date>;
  };
}

export function kyselyOver(
  statements: Router | RouterSession,
  engine: EngineName,
  options?: PoolOptions,
): Kysely<Tables> {
  const dialect =
    engine === 'postgres'
      ? new PostgresDialect({ pool: pgPool(statements, options) })
      : new MysqlDialect({ pool: mysqlPool(statements, options) });
  return new Kysely<Tables>({ dialect });
}

let emails = 0;
/** Nobody has it yet. */
export const newEmail = (): string => `adapters-${process.pid}-${++emails}@example.test`;

/** Where statements go, as `primary write`, from here on. */
export function decisionsOf(router: Router): string[] {
  const seen: string[] = [];
  router.events.on('decision', ({ role, reason }) => seen.push(`${role} ${reason}`));
  return seen;
}

/** The primary and both replicas serve. */
export const healthy = (router: Router): Promise<void> =>
  expect
    .poll(() => router.topology().nodes.map(({ role, excluded }) => `${role} ${excluded}`), {
      timeout: 20_000,
      interval: 20,
    })
    .toEqual(['primary null', 'replica null', 'replica null']);

/** Nobody holds a connection of the router's, and nobody waits for one. */
export const nothingBorrowed = (router: Router): Promise<void> =>
  expect
    .poll(
      () =>
        Object.values(router.poolStats())
          .flatMap(({ read, write }) => [read, write])
          .map(({ busy, waiting }) => busy + waiting),
      { timeout: 10_000, interval: 20 },
    )
    .toEqual([0, 0, 0, 0, 0, 0]);

/** Holds both replicas `seconds` behind; 0 ends it. */
export async function delayReplicas(cluster: Cluster, seconds: number): Promise<void> {
  const { admin } = engineOf(cluster.engine);
  for (const node of ['db-2', 'db-3']) {
    await asAdmin(cluster, node, (connection) => admin.setApplyDelay(connection, seconds));
  }
}
