import { once } from 'node:events';
import { type Agent, get, Agent as HttpAgent, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { pino } from 'pino';
import { afterEach, describe, expect, test } from 'vitest';
import { problemSchema } from '../src/problems.ts';
import { createHttpServer } from '../src/server.ts';
import { shutDown } from '../src/shutdown.ts';

const logger = pino({ level: 'silent' });
const servers: Server[] = [];
const agents: Agent[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.closeAllConnections();
  for (const agent of agents.splice(0)) agent.destroy();
});

/** A server that answers `/held` when told to, and all else at once. */
async function start() {
  const held = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const server = createHttpServer(async (req, res) => {
    if (req.url === '/held') {
      arrived.resolve();
      await held.promise;
    }
    res.end('done');
  }, 'api-test');
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const agent = new HttpAgent({ keepAlive: true });
  agents.push(agent);
  const fetchText = async (path: string): Promise<string> => {
    const [response] = (await once(get({ port, path, agent }), 'response')) as [IncomingMessage];
    return text(response);
  };
  return { server, port, fetchText, held, arrived };
}

describe('what is not HTTP', () => {
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
    const { port } = await start();
    const socket = connect(port, '127.0.0.1');
    socket.write(bytes);
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(head).toContain('Served-By: api-test');
    expect(problemSchema.parse(JSON.parse(body))).toMatchObject({ code, status });
  });
});

describe('stopping', () => {
  test('goes on serving while the proxy takes notice, finishes what is under way, and ends idle connections', async () => {
    const { server, fetchText, held, arrived } = await start();
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
    const { server, fetchText, arrived } = await start();
    const underWay = fetchText('/held').catch((error: Error) => error);
    await arrived.promise;
    const stopped = shutDown({ server, release: async () => {}, logger, drainMs: 0, timeoutMs: 150 });
    expect(await stopped).toBe(false);
    expect(await underWay).toBeInstanceOf(Error);
  });

  test('does not wait for a release that hangs', async () => {
    const { server } = await start();
    const release = () => new Promise<void>(() => {});
    expect(await shutDown({ server, release, logger, drainMs: 0, timeoutMs: 150 })).toBe(true);
  });
});
