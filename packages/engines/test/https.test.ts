import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { askOverTls, createProbeServer, createServiceServer } from '../src/https.ts';
import { makeAuthority, type TestAuthority } from '../src/testing/index.ts';

// What the lab's programs say to each other is encrypted, and said to nobody else.
const HOST = '127.0.0.1';
let authority: TestAuthority;
let asked: string[] = [];
const servers: Server[] = [];

beforeAll(async () => {
  authority = await makeAuthority([
    { name: 'api-1', addresses: [HOST] },
    { name: 'api-2', addresses: ['127.0.0.2'] },
  ]);
});
afterAll(() => authority[Symbol.asyncDispose]());
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
  asked = [];
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await once(server.listen(0, HOST), 'listening');
  return (server.address() as AddressInfo).port;
}

const listener: Parameters<typeof createServiceServer>[1] = (request, response) => {
  asked.push(`${request.method} ${request.url}`);
  response.end('{"ok":true}');
};

const start = (name: string): Promise<number> =>
  listen(createServiceServer({ files: authority.files(name) }, listener));

const ask = (port: number, ca = authority.ca) =>
  askOverTls(`https://${HOST}:${port}/x`, { timeoutMs: 5000, ca });

test('who believes the authority and calls the address of the certificate is answered', async () => {
  expect(await (await ask(await start('api-1'))).json()).toEqual({ ok: true });
});

test('a certificate for another address is not believed', async () => {
  await expect(ask(await start('api-2'))).rejects.toThrow(/altnames/);
  expect(asked).toEqual([]);
});

test('nor one of another authority', async () => {
  await using other = await makeAuthority([]);
  await expect(ask(await start('api-1'), other.ca)).rejects.toThrow(/certificate/);
  expect(asked).toEqual([]);
});

test('clear text is refused, and its connection ended', async () => {
  const port = await start('api-1');
  const socket = connect({ host: HOST, port });
  socket.on('error', () => {});
  let answer = '';
  socket.on('data', (data) => (answer += data.toString('latin1')));
  socket.write('GET /x HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(socket, 'close');
  // At most an alert of TLS.
  expect(answer).not.toContain('HTTP');
  expect(asked).toEqual([]);
});

test('clear text is for the questions of the own machine, and for no others', async () => {
  const port = await listen(createProbeServer(['/livez'], listener));
  const status = async (path: string, method = 'GET') =>
    (await fetch(`http://${HOST}:${port}${path}`, { method })).status;
  expect(await status('/livez')).toBe(200);
  expect(await status('/livez?x')).toBe(404);
  expect(await status('/livez', 'POST')).toBe(404);
  expect(await status('/metrics')).toBe(404);
  expect(asked).toEqual(['GET /livez']);
});
