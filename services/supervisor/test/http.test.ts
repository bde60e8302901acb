import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStatusServer, FOR_THE_HOLDER } from '../src/http.ts';

const token = 'a-token-of-the-test';
let server: Server;
let url: string;
let changes = 0;

const change = async () => {
  changes += 1;
  return { ok: false, code: 'unknown-node', detail: '' } as const;
};

beforeAll(async () => {
  server = createStatusServer({
    name: 'supervisor-1',
    token,
    status: () => null,
    events: () => ({ name: 'supervisor-1', bootId: '', next: 0, missed: 0, events: [] }),
    metrics: new Registry(),
    switchover: change,
    override: change,
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const BODY: Readonly<Record<string, string>> = {
  'POST /switchover': '{"to": "db-2"}',
  'POST /failover': '{"to": "db-2", "allowDataLoss": true}',
};

/** `what`: `GET /status`. */
function ask(what: string, headers: Record<string, string> = {}): Promise<Response> {
  const [method = '', path = ''] = what.split(' ');
  return fetch(url + path, { method, headers, ...(method === 'POST' && { body: BODY[what] }) });
}

test('what there is, and what of it is for everybody', async () => {
  expect(Object.keys(FOR_THE_HOLDER).sort()).toEqual([
    'GET /events',
    'GET /metrics',
    'GET /status',
    'POST /failover',
    'POST /switchover',
  ]);
  const live = await ask('GET /livez');
  expect([live.status, await live.json()]).toEqual([200, { name: 'supervisor-1' }]);
  for (const what of ['GET /', 'POST /status', 'GET /switchover', 'GET /events/', 'GET /toString'])
    expect((await ask(what)).status, what).toBe(404);
});

describe.each(Object.keys(FOR_THE_HOLDER))('%s', (what) => {
  test.each([
    ['no token', {}],
    ['a wrong token', { Authorization: 'Bearer a-token-of-the-tesT' }],
    ['a token that is shorter', { Authorization: 'Bearer a-token-of-the-tes' }],
    ['a token that is longer', { Authorization: `Bearer ${token}-` }],
    ['an empty token', { Authorization: 'Bearer ' }],
    ['the token without its scheme', { Authorization: token }],
    ['another scheme', { Authorization: `Basic ${btoa(`supervisor:${token}`)}` }],
  ] as const)('is refused with %s', async (_, headers) => {
    const response = await ask(what, headers as Record<string, string>);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect(await response.json()).toMatchObject({ code: 'unauthorised' });
    expect(changes).toBe(0);
  });

  test('is not refused with the token', async () => {
    const response = await ask(what, { Authorization: `Bearer ${token}` });
    expect(response.status).toBe(what in BODY ? 404 : 200);
    changes = 0;
  });
});
