import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineOf } from '../src/local/index.ts';
import { availableEngines, type Cluster, startCluster } from '../src/testing/index.ts';
import type { Connection, EngineName, Position, Reign } from '../src/types.ts';
import { waitFor } from '../src/wait-for.ts';

const { engines } = await availableEngines();
const UNTIL = { timeoutMs: 20_000, everyMs: 20 };

/** Promotions by hand, one upon the other: db-1 is lost with a write that nobody has, db-3 takes over from db-2 in order. */
describe.each(engines)('the reigns of %s primaries', (name: EngineName) => {
  const { admin, client } = engineOf(name);
  const { covers } = client.positions;
  let cluster: Cluster;
  let replicated: Position;
  let lost: Position;

  async function onNode<T>(node: string, work: (connection: Connection) => Promise<T>): Promise<T> {
    await using connection = await cluster.admin(node);
    return await work(connection);
  }
  const reigns = async (node: string, after = 0): Promise<readonly Reign[]> => {
    const { accounts, database } = cluster;
    await using monitor = await client.connect(cluster.endpoint(node), accounts.monitor, { database });
    return await client.reigns(monitor, after, { timeoutMs: 5000 });
  };
  const write = async (node: string, email: string): Promise<Position> => {
    const { accounts, database } = cluster;
    const limits = { size: 1, queueLimit: 0, connectTimeoutMs: 2000, acquireTimeoutMs: 2000 };
    const pool = client.createPool(cluster.endpoint(node), accounts.app, {
      database,
      mode: 'write',
      ...limits,
    });
    try {
      const { position } = await pool.write(`INSERT INTO users (name, email) VALUES ('x', '${email}')`, []);
      if (position.kind !== 'known') throw new Error('the position is not known');
      return position.position;
    } finally {
      await pool.close();
    }
  };
  const holds = async (node: string, position: Position): Promise<void> => {
    const held = async () => covers((await onNode(node, (c) => client.probe(c))).position, position);
    expect(await waitFor(held, UNTIL), `${node} holds ${position}`).toBe(true);
  };
  const promote = (node: string, epoch: number, options?: { lossless: boolean }) =>
    onNode(node, (connection) =>
      admin.open(connection, () => admin.writeEpoch(connection, cluster.database, epoch, node, options)),
    );
  const follow = (node: string, source: string) =>
    onNode(node, (c) =>
      admin.attach(c, cluster.endpoint(node), cluster.endpoint(source), cluster.accounts.replication[node]!),
    );

  beforeAll(async () => {
    cluster = await startCluster(name, { subnet: '127.0.43' });
  });
  afterAll(async () => cluster?.[Symbol.asyncDispose]());

  test('the first one is there, with a fork that older positions would be part of', async () => {
    const [first, ...others] = await reigns('db-1');
    expect(others).toEqual([]);
    expect(first).toMatchObject({ epoch: 1, node: 'db-1', lossless: false });
    expect(first?.fork).not.toBeNull();
    expect(first?.start).not.toBeNull();
    expect(await reigns('db-2')).toEqual([first]);
    expect(await reigns('db-1', 1)).toEqual([]);
  });

  test('a write that the new primary had is part of its history, one that it had not is lost', async () => {
    replicated = await write('db-1', 'replicated@example.test');
    await holds('db-2', replicated);
    await holds('db-3', replicated);
    await Promise.all(['db-2', 'db-3'].map((node) => onNode(node, (c) => admin.detach(c))));
    lost = await write('db-1', 'lost@example.test');
    await cluster.kill('db-1');
    await promote('db-2', 2);
    await follow('db-3', 'db-2');

    const [second] = await reigns('db-2', 1);
    expect(second).toMatchObject({ epoch: 2, node: 'db-2', lossless: false });
    expect(covers(second!.fork!, replicated), `${second!.fork} covers ${replicated}`).toBe(true);
    expect(covers(second!.fork!, lost), `${second!.fork} covers ${lost}`).toBe(false);
    // The replica's copy of the row says the same.
    const copied = async () => (await reigns('db-3', 1)).length === 1;
    expect(await waitFor(copied, UNTIL)).toBe(true);
    expect(await reigns('db-3', 1)).toEqual([second]);
  });

  test('its start is where the new reign begins, and every node of it gets there', async () => {
    const [second] = await reigns('db-2', 1);
    await holds('db-2', second!.start!);
    await holds('db-3', second!.start!);
    expect(covers(await write('db-2', 'second@example.test'), second!.start!) || name === 'mysql').toBe(true);
    if (name !== 'postgres') expect(second!.start).toBe(second!.fork);
    else {
      const timeline = (position: Position) =>
        Number(position.slice(position.lastIndexOf(',') + 1).split('/')[0]);
      expect(timeline(second!.start!)).toBe(timeline(replicated) + 1);
      expect(covers(second!.fork!, second!.start!), 'the new timeline is no part of what was before').toBe(
        false,
      );
    }
  });

  test('a repeat changes nothing, and a promotion can be called lossless', async () => {
    const before = await reigns('db-2');
    await onNode('db-2', (c) => admin.writeEpoch(c, cluster.database, 2, 'db-2', { lossless: true }));
    expect(await reigns('db-2')).toEqual(before);

    const last = await write('db-2', 'last-of-the-second@example.test');
    await holds('db-3', last);
    await onNode('db-2', (c) => admin.close(c));
    const closedAt = await onNode('db-2', (c) => client.probe(c));
    await holds('db-3', closedAt.position);
    await onNode('db-3', (c) => admin.detach(c));
    await promote('db-3', 3, { lossless: true });
    const [third] = await reigns('db-3', 2);
    expect(third).toMatchObject({ epoch: 3, node: 'db-3', lossless: true });
    expect(covers(third!.fork!, last)).toBe(true);
    expect(covers(third!.fork!, replicated)).toBe(true);
    expect(covers(third!.fork!, lost)).toBe(name === 'mariadb'); // sequence numbers went on: hence the second fork
  });

  test('a reign without a promotion goes on with the history of the last one', async () => {
    const last = await write('db-3', 'last-of-the-third@example.test');
    await onNode('db-3', (c) => admin.writeEpoch(c, cluster.database, 4, 'db-3'));
    const [fourth] = await reigns('db-3', 3);
    expect(covers(fourth!.fork!, last)).toBe(true);
  });

  test("an older lab's table: no forks, until the next reign writes its own", async () => {
    await onNode('db-3', async (c) => {
      for (const column of ['fork_position', 'start_position', 'lossless']) {
        await c.query(`ALTER TABLE lab_epoch DROP COLUMN ${column}`);
      }
    });
    const bare = (await reigns('db-3')).map(({ epoch, fork, start, lossless }) => [
      epoch,
      fork,
      start,
      lossless,
    ]);
    expect(bare).toEqual([1, 2, 3, 4].map((epoch) => [epoch, null, null, false]));
    const last = await write('db-3', 'last-of-the-fourth@example.test');
    await onNode('db-3', (c) => admin.writeEpoch(c, cluster.database, 5, 'db-3'));
    const all = await reigns('db-3');
    expect(all.map(({ fork }) => fork === null)).toEqual([true, true, true, true, false]);
    // PostgreSQL: whether the timeline has changed since the fourth nobody can tell, so nothing is claimed.
    expect(covers(all.at(-1)!.fork!, last)).toBe(name !== 'postgres');
  });

  test('the newest 64, oldest first; and none where there is no table', async () => {
    await onNode('db-3', async (c) => {
      for (let epoch = 100; epoch < 170; epoch += 1) {
        await c.query(
          `INSERT INTO lab_epoch (epoch, node, fork_position, start_position) VALUES (${epoch}, 'x', 'garbled', '')`,
        );
      }
    });
    const many = await reigns('db-3');
    expect(many.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 64 }, (_, i) => 106 + i));
    expect(many[0]).toEqual({ epoch: 106, node: 'x', fork: null, start: null, lossless: false });
    await onNode('db-3', async (c) => {
      await c.query('ALTER TABLE lab_epoch RENAME TO hidden_epoch');
      expect(await client.reigns(c, 0)).toEqual([]);
      await c.query('ALTER TABLE hidden_epoch RENAME TO lab_epoch');
    });
  });
});
