import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sayNotRun } from './support/docker.ts';
import { addresses, checkConfiguration, FakeApi, haproxyVersion, RunningProxy } from './support/proxy.ts';
import { until } from './support/wait.ts';

// infra/haproxy/haproxy.cfg in a real HAProxy, in front of small servers that behave badly on demand.

const version = await haproxyVersion();
if (!version) sayNotRun('HAProxy', 'no haproxy on this machine (apt-get install haproxy)');

const HOST = '127.0.36.10';
let apis: FakeApi[] = [];
let proxy: RunningProxy | null = null;

beforeEach(async () => {
  apis = [1, 2, 3].map((i) => new FakeApi(`api-${i}`, `127.0.36.1${i}`));
  await Promise.all(apis.map((api) => api.start()));
});
afterEach(async () => {
  await proxy?.stop();
  proxy = null;
  for (const api of apis) api.kill();
});

const start = async (env: Record<string, string> = {}): Promise<RunningProxy> => {
  proxy = await RunningProxy.start(HOST, apis, env);
  return proxy;
};
const requests = () => apis.flatMap(({ seen }) => seen);
const problem = async (response: Response) => {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  return { status: response.status, code: ((await response.json()) as { code: string }).code };
};

describe.skipIf(!version)(`HAProxy ${version}`, () => {
  test('the file is valid with and without its options', async () => {
    const env = addresses(HOST, apis);
    const variants: Record<string, string>[] = [{}, { RATE_LIMIT_PER_10S: '50' }, { RESOLVE_NAMES: '1' }];
    for (const more of variants) {
      expect(await checkConfiguration({ ...env, ...more })).toMatchObject({ code: 0 });
    }
  });

  test('the three replicas serve in turn', async () => {
    const { url } = await start();
    const names: (string | null)[] = [];
    for (let i = 0; i < 6; i += 1) names.push((await fetch(`${url}/users`)).headers.get('served-by'));
    expect(new Set(names.slice(0, 3)).size).toBe(3);
    expect(names.slice(3)).toEqual(names.slice(0, 3));
  });

  test('a read whose replica goes away is repeated on another', async () => {
    const { url } = await start();
    for (const api of apis.slice(0, 2)) api.behaviour = (request) => request.socket.destroy();
    for (let i = 0; i < 5; i += 1) {
      const response = await fetch(`${url}/users`);
      expect([response.status, response.headers.get('served-by')]).toEqual([200, 'api-3']);
    }
  });

  test.each(['POST', 'PATCH', 'DELETE', 'PUT'])(
    'a %s is never repeated; its outcome is unknown',
    async (method) => {
      const { url } = await start();
      for (const api of apis) api.behaviour = (request) => request.socket.destroy();
      const response = await fetch(`${url}/users`, {
        method,
        ...(method === 'DELETE' ? {} : { body: '{}' }),
      });
      expect(await problem(response)).toEqual({ status: 502, code: 'outcome-unknown' });
      expect(requests()).toEqual([`${method} /users`]);
    },
  );

  test('a write goes to another replica where the connection could not be made: nothing was sent', async () => {
    const { url } = await start();
    apis[0]?.kill();
    apis[1]?.kill();
    for (let i = 0; i < 6; i += 1) {
      expect((await fetch(`${url}/users`, { method: 'POST', body: '{}' })).status).toBe(200);
    }
    expect(requests()).toHaveLength(6);
  });

  test('what a replica answers is passed on as it is, and not repeated', async () => {
    const { url } = await start();
    for (const api of apis)
      api.behaviour = (_, response) => response.writeHead(503).end('{"code":"no-primary"}');
    const response = await fetch(`${url}/users`);
    expect(await response.json()).toEqual({ code: 'no-primary' });
    expect(requests()).toEqual(['GET /users']);
  });

  test('a dead replica is left out, one that is not ready too, and both come back', async () => {
    const running = await start();
    const state = async (name: string) => (await running.serverStates())[name] ?? '';
    apis[0]?.kill();
    if (apis[1]) apis[1].ready = false;
    const out = await until(
      'both are down',
      5000,
      async () => (await state('api-1')).startsWith('DOWN') && (await state('api-2')).startsWith('DOWN'),
    );
    console.log(`[haproxy] out after ${out.tookMs} ms`);
    await apis[0]?.start();
    if (apis[1]) apis[1].ready = true;
    await until(
      'both are up',
      5000,
      async () => (await state('api-1')).startsWith('UP') && (await state('api-2')).startsWith('UP'),
    );
  });

  test('without a replica the answer says so', async () => {
    for (const api of apis) api.ready = false;
    const { url, operationsUrl } = await start();
    const response = await fetch(`${url}/users`);
    expect(response.headers.get('retry-after')).toBe('1');
    expect(await problem(response)).toEqual({ status: 503, code: 'overloaded' });
    expect((await fetch(`${operationsUrl}/healthz/all`)).status).toBe(503);
    expect((await fetch(`${operationsUrl}/healthz`)).status).toBe(503);
    for (const api of apis) api.ready = true;
    await until('ready again', 5000, async () => (await fetch(`${operationsUrl}/healthz`)).ok);
  });

  test('more than may wait are turned away at once', async () => {
    const { url } = await start({ API_MAX_CONN: '1', QUEUE_MAX: '3' });
    const held: (() => void)[] = [];
    for (const api of apis) api.behaviour = (_, response) => held.push(() => response.end('{}'));
    const answers: number[] = [];
    const all = Array.from({ length: 20 }, async () => {
      const response = await fetch(`${url}/users`);
      answers.push(response.status);
      if (response.status === 503)
        expect(await problem(response)).toEqual({ status: 503, code: 'overloaded' });
    });
    await until(
      'some are turned away',
      10_000,
      async () => answers.filter((status) => status === 503).length >= 10,
    );
    for (const api of apis) api.behaviour = (_, response) => response.end('{}');
    for (const release of held) release();
    await Promise.all(all);
    expect(answers.filter((status) => status === 200).length).toBeGreaterThanOrEqual(3);
  });

  test('the rate limit is off by default, and a problem with Retry-After where it is on', async () => {
    const { url } = await start();
    for (let i = 0; i < 30; i += 1) expect((await fetch(`${url}/users`)).status).toBe(200);
    await proxy?.stop();
    const limited = await start({ RATE_LIMIT_PER_10S: '5' });
    const responses: Response[] = [];
    for (let i = 0; i < 7; i += 1) responses.push(await fetch(`${limited.url}/users`));
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 429, 429]);
    const last = responses[6];
    expect(last?.headers.get('retry-after')).toBe('10');
    expect(last && (await problem(last))).toEqual({ status: 429, code: 'rate-limited' });
  });

  test('says who the client is, and gives every request an id', async () => {
    const { url } = await start();
    for (const api of apis)
      api.behaviour = (request, response) => response.end(JSON.stringify(request.headers));
    const headers = async (given: Record<string, string>) =>
      (await fetch(`${url}/users`, { headers: given })).json() as Promise<Record<string, string>>;
    const plain = await headers({ 'X-Forwarded-For': '192.0.2.1', 'X-Forwarded-Proto': 'https' });
    expect(plain['x-forwarded-for']).toMatch(/^127\./);
    expect(plain['x-forwarded-proto']).toBe('http');
    expect(plain['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect((await headers({ 'X-Request-Id': 'my-own.id_1' }))['x-request-id']).toBe('my-own.id_1');
    expect((await headers({ 'X-Request-Id': 'not allowed!' }))['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('counts for Prometheus, and shows a page for people', async () => {
    const { operationsUrl } = await start();
    const metrics = await (await fetch(`${operationsUrl}/metrics`)).text();
    expect(metrics).toContain('haproxy_server_status{proxy="api",server="api-1"');
    expect(await (await fetch(operationsUrl)).text()).toContain('<html');
  });
});
