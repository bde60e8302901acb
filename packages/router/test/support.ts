import { type Connection, type EngineName, getEngineClient, type SqlResult } from '@replication-lab/engines';
import type { Cluster } from '@replication-lab/engines/testing';
import { expect } from 'vitest';
import { createRouter, type Outcome, type Router, RouterError, type RouterOptions } from '../src/index.ts';

export const TOKEN_KEYS = ['router-test-key-router-test-key-0001'];

export const routerFor = (cluster: Cluster, different: Partial<RouterOptions> = {}): Router =>
  createRouter({
    engine: cluster.engine,
    nodes: cluster.nodes,
    accounts: cluster.accounts,
    database: cluster.database,
    tokenKeys: TOKEN_KEYS,
    ...different,
  });

/** An expression by which a server says who it is: the number at the end of `db-1`. */
const WHO: Readonly<Record<EngineName, string>> = {
  mysql: '@@server_id',
  mariadb: '@@server_id',
  postgres: "split_part(host(inet_server_addr()), '.', 4)",
};
export const whoSql = (engine: EngineName): string => `SELECT ${WHO[engine]} AS who`;
export const whoOf = (result: SqlResult): string => `db-${result.rows[0]?.who}`;

const SLEEP: Readonly<Record<EngineName, string>> = {
  mysql: 'SELECT SLEEP(0.5)',
  mariadb: 'SELECT SLEEP(0.5)',
  postgres: 'SELECT pg_sleep(0.5)',
};
export const sleepSql = (engine: EngineName): string => SLEEP[engine];

export function statements(engine: EngineName) {
  const p = (index: number) => getEngineClient(engine).placeholder(index);
  return {
    insert: `INSERT INTO users (name, email) VALUES (${WHO[engine]}, ${p(1)})`,
    byEmail: `SELECT name, version FROM users WHERE email = ${p(1)}`,
    bump: `UPDATE users SET version = version + 1 WHERE email = ${p(1)}`,
  };
}

/** Reads from several callers at once until told to stop. */
export class Load {
  readonly nodes: string[] = [];
  readonly errors: unknown[] = [];
  longestMs = 0;
  #stopped = false;
  readonly #workers: Promise<void>[];

  constructor(readOnce: () => Promise<Outcome>, workers = 8) {
    this.#workers = Array.from({ length: workers }, () => this.#work(readOnce));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#workers);
  }

  async #work(readOnce: () => Promise<Outcome>): Promise<void> {
    while (!this.#stopped) {
      const startedMs = performance.now();
      try {
        this.nodes.push((await readOnce()).decision.node);
      } catch (error) {
        this.errors.push(error);
      }
      this.longestMs = Math.max(this.longestMs, performance.now() - startedMs);
      await new Promise(setImmediate); // leaves room for the router's own news
    }
  }
}

export const shareOf = (nodes: readonly string[], name: string): number =>
  nodes.filter((node) => node === name).length / nodes.length;

/** What a refused call was refused with. */
export const codeOf = (error: unknown): string => (error instanceof RouterError ? error.code : String(error));

/** Reads again and again until the expectation behind it holds. */
export const until = <T>(read: () => T, timeoutMs = 15_000) =>
  expect.poll(read, { timeout: timeoutMs, interval: 10 });

/** Each node's role and why it is left out, in the order of the nodes. */
export const rolesOf = (router: Router): string[] =>
  router.topology().nodes.map(({ role, excluded }) => `${role} ${excluded}`);
export const ALL_HEALTHY = ['primary null', 'replica null', 'replica null'];

/** A new address with every call, for one suite. */
export const addressesOf = (suite: string) => {
  let addresses = 0;
  return (): string => `${suite}-${++addresses}@example.test`;
};

/** Runs `work` with the administrator's connection to a node. */
export async function asAdmin<T>(
  cluster: Cluster,
  node: string,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  await using connection = await cluster.admin(node);
  return await work(connection);
}
