import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import {
  agentDirectory,
  type CertificatePlan,
  caFile,
  ensureCertificates,
} from '@replication-lab/certificates';
import { certificateFilesFrom } from '@replication-lab/engines/https';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AgentClient } from '../src/agent-client.ts';
import { type AgentParts, createAgentProbe, createAgentServer } from '../src/http.ts';
import { until } from './support/wait.ts';

// What supervisors say to an agent is encrypted, and said to nobody else.
const HOST = '127.0.36.1';
const OTHER_HOST = '127.0.36.9';
const TOKEN = 'a-token-for-tests';
const node = { name: 'db-1', host: HOST, port: 1 };
let root: string;
let parts: AgentParts;
const servers: Server[] = [];
const unusable: string[] = [];

const planOf = (directory: string): CertificatePlan => ({
  root: directory,
  nodes: [{ name: 'db-1', addresses: ['db-1', HOST], account: 'repl_db_1' }],
  services: [],
  proxyAddresses: ['localhost'],
  ...{ serverOwner: null, agentOwner: null, supervisorOwner: null, serviceOwner: null, proxyOwner: null },
});
const certificate = () => join(agentDirectory(root, 'db-1'), 'server.pem');
const caText = (directory = root) => readFile(caFile(directory), 'utf8');
const portOf = (server: Server) => (server.address() as AddressInfo).port;

async function listen(server: Server, host: string): Promise<number> {
  servers.push(server);
  server.listen(0, host);
  await once(server, 'listening');
  return portOf(server);
}

let port: number;
const asked: string[] = [];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'rl-agent-tls-'));
  await ensureCertificates(planOf(root));
  const log = pino({ level: 'silent' });
  log.error = ((error: Error) => unusable.push(error.message)) as typeof log.error;
  parts = {
    node: 'db-1',
    nodes: [node],
    token: TOKEN,
    probe: { ask: async () => ({ up: false, probe: null, error: 'no database here' }) },
    askNode: async () => ({ up: false, probe: null, error: 'no database here' }),
    desk: {
      give: async ({ order }) => {
        asked.push(order);
        return false;
      },
      result: async () => null,
      status: async () => null,
    },
    holdsVip: () => false,
    log,
    certificate: certificateFilesFrom({ TLS_CERT_FILE: certificate(), TLS_KEY_FILE: '' }),
  };
  port = await listen(createAgentServer(parts), HOST);
});
afterAll(async () => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
  await rm(root, { recursive: true, force: true });
});

const initialise = (client: AgentClient, to = node) =>
  client.carryOut(to, { order: 'initialise' }, 1000, new AbortController().signal);

test('an order reaches an agent whose certificate is of the lab and for the address that is called', async () => {
  await expect(initialise(new AgentClient(port, TOKEN, await caText()))).rejects.toThrow('order-pending');
  expect(asked).toEqual(['initialise']);
});

test('who believes another authority says nothing to it', async () => {
  const other = await mkdtemp(join(tmpdir(), 'rl-agent-other-'));
  await ensureCertificates(planOf(other));
  const client = new AgentClient(port, TOKEN, await caText(other));
  await rm(other, { recursive: true, force: true });
  await expect(initialise(client)).rejects.toThrow(/certificate/);
  expect(asked).toHaveLength(1);
});

test('nor does who meant another address', async () => {
  const there = await listen(createAgentServer(parts), OTHER_HOST);
  const client = new AgentClient(there, TOKEN, await caText());
  await expect(initialise(client, { ...node, host: OTHER_HOST })).rejects.toThrow(/altnames/);
  expect(asked).toHaveLength(1);
});

test('clear text is refused', async () => {
  await expect(initialise(new AgentClient(port, TOKEN))).rejects.toThrow();
  expect(asked).toHaveLength(1);
});

test('its own host is told in clear text what needs no token, and nothing else', async () => {
  const probePort = await listen(createAgentProbe(parts), '127.0.0.1');
  const ask = async (path: string, method = 'GET') =>
    (
      await fetch(`http://127.0.0.1:${probePort}${path}`, {
        method,
        headers: { Authorization: `Bearer ${TOKEN}` },
      })
    ).status;
  expect(await ask('/livez')).toBe(200);
  expect(await ask('/primary')).toBe(503);
  expect(await ask('/health')).toBe(404);
  expect(await ask('/orders', 'POST')).toBe(404);
  expect(asked).toHaveLength(1);
});

test('a renewed certificate is shown without a restart, and one that cannot be used changes nothing', async () => {
  const shown = async () => {
    const socket: TLSSocket = connect({ host: HOST, port, ca: await caText() });
    await once(socket, 'secureConnect');
    const { serialNumber } = socket.getPeerCertificate();
    socket.destroy();
    return serialNumber;
  };
  const first = await shown();
  await ensureCertificates(planOf(root), { how: 'renew' });
  await until('the new certificate is shown', 10_000, async () => (await shown()) !== first);
  const second = await shown();
  await copyFile(certificate(), `${certificate()}.good`);
  await writeFile(certificate(), 'half of a certi');
  await until('the damaged file is noticed', 10_000, async () => unusable.length > 0);
  expect(await shown()).toBe(second);
});
