import { once } from 'node:events';
import {
  type Agent,
  get as getPlain,
  Agent as HttpAgent,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http';
import { get as getOverTls, Agent as HttpsAgent } from 'node:https';
import { type AddressInfo, connect as connectPlain } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as connectOverTls } from 'node:tls';
import { makeAuthority, type TestAuthority } from '@replication-lab/engines/testing';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { problemSchema } from '../src/problems.ts';
import { createHttpServer } from '../src/server.ts';
import { shutDown } from '../src/shutdown.ts';

const HOST = '127.0.0.1';
const SPOKEN = ['HTTP', 'HTTPS'] as const;
type Spoken = (typeof SPOKEN)[number];
const logger = pino({ level: 'silent' });
let authority: TestAuthority;
beforeAll(async () => {
  authority = await makeAuthority([{ name: 'api-test', addresses: [HOST] }]);
});
afterAll(() => authority[Symbol.asyncDispose]());

const servers: Server[] = [];
const agents: Agent[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.closeAllConnections();
  for (const agent of agents.splice(0)) agent.destroy();
});

/** A server that answers `/held` when told to, and all else at once. */
async function start(spoken: Spoken) {
  const files = spoken === 'HTTPS' ? authority.files('api-test') : null;
  const held = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const listener: RequestListener = async (req, res) => {
    if (req.url === '/held') {
      arrived.resolve();
      await held.promise;
    }
    res.end('done');
  };
  const server = createHttpServer(listener, 'api-test', { files });
  servers.push(server);
  await once(server.listen(0, HOST), 'listening');
  const { port } = server.address() as AddressInfo;
  const agent = files
    ? new HttpsAgent({ keepAlive: true, ca: authority.ca })
    : new HttpAgent({ keepAlive: true });
  agents.push(agent);
  const get = files ? getOverTls : getPlain;
  const fetchText = async (path: string): Promise<string> => {
    const [response] = (await once(get({ host: HOST, port, path, agent }), 'response')) as [IncomingMessage];
    return text(response);
  };
  return { server, port, fetchText, held, arrived };
}

describe.each(SPOKEN)('what is not HTTP, over %s', (spoken) => {
  test.each([
    ['a malformed request line', 'NONSENSE\r\n\r\n', 'invalid-request', 400],
    [
      'headers beyond 16 KiB',
      `GET / HTTP/1.1\r\nHost: x\r\nA: ${'x'.repeat(17_000)}\r\n\r\n`,
      'headers-too-large',
      431,
    ],
    ['a NUL in a header', 'GET / HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n', 'invalid-request', 400],
  ])('%s is answered as a problem', async (_what, bytes, code, status) => {
    const { port } = await start(spoken);
    const socket =
      spoken === 'HTTP' ? connectPlain(port, HOST) : connectOverTls({ host: HOST, port, ca: authority.ca });
    socket.write(bytes);
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(head).toContain('Served-By: api-test');
    expect(problemSchema.parse(JSON.parse(body))).toMatchObject({ code, status });
  });
});

describe('whoever makes no handshake', () => {
  test('is told nothing, and not waited for', async () => {
    const { server, port } = await start('HTTPS');
    for (const bytes of ['GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'NONSENSE\r\n\r\n']) {
      const socket = connectPlain(port, HOST);
      socket.write(bytes);
      expect(await text(socket).catch(() => '')).not.toContain('HTTP');
    }
    await expect.poll(() => connectionsOf(server)).toBe(0);
  });

  test('whoever believes another authority holds no connection', async () => {
    const { server, port } = await start('HTTPS');
    await using other = await makeAuthority([]);
    const socket = connectOverTls({ host: HOST, port, ca: other.ca });
    const [error] = await once(socket, 'error');
    expect(error.message).toMatch(/certificate/);
    await expect.poll(() => connectionsOf(server)).toBe(0);
  });
});

const connectionsOf = (server: Server): Promise<number> =>
  new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );

describe.each(SPOKEN)('stopping, over %s', (spoken) => {
  test('goes on serving while the proxy takes notice, finishes what is under way, and ends idle connections', async () => {
    const { server, fetchText, held, arrived } = await start(spoken);
    await fetchText('/idle');
    const underWay = fetchText('/held');
    await arrived.promise;
    const steps: string[] = [];
    const release = async () => {
      steps.push('released');
    };
    const stopped = shutDown({ server, release, logger, drainMs: 200, timeoutMs: 5000 });
    expect(await fetchText('/late')).toBe('done');
    await expect.poll(() => server.listening).toBe(false);
    expect(steps).toEqual([]);
    held.resolve();
    expect(await underWay).toBe('done');
    expect(await stopped).toBe(true);
    expect(steps).toEqual(['released']);
  });

  test('cuts what is left at the deadline', async () => {
    const { server, fetchText, arrived } = await start(spoken);
    const underWay = fetchText('/held').catch((error: Error) => error);
    await arrived.promise;
    const stopped = shutDown({ server, release: async () => {}, logger, drainMs: 0, timeoutMs: 150 });
    expect(await stopped).toBe(false);
    expect(await underWay).toBeInstanceOf(Error);
  });

  test('does not wait for a release that hangs', async () => {
    const { server } = await start(spoken);
    const release = () => new Promise<void>(() => {});
    expect(await shutDown({ server, release, logger, drainMs: 0, timeoutMs: 150 })).toBe(true);
  });
});
