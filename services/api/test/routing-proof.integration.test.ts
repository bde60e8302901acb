import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableEngines, startCluster } from '@replication-lab/engines/testing';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  countStatements,
  prepareCounters,
  type StatementCounts,
  watchStatements,
} from './support/statement-counters.ts';

/**
 * Where statements really went, told by the databases: what the router says of itself proves nothing.
 * Three API replicas, one primary, two replicas; each server counts what the application's accounts executed on it.
 */
const SUBNET = '127.0.35';
const READS = 600;
const WRITES = 90;
const API_HOSTS = [`${SUBNET}.11`, `${SUBNET}.12`, `${SUBNET}.13`];
const API_PORT = 3000;

const { engines } = await availableEngines();

describe.each(engines)('routing, as %s counts it', (engine) => {
  let cluster: Awaited<ReturnType<typeof startCluster>>;
  const apis: ReturnType<typeof spawn>[] = [];

  const call = (n: number, path: string, init: RequestInit = {}) =>
    fetch(`http://${API_HOSTS[n % API_HOSTS.length]}:${API_PORT}${path}`, {
      ...init,
      headers: { 'content-type': 'application/json', 'consistency-level': 'eventual', ...init.headers },
      signal: AbortSignal.timeout(5_000),
    });

  async function counts(): Promise<Record<string, StatementCounts>> {
    const entries = cluster.nodes.map(async ({ name }) => {
      await using admin = await cluster.admin(name);
      return [name, await countStatements(engine, admin)] as const;
    });
    return Object.fromEntries(await Promise.all(entries));
  }

  async function countsOf(work: () => Promise<void>): Promise<Record<string, StatementCounts>> {
    const before = await counts();
    await work();
    const after = await counts();
    return Object.fromEntries(
      Object.entries(after).map(([name, c]) => [
        name,
        { reads: c.reads - before[name]!.reads, writes: c.writes - before[name]!.writes },
      ]),
    );
  }

  beforeAll(async () => {
    cluster = await startCluster(engine, { subnet: SUBNET, nodes: 3 });
    {
      await using primary = await cluster.admin('db-1');
      await prepareCounters(engine, primary);
    }
    for (const [i, host] of API_HOSTS.entries()) {
      apis.push(
        spawn(process.execPath, [new URL('../src/main.ts', import.meta.url).pathname], {
          stdio: ['ignore', 'ignore', 'inherit'],
          env: {
            ...process.env,
            API_NAME: `api-${i + 1}`,
            HOST: host,
            PORT: String(API_PORT),
            DB_ENGINE: engine,
            DB_NODES: cluster.nodes.map((n) => `${n.name}=${n.host}:${n.port}`).join(','),
            LOG_LEVEL: 'error',
            SHUTDOWN_DRAIN_MS: '0',
          },
        }),
      );
    }
    for (let n = 0; n < API_HOSTS.length; n++) {
      await waitFor(async () => expect((await call(n, '/readyz')).status).toBe(200));
    }
    for (const { name } of cluster.nodes) {
      await waitFor(async () => {
        await using admin = await cluster.admin(name);
        await watchStatements(engine, admin);
      });
    }
  });

  afterAll(async () => {
    await Promise.all(
      apis.splice(0).map(async (api) => {
        if (api.exitCode !== null) return;
        api.kill('SIGTERM');
        await once(api, 'exit');
      }),
    );
    await cluster?.[Symbol.asyncDispose]();
  });

  test('every write goes to the primary, none to a replica', async () => {
    const seen = await countsOf(async () => {
      for (let i = 0; i < WRITES; i++) {
        const body = JSON.stringify({ name: `Writer ${i}`, email: `writer${i}@example.test` });
        expect((await call(i, '/users', { method: 'POST', body })).status).toBe(201);
      }
    });
    expect(seen['db-1']!.writes).toBeGreaterThanOrEqual(WRITES);
    expect(seen['db-2']).toMatchObject({ writes: 0 });
    expect(seen['db-3']).toMatchObject({ writes: 0 });
  });

  test('every eventual read goes to a replica, 40 to 60 per cent of them to each', async () => {
    const seen = await countsOf(async () => {
      for (let i = 0; i < READS; i += 10) {
        const answers = await Promise.all(
          Array.from({ length: 10 }, (_, k) => call(i + k, '/users?limit=1')),
        );
        for (const answer of answers) expect(answer.status).toBe(200);
      }
    });
    expect(seen['db-1']).toEqual({ reads: 0, writes: 0 });
    expect(seen['db-2']!.reads + seen['db-3']!.reads).toBe(READS);
    for (const replica of ['db-2', 'db-3']) {
      expect(seen[replica]!.reads / READS).toBeGreaterThanOrEqual(0.4);
      expect(seen[replica]!.reads / READS).toBeLessThanOrEqual(0.6);
      expect(seen[replica]!.writes).toBe(0);
    }
  });

  test('a read at level primary goes to the primary', async () => {
    const seen = await countsOf(async () => {
      for (let i = 0; i < 30; i++) {
        const answer = await call(i, '/users?limit=1', { headers: { 'consistency-level': 'primary' } });
        expect(answer.status).toBe(200);
      }
    });
    expect(seen['db-1']!.reads).toBe(30);
    expect(seen['db-2']!.reads + seen['db-3']!.reads).toBe(0);
  });
});

function waitFor(condition: () => Promise<unknown>): Promise<unknown> {
  return vi.waitFor(condition, { timeout: 30_000, interval: 100 });
}
