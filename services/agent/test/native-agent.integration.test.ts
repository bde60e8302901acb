import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection, EngineName } from '@replication-lab/engines';
import { DEFAULT_PORT } from '@replication-lab/engines/config';
import { engineOf } from '@replication-lab/engines/local';
import { availableEngines, type Cluster, startCluster } from '@replication-lab/engines/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

// Nodes that are plain processes, and the process that takes orders for them. A lab in its third reign: db-1 was the primary of
// the first, db-2 of the second, db-3 is now. What db-3 holds was written by all three.

const SUBNET = '127.0.56';
const NODES = ['db-1', 'db-2', 'db-3'];
const PORT = 8080;
const TOKEN = 'a-token-for-tests';
const MAIN = join(import.meta.dirname, '../src/native-main.ts');
const ORDER_TIMEOUT_MS = 60_000;
const UNTIL_MS = 20_000;
const { engines } = await availableEngines();

const hostOf = (node: string): string => `${SUBNET}.${NODES.indexOf(node) + 1}`;

async function until<T>(
  what: string,
  check: () => Promise<T | null | false>,
  limitMs = UNTIL_MS,
): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const value = await check();
    if (value !== null && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${limitMs} ms`);
    await sleep(30);
  }
}

class NativeAgent {
  readonly #engine: EngineName;
  readonly #stateDir: string;
  #child: ChildProcess | null = null;
  #output = '';

  constructor(engine: EngineName, stateDir: string) {
    this.#engine = engine;
    this.#stateDir = stateDir;
  }

  async start(): Promise<void> {
    const nodes = NODES.map((node) => `${node}=${hostOf(node)}:${DEFAULT_PORT[this.#engine]}`);
    const child = spawn(process.execPath, [MAIN], {
      env: {
        ...process.env,
        DB_ENGINE: this.#engine,
        DB_NODES: nodes.join(','),
        NATIVE_STATE_DIR: this.#stateDir,
        SUPERVISED: '1',
        AGENT_TOKEN: TOKEN,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data: Buffer) => {
        this.#output += data;
      });
    }
    await until('the agents answer', async () => {
      if (child.exitCode !== null) throw new Error(`the agent ended:\n${this.#output}`);
      const answers = NODES.map((node) => fetch(`${this.#url(node)}/livez`).then(({ ok }) => ok));
      return (await Promise.all(answers).catch(() => [false])).every(Boolean);
    });
  }

  /** Answers the exit code; null after SIGKILL. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null) return null;
    child.kill(signal);
    await once(child, 'exit');
    return child.exitCode;
  }

  #url(node: string): string {
    return `http://${hostOf(node)}:${PORT}`;
  }

  async health(node: string): Promise<{ up: boolean; boot: { phase: string; message: string } }> {
    return (await (await fetch(`${this.#url(node)}/health`)).json()) as never;
  }

  /** The status, and the reason where the order was refused, or its id. */
  async give(node: string, order: object, token = TOKEN): Promise<{ answer: string; id: string }> {
    const response = await fetch(`${this.#url(node)}/orders`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}` },
      body: JSON.stringify(order),
    });
    const { code = '', detail = '', id = '' } = (await response.json()) as Record<string, string>;
    const reason = code === 'order-refused' ? detail : code;
    return { answer: `${response.status} ${reason}`.trim(), id };
  }

  /** Gives an order that must be taken, and answers how it ended. */
  async carryOut(node: string, order: object): Promise<{ result: string; message: string }> {
    const { answer, id } = await this.give(node, order);
    expect(answer).toBe('202');
    return until(
      `${JSON.stringify(order)} on ${node}`,
      async () => {
        const headers = { Authorization: `Bearer ${TOKEN}` };
        const response = await fetch(`${this.#url(node)}/orders/${id}`, { headers });
        const { result, message } = (await response.json()) as { result: string; message: string };
        return result === 'done' || result === 'failed' ? { result, message } : null;
      },
      ORDER_TIMEOUT_MS,
    );
  }
}

describe.each(engines)('the agent of plain %s processes', (name) => {
  const { admin, client } = engineOf(name);
  const { covers } = client.positions;
  let stateDir: string;
  let agent: NativeAgent;
  let cluster: Cluster;
  let written = 0;

  const rebuild = { order: 'rebuild', epoch: 3, source: 'db-3' };

  async function asAdmin<T>(node: string, work: (connection: Connection) => Promise<T>): Promise<T> {
    await using connection = await cluster.admin(node);
    return await work(connection);
  }
  const probe = (node: string) => asAdmin(node, (connection) => client.probe(connection));
  const insert = (node: string, email: string) =>
    asAdmin(node, (c) => c.query(`INSERT INTO users (name, email) VALUES ('x', '${email}')`));
  const emails = (node: string) =>
    asAdmin(node, async (c) =>
      (await c.query('SELECT email FROM users ORDER BY email')).rows.map(({ email }) => email),
    );
  const follows = async (node: string, source: string): Promise<boolean> => {
    const { position } = await probe(source);
    return covers((await probe(node)).position, position);
  };
  const promote = (node: string, epoch: number): Promise<void> =>
    asAdmin(node, (c) => admin.open(c, () => admin.writeEpoch(c, cluster.database, epoch, node)));

  /** The supervisor's part, once the order is carried out. A fresh node has no database of the lab to connect to. */
  async function attach(node: string, source: string): Promise<void> {
    const { accounts } = cluster;
    await using connection = await cluster.local(node).connectAdmin();
    await admin.attach(
      connection,
      cluster.endpoint(node),
      cluster.endpoint(source),
      accounts.replication[node]!,
    );
  }
  async function expectReplica(node: string, serverId: number | null): Promise<void> {
    await insert('db-3', `after-${++written}@example.test`);
    await until(`${node} has caught up`, () => follows(node, 'db-3').catch(() => false));
    expect(await emails(node)).toEqual(await emails('db-3'));
    expect(await probe(node)).toMatchObject({ role: 'replica', readOnly: true, epoch: 3, replicating: true });
    if (name === 'postgres' || serverId === null) return;
    const { rows } = await asAdmin(node, (c) => c.query('SELECT @@server_id AS id'));
    expect(Number(rows[0]?.id)).toBe(serverId);
  }

  beforeAll(async () => {
    stateDir = await mkdtemp('/var/tmp/rl-test-');
    await chmod(stateDir, 0o711);
    agent = new NativeAgent(name, stateDir);
    await agent.start();
    expect(await agent.health('db-2')).toMatchObject({ up: false, boot: { phase: 'waiting' } });

    const below = join(stateDir, name);
    await mkdir(below);
    cluster = await startCluster(name, { subnet: SUBNET, stateDir: below, supervised: true });
    await insert('db-1', 'first@example.test');
    // A chain, in which db-3 is never ahead of db-2, nor db-2 of db-1.
    await until('db-2 has caught up', () => follows('db-2', 'db-1'));
    await attach('db-3', 'db-2');
    await until('db-3 has caught up', () => follows('db-3', 'db-1'));
    await cluster.kill('db-1');
    await promote('db-2', 2);
    await insert('db-2', 'second@example.test');
    await until('db-3 has caught up', () => follows('db-3', 'db-2'));
    await cluster.kill('db-2');
    await promote('db-3', 3);
    await insert('db-3', 'third@example.test');
  });
  afterAll(async () => {
    await agent?.end('SIGKILL');
    await cluster?.[Symbol.asyncDispose]();
    if (stateDir) await rm(stateDir, { recursive: true, force: true });
  });

  test('says what each node does', async () => {
    expect(await agent.health('db-2')).toMatchObject({ up: false, boot: { phase: 'stopped' } });
    expect(await agent.health('db-3')).toMatchObject({
      up: true,
      role: 'primary',
      readOnly: false,
      epoch: 3,
      vip: false,
      boot: { phase: 'running' },
    });
  });

  test('does nothing for a stranger, for an earlier reign, or against the primary', async () => {
    expect((await agent.give('db-2', rebuild, 'another-token')).answer).toBe('401 unauthorised');
    expect((await agent.give('db-2', { ...rebuild, epoch: 2 })).answer).toMatch(/^409 .* not of 2$/);
    const against = { order: 'rebuild', epoch: 3, source: 'db-2' };
    expect((await agent.give('db-3', against)).answer).toMatch(/^409 db-2 does not answer/);
    const failed = await agent.carryOut('db-3', { order: 'initialise' });
    expect(failed).toMatchObject({
      result: 'failed',
      message: expect.stringMatching(/while its server runs/),
    });
    expect(await probe('db-3')).toMatchObject({ role: 'primary', readOnly: false });
  });

  test('restarts a node that is dead', async () => {
    const order = { order: 'restart', epoch: 3, source: 'db-3' };
    expect(await agent.carryOut('db-2', order)).toEqual({ result: 'done', message: '' });
    expect(await probe('db-2')).toMatchObject({ role: 'unknown', readOnly: true, epoch: 2 });
    expect(await agent.health('db-2')).toMatchObject({ up: true, boot: { phase: 'running' } });
  });

  test('makes a diverged node anew, which then gets back what it wrote as a primary', async () => {
    await asAdmin('db-2', (connection) => admin.open(connection));
    await insert('db-2', 'stray@example.test');
    expect(await emails('db-2')).toContain('stray@example.test');

    expect(await agent.carryOut('db-2', rebuild)).toEqual({ result: 'done', message: '' });
    await attach('db-2', 'db-3');
    await expectReplica('db-2', 12);
    expect(await emails('db-2')).toEqual(
      ['after-1', 'first', 'second', 'third'].map((who) => `${who}@example.test`),
    );
    expect((await agent.give('db-2', rebuild)).answer).toBe('409 this node replicates from db-3');
  });

  test('a frozen node is made anew, and an agent that is killed meanwhile leaves nothing in the way', async () => {
    await cluster.start('db-1');
    await cluster.kill('db-1', 'SIGSTOP');
    const { answer } = await agent.give('db-1', rebuild);
    expect(answer).toBe('202');
    expect((await agent.give('db-1', rebuild)).answer).toBe('409 order-pending');
    await until('the old data is gone', async () => {
      return cluster.local('db-1').isEmpty() || (await agent.health('db-1')).boot.phase === 'running';
    });
    await agent.end('SIGKILL');
    await agent.start();

    expect(await agent.carryOut('db-1', rebuild)).toEqual({ result: 'done', message: '' });
    await attach('db-1', 'db-3');
    await expectReplica('db-1', 21);
  });

  test('other processes start a node that was made anew under its new id', async () => {
    await cluster.kill('db-2');
    await cluster.start('db-2');
    await attach('db-2', 'db-3');
    await expectReplica('db-2', 12);
  });

  test('ends on SIGTERM, and the databases that it has started live on', async () => {
    const running = await cluster.local('db-1').running();
    await cluster.kill('db-2');
    expect((await agent.give('db-2', rebuild)).answer).toBe('202');
    expect(await agent.end('SIGTERM')).toBe(0);
    expect(running).not.toBeNull();
    expect(await cluster.local('db-1').running()).toEqual(running);
    expect(await probe('db-1')).toMatchObject({ role: 'replica', epoch: 3 });
    // What it was doing is given up, and can be done again.
    await cluster.local('db-2').rebuild(cluster.endpoint('db-3'));
    await cluster.start('db-2');
    await attach('db-2', 'db-3');
    await expectReplica('db-2', null);
  });
});
