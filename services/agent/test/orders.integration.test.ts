import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { engineOf } from '@replication-lab/engines/bootstrap';
import { availableEngines, type Cluster, startCluster } from '@replication-lab/engines/testing';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askOnce } from '../src/ask-once.ts';
import { ControlDirectory, parseLines } from '../src/control.ts';
import { createAgentServer } from '../src/http.ts';
import { LiveProbe } from '../src/live-probe.ts';

// Which orders to end a server an agent hands in, by what real servers say of themselves.

const TOKEN = 'a-token-for-tests';
const PROBE_TIMEOUT_MS = 2000;
const { engines } = await availableEngines();

describe.each(engines)('%s', (name) => {
  const engine = engineOf(name);
  let cluster: Cluster;
  let directory: string;
  const probes: LiveProbe[] = [];
  const agents = new Map<string, Server>();

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rl-orders-'));
    cluster = await startCluster(name, { subnet: '127.0.36', nodes: 2 });
    const { nodes, accounts } = cluster;
    for (const node of nodes) {
      const probe = new LiveProbe(engine.client, node, accounts.monitor, PROBE_TIMEOUT_MS);
      probes.push(probe);
      const agent = createAgentServer({
        node: node.name,
        nodes,
        token: TOKEN,
        probe,
        askNode: (other) => askOnce(engine.client, other, accounts.monitor, PROBE_TIMEOUT_MS),
        desk: new ControlDirectory(directory),
        holdsVip: () => false,
        log: pino({ level: 'silent' }),
      });
      agent.listen(0, node.host);
      await once(agent, 'listening');
      agents.set(node.name, agent);
    }
  }, 120_000);
  afterAll(async () => {
    for (const agent of agents.values()) {
      agent.close();
      agent.closeAllConnections();
    }
    for (const probe of probes) probe.close();
    await cluster?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  /** The answer of a node's agent: its status, and the reason where it refused. */
  async function give(node: string, order: string, epoch: number, source: string): Promise<string> {
    const { address, port } = agents.get(node)!.address() as AddressInfo;
    const response = await fetch(`http://${address}:${port}/orders`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${TOKEN}` },
      body: JSON.stringify({ order, epoch, source }),
    });
    const { code = '', detail = '' } = (await response.json()) as { code?: string; detail?: string };
    return `${response.status} ${code} ${detail}`.trim();
  }

  test('not against a replica that follows, nor against the primary', async () => {
    expect(await give('db-2', 'rebuild', 1, 'db-1')).toBe('409 order-refused this node replicates from db-1');
    expect(await give('db-1', 'restart', 1, 'db-2')).toBe('409 order-refused db-2 is no open primary');
  });

  test('against a replica that does not follow, in the reign that lasts', async () => {
    {
      await using connection = await cluster.admin('db-2');
      await engine.admin.detach(connection);
    }
    expect(await give('db-2', 'rebuild', 2, 'db-1')).toBe(
      '409 order-refused db-1 is the primary of epoch 1, not of 2',
    );
    expect(await give('db-2', 'rebuild', 1, 'db-1')).toBe('202');
    const order = parseLines(await readFile(join(directory, 'order'), 'utf8'));
    expect(order.get('order')).toBe('rebuild');
    expect(order.get('source')).toBe(`${cluster.endpoint('db-1').host}:${engine.client.defaultPort}`);
    await rm(join(directory, 'order'));
  });

  test('against a node that is frozen or dead, for a primary that lives', async () => {
    await cluster.kill('db-2', 'SIGSTOP');
    expect(await give('db-2', 'restart', 1, 'db-1')).toBe('202');
    await rm(join(directory, 'order'));
    await cluster.kill('db-2');
    expect(await give('db-2', 'rebuild', 1, 'db-1')).toBe('202');
    await rm(join(directory, 'order'));
    await cluster.kill('db-1');
    expect(await give('db-2', 'rebuild', 1, 'db-1')).toMatch(/^409 order-refused db-1 does not answer: /);
  });
});
