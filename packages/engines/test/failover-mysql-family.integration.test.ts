import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { replicationUser } from '../src/config.ts';
import type { NodeState } from '../src/failover.ts';
import { engineOf } from '../src/local/index.ts';
import { availableEngines, type Cluster, startCluster } from '../src/testing/index.ts';
import { type Connection, EngineError, type EngineName } from '../src/types.ts';
import { waitFor } from '../src/wait-for.ts';
import { errorOf } from './support/client-cluster.ts';

const { engines } = await availableEngines();
const family = engines.filter((engine) => engine !== 'postgres');
const UNTIL = { timeoutMs: 20_000, everyMs: 20 };
const REPLICAS = ['db-2', 'db-3'];
const INSERT = "INSERT INTO users (name, email) VALUES ('x', ?)";

/** A few clients of a node, each writing row after row until its connection ends. */
class Writers {
  readonly acknowledged: string[] = [];
  readonly #running: Promise<void>;

  constructor(connections: readonly Connection[], label: string) {
    this.#running = Promise.all(
      connections.map((connection, i) => this.#write(connection, `${label}-${i}`)),
    ).then(() => {});
  }

  async #write(connection: Connection, label: string): Promise<void> {
    try {
      for (let n = 0; n < 100_000; n++) {
        const email = `${label}-${n}@example.test`;
        await connection.query(INSERT, [email], { timeoutMs: 10_000 });
        this.acknowledged.push(email);
      }
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
    } finally {
      connection.destroy();
    }
  }

  async ended(): Promise<void> {
    await this.#running;
  }
}

/** A failover by hand, order by order. The tests build on one another, as the cluster's life does. */
describe.each(family)('the failover of %s', (name: EngineName) => {
  const { client, failover } = engineOf(name);
  const { covers } = client.positions;
  let cluster: Cluster;
  let candidate = 'db-2';
  let other = 'db-3';

  const openChannel = (node: string): Promise<Connection> => {
    const { accounts, database } = cluster;
    return failover.openChannel(cluster.endpoint(node), accounts.supervisor, {
      database,
      connectTimeoutMs: 2000,
    });
  };
  async function onChannel<T>(node: string, work: (channel: Connection) => Promise<T>): Promise<T> {
    await using channel = await openChannel(node);
    return await work(channel);
  }
  const observe = (node: string): Promise<NodeState> => onChannel(node, (c) => failover.observe(c));
  const becomes = async (node: string, is: (state: NodeState) => boolean, what: string): Promise<void> => {
    const seen = await waitFor(async () => is(await observe(node)), UNTIL);
    if (!seen) throw new Error(`${node}: ${what} did not come: ${JSON.stringify(await observe(node))}`);
  };
  /** Twice, because every order may be given again. */
  const order = (node: string, work: (channel: Connection) => Promise<void>): Promise<void> =>
    onChannel(node, async (channel) => {
      await work(channel);
      await work(channel);
    });
  const detach = (node: string) => order(node, (c) => failover.detach(c, { timeoutMs: 5000 }));
  const follow = (node: string, source: string) =>
    order(node, (c) =>
      failover.follow(
        c,
        cluster.endpoint(node),
        cluster.endpoint(source),
        cluster.accounts.replication[node]!,
      ),
    );
  const arm = (node: string, voters: readonly string[]) =>
    order(node, (c) =>
      failover.arm(
        c,
        voters.map((voter) => cluster.endpoint(voter)),
      ),
    );
  const establish =
    (node: string, epoch: number, timeoutMs = 10_000) =>
    (channel: Connection) =>
      failover.establish(channel, { database: cluster.database, epoch, node }, { timeoutMs });
  const confirmedBy = (node: string, ...replicas: readonly string[]) =>
    becomes(
      node,
      ({ quorum }) => replicas.every((replica) => quorum.confirming.includes(replicationUser(replica))),
      `confirmation by ${replicas}`,
    );

  const asApp = (node: string): Promise<Connection> =>
    client.connect(cluster.endpoint(node), cluster.accounts.app, { database: cluster.database });
  const write = async (node: string, email: string): Promise<void> => {
    await using app = await asApp(node);
    await app.query(INSERT, [email], { timeoutMs: 20_000 });
  };
  const waitingCommits = async (node: string): Promise<number> => {
    await using admin = await cluster.admin(node);
    const { rows } = await admin.query("SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_%_wait_sessions'");
    return Number(rows[0]?.Value);
  };
  const emailsOn = async (node: string): Promise<ReadonlySet<unknown>> => {
    await using admin = await cluster.admin(node);
    return new Set((await admin.query('SELECT email FROM users')).rows.map(({ email }) => email));
  };
  /** What was lost of `emails`; the node may still be catching up. */
  const missingOn = async (node: string, emails: readonly string[]): Promise<readonly string[]> => {
    const missing = async () => {
      const present = await emailsOn(node);
      return emails.filter((email) => !present.has(email));
    };
    await waitFor(async () => (await missing()).length === 0, UNTIL);
    return missing();
  };
  const refusal = async (node: string): Promise<unknown> => {
    const error = await errorOf(write(node, 'refused@example.test'));
    return { code: error.code, errno: (error.cause as { errno?: number } | undefined)?.errno };
  };

  beforeAll(async () => {
    cluster = await startCluster(name, { subnet: '127.0.53', supervised: true });
  });
  afterAll(async () => cluster?.[Symbol.asyncDispose]());

  test('what the nodes say of themselves', async () => {
    const primary = await observe('db-1');
    expect(primary).toMatchObject({
      role: 'primary',
      readOnly: false,
      promoted: true,
      detached: true,
      linked: false,
      sourceSign: null,
      applyTrouble: null,
      epoch: 1,
      quorum: { armed: false, voters: null },
    });
    expect(primary.quorum.trouble).toMatch(/not enabled/);
    expect(primary.held).toBe(primary.position);
    for (const replica of REPLICAS) {
      const state = await observe(replica);
      expect(state).toMatchObject({
        role: 'replica',
        readOnly: true,
        promoted: false,
        detached: false,
        linked: true,
        applyTrouble: null,
        quorum: { armed: false, confirming: [] },
      });
      await becomes(replica, ({ sourceSign }) => sourceSign !== state.sourceSign, 'a sign of its source');
    }
    expect((await observe('db-1')).bootId).toBe(primary.bootId);
  });

  test("a node's lock is one session's, and free again when that falls silent", async () => {
    const first = await openChannel('db-3');
    const second = await openChannel('db-3');
    expect(await failover.lock(first)).toBe(true);
    expect(await failover.lock(first)).toBe(true);
    expect(await failover.lock(second)).toBe(false);
    await failover.unlock(first);
    expect(await failover.lock(second)).toBe(true);
    expect(await failover.lock(first)).toBe(false);

    // The first goes on asking, and the second says nothing more.
    expect(await waitFor(() => failover.lock(first), UNTIL)).toBe(true);
    expect(await errorOf(failover.observe(second, { timeoutMs: 2000 }))).toMatchObject({
      code: 'connection-lost',
    });
    expect(await errorOf(failover.detach(second, { timeoutMs: 2000 }))).toMatchObject({
      code: 'connection-lost',
    });
    expect(await observe('db-3')).toMatchObject({ detached: false });
    await first.close();
  });

  test('a commit on an armed primary waits for a replica, however long', async () => {
    await arm('db-1', REPLICAS);
    expect((await observe('db-1')).quorum).toMatchObject({ armed: true, trouble: null });
    await confirmedBy('db-1', ...REPLICAS);
    await write('db-1', 'confirmed@example.test');

    await Promise.all(REPLICAS.map(detach));
    for (const replica of REPLICAS) {
      expect(await observe(replica)).toMatchObject({ detached: true, linked: false, applyTrouble: null });
    }
    let isAcknowledged = false;
    const commit = write('db-1', 'waits@example.test').then(() => {
      isAcknowledged = true;
    });
    expect(await waitFor(async () => (await waitingCommits('db-1')) === 1, UNTIL)).toBe(true);

    // To close it has to wait for that commit, and the channel outlives its deadline.
    await onChannel('db-1', async (channel) => {
      expect(await failover.lock(channel)).toBe(true);
      expect(await errorOf(failover.close(channel, { timeoutMs: 1500 }))).toMatchObject({ code: 'timeout' });
      expect(await failover.lock(channel)).toBe(true);
      expect(await failover.observe(channel)).toMatchObject({ readOnly: false });
    });
    expect(isAcknowledged).toBe(false);
    expect(await emailsOn('db-1')).not.toContain('waits@example.test');

    await follow('db-3', 'db-1');
    await commit;
    expect(await missingOn('db-3', ['waits@example.test'])).toEqual([]);
    await follow('db-2', 'db-1');
    await confirmedBy('db-1', ...REPLICAS);
  });

  test('a frozen primary can be fenced, and acknowledges nothing when it wakes', async () => {
    await cluster.kill('db-1', 'SIGSTOP');
    await Promise.all(REPLICAS.map(detach));
    for (const replica of REPLICAS) expect(await observe(replica)).toMatchObject({ detached: true });
    await cluster.kill('db-1', 'SIGCONT');
    let isAcknowledged = false;
    const commit = write('db-1', 'woken@example.test').then(() => {
      isAcknowledged = true;
    });
    expect(await waitFor(async () => (await waitingCommits('db-1')) === 1, UNTIL)).toBe(true);
    expect(isAcknowledged).toBe(false);
    await Promise.all(REPLICAS.map((replica) => follow(replica, 'db-1')));
    await commit;
    await confirmedBy('db-1', ...REPLICAS);
  });

  test('orders that would lose something are refused', async () => {
    const refused = async (node: string, work: (channel: Connection) => Promise<void>) =>
      expect(await errorOf(onChannel(node, work))).toMatchObject({ code: 'other' });
    await refused('db-2', (c) => failover.arm(c, []));
    await refused('db-2', (c) => failover.promote(c));
    await refused('db-2', (c) => failover.open(c));
    await refused('db-2', establish('db-2', 2));
    const account = cluster.accounts.replication['db-1']!;
    await refused('db-1', (c) =>
      failover.follow(c, cluster.endpoint('db-1'), cluster.endpoint('db-2'), account),
    );
    expect(await observe('db-2')).toMatchObject({ source: '127.0.53.1', linked: true, epoch: 1 });
  });

  test('a detached replica stays detached through a crash, until it is told to follow', async () => {
    await detach('db-3');
    const before = await observe('db-3');
    await cluster.kill('db-3');
    await cluster.start('db-3');
    const after = await observe('db-3');
    expect(after).toMatchObject({ detached: true, linked: false, readOnly: true, promoted: false });
    expect(after.bootId).not.toBe(before.bootId);
    await write('db-1', 'without-db-3@example.test');
    await follow('db-3', 'db-1');
    expect(await missingOn('db-3', ['without-db-3@example.test'])).toEqual([]);
    await confirmedBy('db-1', ...REPLICAS);
  });

  test('a whole failover under load loses nothing that was acknowledged', async () => {
    const connections = await Promise.all(Array.from({ length: 4 }, () => asApp('db-1')));
    const writers = new Writers(connections, 'load');
    expect(await waitFor(() => writers.acknowledged.length >= 200, UNTIL)).toBe(true);
    await cluster.kill('db-1');
    await writers.ended();

    await Promise.all(REPLICAS.map(detach));
    const states = new Map(
      await Promise.all(REPLICAS.map(async (node) => [node, await observe(node)] as const)),
    );
    const heldBy = (node: string) => states.get(node)!.held;
    if (!covers(heldBy('db-2'), heldBy('db-3'))) [candidate, other] = [other, candidate];
    expect(covers(heldBy(candidate), heldBy(other))).toBe(true);
    for (const node of REPLICAS) {
      await becomes(node, ({ position, held }) => covers(position, held), 'all applied');
      expect(covers((await observe(node)).held, heldBy(node)), 'nothing received was lost').toBe(true);
    }

    await arm(candidate, [other]);
    expect(await observe(candidate)).toMatchObject({
      source: null,
      detached: true,
      readOnly: true,
      promoted: false,
      quorum: { armed: true, confirming: [] },
    });
    await follow(other, candidate);
    await confirmedBy(candidate, other);
    expect(await observe(candidate)).toMatchObject({ promoted: false, readOnly: true });
    await order(candidate, (c) => failover.promote(c));
    expect(await observe(candidate)).toMatchObject({ promoted: true, readOnly: true, epoch: 1 });
    expect(await refusal(candidate)).toEqual({ code: 'read-only', errno: 1290 });

    await order(candidate, establish(candidate, 2));
    expect(await observe(candidate)).toMatchObject({ promoted: true, readOnly: true, epoch: 2 });
    await becomes(other, ({ epoch }) => epoch === 2, 'the new epoch');
    await order(candidate, (c) => failover.open(c));
    expect(await observe(candidate)).toMatchObject({ role: 'primary', readOnly: false, promoted: true });
    await write(candidate, 'after@example.test');

    const wanted = [...writers.acknowledged, 'waits@example.test', 'after@example.test'];
    expect(await missingOn(candidate, wanted)).toEqual([]);
    expect(await missingOn(other, wanted)).toEqual([]);
    const channel = await openChannel(candidate);
    expect(await client.reigns(channel, 1)).toMatchObject([{ epoch: 2, node: candidate, lossless: true }]);
    await channel.close();
  });

  test('the old primary comes back closed, and follows nobody', async () => {
    await cluster.start('db-1');
    expect(await observe('db-1')).toMatchObject({
      role: 'unknown',
      readOnly: true,
      promoted: false,
      detached: true,
      source: null,
      epoch: 1,
      quorum: { armed: false },
    });
    expect(await refusal('db-1')).toMatchObject({ code: 'read-only' });
    await cluster.kill('db-1');
  });

  test('a reign that nobody confirms is not established, and its lock is not kept', async () => {
    await detach(other);
    await onChannel(candidate, async (channel) => {
      expect(await failover.lock(channel)).toBe(true);
      expect(await errorOf(establish(candidate, 3, 1000)(channel))).toMatchObject({
        code: 'outcome-unknown',
      });
      expect(await errorOf(establish(candidate, 3, 3000)(channel))).toMatchObject({
        code: 'outcome-unknown',
      });
      expect(await failover.observe(channel)).toMatchObject({ epoch: 2 });
    });
    await onChannel(candidate, async (channel) => {
      expect(await waitFor(() => failover.lock(channel), UNTIL)).toBe(true);
    });
    await follow(other, candidate);
    await becomes(candidate, ({ epoch }) => epoch === 3, 'the row');
    await confirmedBy(candidate, other);
    await order(candidate, establish(candidate, 3));
  });

  test('a closed primary refuses, a transaction that stood idle too, and it can be opened again', async () => {
    const { accounts, database } = cluster;
    const options = { database, connectTimeoutMs: 2000 };
    await using idle = await client.connect(cluster.endpoint(candidate), accounts.app, options);
    await idle.query('BEGIN');
    await idle.query(INSERT, ['idle@example.test']);
    await order(candidate, (c) => failover.close(c));
    expect(await observe(candidate)).toMatchObject({ readOnly: true, promoted: true, demotable: true });
    expect(await errorOf(idle.query('COMMIT'))).toMatchObject({ code: 'read-only' });
    expect(await refusal(candidate)).toEqual({ code: 'read-only', errno: 1290 });
    await order(candidate, (c) => failover.open(c));
    await write(candidate, 'opened-again@example.test');
    expect(await emailsOn(candidate)).not.toContain('idle@example.test');
    expect(await errorOf(onChannel(candidate, (c) => failover.demote(c)))).toMatchObject({ code: 'other' });
  });

  test('a planned change: the primary closes, and follows its successor', async () => {
    await write(candidate, 'before-the-change@example.test');
    await order(candidate, (c) => failover.close(c, { timeoutMs: 10_000 }));
    await order(candidate, (c) => failover.demote(c));
    const closed = await observe(candidate);
    expect(closed).toMatchObject({ readOnly: true, promoted: false, epoch: 3 });
    await becomes(other, ({ position }) => covers(position, closed.held), 'all of it');
    await detach(other);
    await arm(other, [candidate]);
    await follow(candidate, other);
    await confirmedBy(other, candidate);
    await order(other, (c) => failover.promote(c));
    await order(other, establish(other, 4));
    await order(other, (c) => failover.open(c));
    await write(other, 'after-the-change@example.test');
    const wanted = ['before-the-change@example.test', 'after-the-change@example.test'];
    expect(await missingOn(candidate, wanted)).toEqual([]);
    expect(await observe(candidate)).toMatchObject({
      role: 'replica',
      linked: true,
      quorum: { armed: false },
    });
  });
});
