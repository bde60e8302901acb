import { once } from 'node:events';
import { connect } from 'node:tls';
import { makeAuthority, type TestAuthority } from '@replication-lab/engines/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { sayNotRun } from './support/docker.ts';
import { addresses, checkConfiguration, FakeApi, haproxyVersion, RunningProxy } from './support/proxy.ts';
import { until } from './support/wait.ts';

// infra/haproxy/haproxy.cfg in a real HAProxy, in front of small servers that behave badly on demand.

const version = await haproxyVersion();
if (!version) sayNotRun('HAProxy', 'no haproxy on this machine (apt-get install haproxy)');

const HOST = '127.0.36.10';
const NAMES = ['api-1', 'api-2', 'api-3'];
let authority: TestAuthority;
let apis: FakeApi[] = [];
let proxy: RunningProxy | null = null;

beforeAll(async () => {
  authority = await makeAuthority(NAMES.map((name) => ({ name, addresses: [name] })));
});
afterAll(() => authority[Symbol.asyncDispose]());
beforeEach(async () => {
  apis = NAMES.map((name, i) => new FakeApi(name, `127.0.36.1${i + 1}`, authority.files(name)));
  await Promise.all(apis.map((api) => api.start()));
});
afterEach(async () => {
  await proxy?.stop();
  proxy = null;
  for (const api of apis) api.kill();
});

/** `good`: those that HAProxy is to take. */
const start = async (env: Record<string, string> = {}, good?: readonly string[]): Promise<RunningProxy> => {
  proxy = await RunningProxy.start(HOST, apis, { API_CA: authority.caFile, ...env }, good);
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
    const variants: Record<string, string>[] = [
      {},
      { RATE_LIMIT_PER_10S: '50' },
      { RESOLVE_NAMES: '1' },
      { API_CA: authority.caFile, RESOLVE_NAMES: '1' },
    ];
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

  test('a replica that does not show that it is the one of its name is given no request', async () => {
    await using other = await makeAuthority([{ name: 'api-1', addresses: ['api-1'] }]);
    const [first, second, third] = apis as [FakeApi, FakeApi, FakeApi];
    for (const api of [first, second]) api.kill();
    first.certificate = other.files('api-1');
    // Of the right authority; but whoever can pose as one replica cannot pose as another.
    second.certificate = authority.files('api-3');
    await Promise.all([first.start(), second.start()]);
    const { url } = await start({}, ['api-3']);
    for (let i = 0; i < 4; i += 1)
      expect((await fetch(`${url}/users`, { method: 'POST', body: '{}' })).headers.get('served-by')).toBe(
        'api-3',
      );
    third.kill();
    third.certificate = null;
    await third.start();
    await until('clear text is refused', 5000, async () => (await fetch(`${url}/users`)).status === 503);
    expect([first.seen, second.seen, third.seen.length]).toEqual([[], [], 4]);
  });

  test('connections to replicas are kept, and a renewed certificate ends none', async () => {
    const { url } = await start();
    const sockets = new Set<unknown>();
    for (const api of apis)
      api.behaviour = (request, response) => {
        sockets.add(request.socket);
        response.end('{}');
      };
    const ask = async () => expect((await fetch(`${url}/users`)).status).toBe(200);
    for (let i = 0; i < 60; i += 1) await ask();
    const shown = async (): Promise<string> => {
      const socket = connect({ host: '127.0.36.11', port: 3000, ca: authority.ca, servername: 'api-1' });
      await once(socket, 'secureConnect');
      const { serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      return serialNumber;
    };
    const before = await shown();
    await authority.renew();
    await until('the new certificate is shown', 10_000, async () => (await shown()) !== before);
    for (let i = 0; i < 60; i += 1) await ask();
    // One for each replica, and some for the client's own first requests.
    expect(sockets.size).toBeLessThan(12);
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
