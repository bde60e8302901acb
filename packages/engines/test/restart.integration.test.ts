import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineOf } from '../src/local/index.ts';
import { availableEngines, type Cluster, startCluster } from '../src/testing/index.ts';
import type { Connection, EngineName, NodeProbe } from '../src/types.ts';
import { waitFor } from '../src/wait-for.ts';

const { engines } = await availableEngines();
const NODES = ['db-1', 'db-2', 'db-3'];
const GRACE_MS = 300;
const UNTIL = { timeoutMs: 20_000, everyMs: 20 };

/**
 * Who is opened after a stop. The tests build on one another: the first reign ends with the death of its primary, the
 * second ends in good order, the third begins without db-1, and so on.
 */
describe.each(engines)('%s nodes after a stop', (name: EngineName) => {
  const { client } = engineOf(name);
  let cluster: Cluster;

  async function onNode<T>(node: string, work: (connection: Connection) => Promise<T>): Promise<T> {
    await using connection = await cluster.admin(node);
    return await work(connection);
  }
  const probe = (node: string): Promise<NodeProbe> => onNode(node, (connection) => client.probe(connection));
  const insert = (node: string, email: string) =>
    onNode(node, (c) => c.query(`INSERT INTO users (name, email) VALUES ('x', '${email}')`));
  const emails = async (node: string): Promise<unknown[]> =>
    (await onNode(node, (c) => c.query('SELECT email FROM users ORDER BY email'))).rows.map(
      ({ email }) => email,
    );
  const appWrite = async (node: string): Promise<void> => {
    const { app } = cluster.accounts;
    await using connection = await client.connect(cluster.endpoint(node), app, {
      database: cluster.database,
    });
    await connection.query("INSERT INTO users (name, email) VALUES ('x', 'stray@example.test')");
  };
  /** All of them, and in such an order that the replicas hold everything. */
  async function stopAll(primary: string): Promise<void> {
    const others = NODES.filter((node) => node !== primary);
    // PostgreSQL's last words are a log record that standbys must have; it waits for them to take it.
    if (name === 'postgres') await cluster.stop(primary);
    else expect(await waitFor(() => caughtUp(primary, others), UNTIL)).toBe(true);
    await Promise.all(others.map((node) => cluster.stop(node)));
    // MySQL takes ten seconds to end while replicas are connected.
    await cluster.stop(primary);
  }
  async function caughtUp(primary: string, others: readonly string[]): Promise<boolean> {
    const { position } = await probe(primary);
    const up = await Promise.all(
      others.map(async (node) => (await cluster.local(node).running()) && probe(node)),
    );
    return up.every((other) => !other || client.positions.covers(other.position, position));
  }

  async function expectOnePrimary(primary: string, epoch: number, nodes = NODES): Promise<void> {
    for (const node of nodes) {
      const expected = { role: node === primary ? 'primary' : 'replica', readOnly: node !== primary, epoch };
      expect(await probe(node), node).toMatchObject(expected);
      if (node !== primary) await expect(appWrite(node), node).rejects.toMatchObject({ code: 'read-only' });
    }
  }

  beforeAll(async () => {
    cluster = await startCluster(name, { subnet: '127.0.31' });
  });
  afterAll(async () => cluster?.[Symbol.asyncDispose]());

  test('a killed primary comes back closed, and bootstrap opens it for a new reign', async () => {
    await insert('db-1', '1@example.test');
    await cluster.kill('db-1');
    await cluster.start('db-1');
    expect(await probe('db-1')).toMatchObject({ role: 'unknown', readOnly: true, epoch: 1 });
    await expect(appWrite('db-1')).rejects.toMatchObject({ code: 'read-only' });

    expect(await cluster.bootstrap()).toMatchObject({
      action: 'reopened',
      primary: 'db-1',
      epoch: 2,
      refused: [],
    });
    await expectOnePrimary('db-1', 2);
  });

  test('two of three go on without the third, which follows when it is back', async () => {
    await insert('db-1', '2@example.test');
    await stopAll('db-1');
    await Promise.all(['db-2', 'db-3'].map((node) => cluster.start(node)));
    const result = await cluster.bootstrap({ graceMs: GRACE_MS });
    expect(result).toMatchObject({ action: 'reopened', epoch: 3, silent: ['db-1'], refused: [] });
    await expectOnePrimary(result.primary, 3, ['db-2', 'db-3']);
    await insert(result.primary, '3@example.test');
    await stopAll(result.primary);
  });

  test('not the first to boot is opened, but the one with the newest history', async () => {
    await cluster.start('db-1');
    await expect(cluster.bootstrap({ graceMs: GRACE_MS })).rejects.toMatchObject({ code: 'too-few-nodes' });
    expect(await probe('db-1')).toMatchObject({ readOnly: true, epoch: 2 });

    await Promise.all(['db-2', 'db-3'].map((node) => cluster.start(node)));
    const result = await cluster.bootstrap();
    expect(result).toMatchObject({ action: 'reopened', epoch: 4, silent: [], refused: [] });
    expect(result.primary).not.toBe('db-1');
    expect(result.replicas).toContain('db-1');
    await expectOnePrimary(result.primary, 4);
    for (const node of NODES)
      expect(await emails(node), node).toEqual([1, 2, 3].map((n) => `${n}@example.test`));
  });

  test('a node with writes that the primary lacks is named and left closed', async () => {
    const primary = (await cluster.bootstrap()).primary;
    const others = NODES.filter((node) => node !== primary);
    await Promise.all(others.map((node) => cluster.kill(node)));
    await insert(primary, 'lost@example.test'); // acknowledged, and on no replica
    await cluster.kill(primary);
    await Promise.all(others.map((node) => cluster.start(node)));
    const next = await cluster.bootstrap({ graceMs: GRACE_MS });
    expect(next).toMatchObject({ action: 'reopened', epoch: 5, silent: [primary] });
    await insert(next.primary, '5@example.test');
    await insert(next.primary, '6@example.test');

    await cluster.start(primary);
    const result = await cluster.bootstrap();
    expect(result).toMatchObject({ action: 'kept', primary: next.primary, epoch: 5 });
    expect(result.refused.map(({ node }) => node)).toEqual([primary]);
    expect(await probe(primary)).toMatchObject({ readOnly: true, epoch: 4 });
    await expectOnePrimary(next.primary, 5, others);
  });
});
