import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getEngineClient } from '@replication-lab/engines';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { askOnce } from '../src/ask-once.ts';
import { ControlDirectory, parseLines } from '../src/control.ts';
import { createAgentServer } from '../src/http.ts';
import { LiveProbe } from '../src/live-probe.ts';

// The agent beside a database that is not there: nothing listens on its port.
const nodes = [
  { name: 'db-1', host: '127.0.36.1', port: 1 },
  { name: 'db-2', host: '127.0.36.2', port: 5432 },
];
const client = getEngineClient('postgres');
const monitor = { user: 'monitor', password: 'x' };
let directory: string;
let server: Server;
let url: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rl-agent-'));
  server = createAgentServer({
    node: 'db-1',
    nodes,
    token: 'a-token-for-tests',
    probe: new LiveProbe(client, nodes[0]!, monitor, 500),
    askNode: (node) => askOnce(client, node, monitor, 500),
    desk: new ControlDirectory(directory),
    holdsVip: () => false,
    log: pino({ level: 'silent' }),
  });
  server.listen(0, '127.0.36.1');
  await once(server, 'listening');
  url = `http://127.0.36.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await rm(directory, { recursive: true, force: true });
});
beforeEach(async () => {
  for (const file of ['order', 'status']) await rm(join(directory, file), { force: true });
});

const authorised = { Authorization: 'Bearer a-token-for-tests' };
const give = (body: unknown, headers: Record<string, string> = authorised) =>
  fetch(`${url}/orders`, {
    method: 'POST',
    headers,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code;
/** What infra/boot/lib.sh writes. */
const report = (lines: string) => writeFile(join(directory, 'status'), lines);

test('lives without a database', async () => {
  expect((await fetch(`${url}/livez`)).status).toBe(200);
});

test('a database that does not answer is neither up nor the primary', async () => {
  const health = await fetch(`${url}/health`);
  expect(health.status).toBe(503);
  expect(await health.json()).toMatchObject({
    node: 'db-1',
    up: false,
    role: 'unknown',
    vip: false,
    boot: null,
  });
  const primary = await fetch(`${url}/primary`);
  expect(primary.status).toBe(503);
  expect(primary.headers.get('content-type')).toBe('application/problem+json');
  expect(await codeOf(primary)).toBe('not-primary');
});

test('shows what the boot script says', async () => {
  await report('phase=waiting\norder=\nresult=\nmessage=no data yet\n');
  const health = await (await fetch(`${url}/health`)).json();
  expect(health).toMatchObject({ boot: { phase: 'waiting', message: 'no data yet' } });
});

describe.each([
  ['POST', '/orders'],
  ['GET', '/orders/00000000-0000-4000-8000-000000000000'],
])('%s %s', (method, path) => {
  test.each([
    ['no token', {}],
    ['a wrong token', { Authorization: 'Bearer a-token-for-test' }],
    ['a token that is longer', { Authorization: 'Bearer a-token-for-tests-' }],
    ['an empty token', { Authorization: 'Bearer ' }],
    ['the token without its scheme', { Authorization: 'a-token-for-tests' }],
  ] as const)('is refused with %s', async (_, headers) => {
    const body = method === 'POST' ? { body: JSON.stringify({ order: 'initialise' }) } : {};
    const response = await fetch(url + path, { method, headers: headers as Record<string, string>, ...body });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect(await codeOf(response)).toBe('unauthorised');
    await expect(readFile(join(directory, 'order'))).rejects.toThrow();
  });
});

test('lays an order down for the boot script, and follows it', async () => {
  const given = await give({ order: 'copy', source: 'db-2' });
  expect(given.status).toBe(202);
  const { id } = (await given.json()) as { id: string };
  const order = parseLines(await readFile(join(directory, 'order'), 'utf8'));
  expect(Object.fromEntries(order)).toEqual({ id, order: 'copy', source: '127.0.36.2:5432' });

  const result = async () => (await fetch(`${url}/orders/${id}`, { headers: authorised })).json();
  expect(await result()).toMatchObject({ result: 'pending' });
  const second = await give({ order: 'initialise' });
  expect([second.status, await codeOf(second)]).toEqual([409, 'order-pending']);

  await rm(join(directory, 'order'));
  await report(`phase=copying\norder=${id}\nresult=running\nmessage=\n`);
  expect(await result()).toMatchObject({ result: 'running' });
  expect(await codeOf(await give({ order: 'initialise' }))).toBe('order-pending');
  expect(await readdir(directory)).toEqual(['status']);
  await report(`phase=waiting\norder=${id}\nresult=failed\nmessage=cannot\n`);
  expect(await result()).toMatchObject({ result: 'failed', message: 'cannot' });
  await report(`phase=running\norder=${id}\nresult=done\nmessage=\n`);
  expect(await result()).toMatchObject({ result: 'done' });
  // The container started again: it knows of no order any more.
  await report('phase=running\norder=\nresult=\nmessage=\n');
  expect(await result()).toMatchObject({ status: 404, code: 'order-not-found' });
});

test('of many orders at once one is handed in', async () => {
  const answers = await Promise.all(Array.from({ length: 8 }, () => give({ order: 'initialise' })));
  expect(answers.map(({ status }) => status).sort()).toEqual([202, ...Array(7).fill(409)]);
});

test.each(['restart', 'rebuild'])('ends no server for a primary that does not answer: %s', async (order) => {
  const refused = await give({ order, epoch: 3, source: 'db-2' });
  expect(refused.status).toBe(409);
  expect(await refused.json()).toMatchObject({
    code: 'order-refused',
    detail: expect.stringContaining('db-2 does not answer: '),
  });
  expect(await readdir(directory)).toEqual([]);
});

test.each([
  ['a restart without its reign', { order: 'restart', source: 'db-2' }, 400, 'invalid-order'],
  ['a rebuild in no reign', { order: 'rebuild', epoch: 0, source: 'db-2' }, 400, 'invalid-order'],
  ['a reign that is no number', { order: 'rebuild', epoch: '3', source: 'db-2' }, 400, 'invalid-order'],
  ['a rebuild from itself', { order: 'rebuild', epoch: 3, source: 'db-1' }, 400, 'invalid-order'],
  ['not JSON', '{', 400, 'invalid-json'],
  ['no such order', { order: 'wipe' }, 400, 'invalid-order'],
  ['an unknown field', { order: 'initialise', force: true }, 400, 'invalid-order'],
  ['a source that is no node', { order: 'copy', source: '10.0.0.1\norder=x' }, 400, 'invalid-order'],
  ['itself as the source', { order: 'copy', source: 'db-1' }, 400, 'invalid-order'],
  ['a body that is too long', `"${'x'.repeat(5000)}"`, 413, 'body-too-large'],
] as const)('refuses %s', async (_, body, status, code) => {
  const response = await give(body);
  expect([response.status, await codeOf(response)]).toEqual([status, code]);
});

test('knows nothing else', async () => {
  for (const [method, path] of [
    ['GET', '/'],
    ['POST', '/health'],
    ['GET', '/orders/x'],
    ['DELETE', '/orders'],
  ]) {
    expect((await fetch(`${url}${path}`, { method })).status, `${method} ${path}`).toBe(404);
  }
});
