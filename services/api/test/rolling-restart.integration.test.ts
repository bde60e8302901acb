import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { askOverTls } from '@replication-lab/engines/https';
import {
  availableEngines,
  makeAuthority,
  startCluster,
  type TestAuthority,
} from '@replication-lab/engines/testing';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { end, spawnApi } from './support/api-process.ts';
import type { Cluster } from './support/lab.ts';

/**
 * Three replicas of the API behind the lab's own HAProxy configuration. Writes are never repeated by the proxy, so each
 * one that a stopping replica drops would be seen here.
 */
const SUBNET = '127.0.34';
const APIS = ['api-1', 'api-2', 'api-3'].map((name, i) => ({ name, host: `${SUBNET}.${21 + i}` }));
const PROXY = { host: `${SUBNET}.40`, port: 8080, statsPort: 8404 };
const CONFIG = new URL('../../../infra/haproxy/haproxy.cfg', import.meta.url).pathname;
const CLIENTS = 6;

const [engine] = (await availableEngines()).engines;
const hasProxy = spawnSync('haproxy', ['-v']).status === 0;
if (!hasProxy) console.warn('NOT RUN: the rolling restart: there is no haproxy on this machine');

describe.skipIf(!hasProxy || engine === undefined)(`a rolling restart behind HAProxy (${engine})`, () => {
  let cluster: Cluster;
  let proxy: ChildProcess;
  let authority: TestAuthority;
  const apis = new Map<string, ChildProcess>();
  /** What the replicas logged, at `warn` and above: shown when a request failed. */
  const logged: string[] = [];
  const agent = new Agent({ keepAlive: true });

  const startApi = ({ name, host }: (typeof APIS)[number]): void => {
    const nodes = cluster.nodes.map((node) => `${node.name}=${node.host}:${node.port}`).join(',');
    const env = { API_NAME: name, HOST: host, PORT: '3000', DB_ENGINE: cluster.engine, DB_NODES: nodes };
    // A slow disk, or a machine too busy to ask the databases in time, is not this test's matter.
    const patience = { REQUEST_TIMEOUT_MS: '14000', PRIMARY_WAIT_MS: '5000', SHUTDOWN_TIMEOUT_MS: '20000' };
    const { certificate } = authority.files(name);
    const api = spawnApi({
      ...env,
      ...patience,
      TLS_CERT_FILE: certificate,
      SHUTDOWN_DRAIN_MS: '1500',
      LOG_LEVEL: 'warn',
    });
    for (const output of [api.stdout, api.stderr]) output?.on('data', (lines) => logged.push(String(lines)));
    apis.set(name, api);
  };
  const until = (isReady: () => Promise<void>) => vi.waitFor(isReady, { timeout: 30_000, interval: 50 });
  const apiReady = (host: string): Promise<void> =>
    until(async () => {
      const asked = { ca: authority.ca, timeoutMs: 20_000 };
      expect((await askOverTls(`https://${host}:3000/readyz`, asked)).status).toBe(200);
    });

  async function send(host: string, port: number, method: string, path: string, body?: object) {
    const sending = request({ host, port, method, path, agent, timeout: 20_000 });
    if (body) sending.setHeader('Content-Type', 'application/json');
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      sending
        .on('response', resolve)
        .on('error', reject)
        .end(body && JSON.stringify(body));
    });
    return { status: answer.statusCode, servedBy: answer.headers['served-by'], body: await text(answer) };
  }

  beforeAll(async () => {
    cluster = await startCluster(engine!, { subnet: SUBNET, nodes: 3 });
    authority = await makeAuthority(APIS.map(({ name, host }) => ({ name, addresses: [name, host] })));
    for (const api of APIS) startApi(api);
    for (const { host } of APIS) await apiReady(host);
    proxy = spawn('haproxy', ['-db', '-f', CONFIG], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        PATH: process.env.PATH,
        HTTP_BIND: `${PROXY.host}:${PROXY.port}`,
        API_CA: authority.caFile,
        STATS_BIND: `${PROXY.host}:${PROXY.statsPort}`,
        ...Object.fromEntries(APIS.map(({ host }, i) => [`API_${i + 1}`, `${host}:3000`])),
      },
    });
    await until(async () =>
      expect((await send(PROXY.host, PROXY.statsPort, 'GET', '/healthz')).status).toBe(200),
    );
  });
  afterAll(async () => {
    agent.destroy();
    if (proxy) await end(proxy, 'SIGKILL');
    await Promise.all([...apis.values()].map((api) => end(api, 'SIGKILL')));
    await cluster?.[Symbol.asyncDispose]();
    await authority?.[Symbol.asyncDispose]();
  });

  test('drops no request, read or write', async () => {
    const served = new Map<string, number>();
    const failed: unknown[] = [];
    let running = true;
    const client = async (): Promise<void> => {
      for (let i = 0; running; i++) {
        const write = i % 2 === 0;
        const body = { name: 'Ada', email: `${randomUUID()}@example.test` };
        const answer = await (write
          ? send(PROXY.host, PROXY.port, 'POST', '/users', body)
          : send(PROXY.host, PROXY.port, 'GET', '/users?limit=1')
        ).catch((error: Error) => ({ status: 0, servedBy: undefined, body: error.message }));
        if (answer.status !== (write ? 201 : 200)) failed.push(answer);
        if (answer.servedBy)
          served.set(String(answer.servedBy), (served.get(String(answer.servedBy)) ?? 0) + 1);
      }
    };
    const clients = Array.from({ length: CLIENTS }, client);
    for (const api of APIS) {
      await vi.waitFor(() => expect(served.get(api.name)).toBeGreaterThan(20), { timeout: 20_000 });
      expect(await end(apis.get(api.name)!, 'SIGTERM')).toBe(0);
      served.delete(api.name);
      startApi(api);
      await apiReady(api.host);
      await vi.waitFor(() => expect(served.get(api.name)).toBeGreaterThan(20), { timeout: 20_000 });
    }
    running = false;
    await Promise.all(clients);
    expect(failed, logged.join('')).toEqual([]);
  });
});
