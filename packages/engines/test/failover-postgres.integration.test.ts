import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NodeState } from '../src/failover.ts';
import { engineOf } from '../src/local/index.ts';
import { quorumOf } from '../src/postgres/standby-names.ts';
import { availableEngines, type Cluster, startCluster } from '../src/testing/index.ts';
import type { Connection, Endpoint, NodePool } from '../src/types.ts';
import { waitFor } from '../src/wait-for.ts';
import { errorOf } from './support/client-cluster.ts';

const { engines } = await availableEngines();
const UNTIL = { timeoutMs: 20_000, everyMs: 20 };
const INSERT = `INSERT INTO users (name, email) VALUES ('x', $1)`;

test.each([
  ['', [], false],
  ['ANY 1 (*)', ['*'], false],
  ['ANY 1 (db_2, db_3)', ['db_2', 'db_3'], true],
  ['FIRST 2 ("db_2",db_3)', ['db_2', 'db_3'], true],
  ['db_2, db_3', ['db_2', 'db_3'], true],
])('who confirms by the list %s', (names, voters, isSafe) => {
  expect(quorumOf(names, 'on')).toMatchObject({ voters });
  expect(quorumOf(names, 'on').trouble === null).toBe(isSafe);
  expect(quorumOf(names, 'local').trouble).not.toBeNull();
});

/** One cluster, one story: armed, fenced, lost; taken over; and once more, wrongly. */
describe.runIf(engines.includes('postgres'))('a PostgreSQL failover by hand', () => {
  const { client, failover } = engineOf('postgres');
  const { covers } = client.positions;
  const pools: NodePool[] = [];
  let cluster: Cluster;
  let serial = 0;
  /** After the failover. */
  let primary: string;
  let replica: string;

  const channelTo = (node: string): Promise<Connection> => {
    const { accounts, database } = cluster;
    return failover.openChannel(cluster.endpoint(node), accounts.supervisor, {
      database,
      connectTimeoutMs: 2000,
    });
  };
  /** A new channel for every order: nothing may depend on the one that came before. */
  async function on<T>(node: string, work: (channel: Connection) => Promise<T>): Promise<T> {
    await using channel = await channelTo(node);
    return await work(channel);
  }
  const observe = (node: string): Promise<NodeState> => on(node, (channel) => failover.observe(channel));
  const detach = (node: string): Promise<void> => on(node, (channel) => failover.detach(channel));
  const follow = (node: string, source: string): Promise<void> => {
    const [self, other] = endpoints([node, source]) as [Endpoint, Endpoint];
    return on(node, (c) => failover.follow(c, self, other, cluster.accounts.replication[node]!));
  };
  const arm = (node: string, ...voters: string[]): Promise<void> =>
    on(node, (channel) => failover.arm(channel, endpoints(voters)));
  const endpoints = (names: readonly string[]): Endpoint[] => names.map((name) => cluster.endpoint(name));
  const user = (node: string): string => cluster.accounts.replication[node]!.user;
  const confirms = async (node: string, ...voters: string[]): Promise<void> => {
    const all = async () => {
      const { confirming } = (await observe(node)).quorum;
      return voters.every((voter) => confirming.includes(user(voter)));
    };
    expect(await waitFor(all, UNTIL), `${voters} confirm what ${node} commits`).toBe(true);
  };
  const poolOf = (node: string): NodePool => {
    const { accounts, database } = cluster;
    const limits = { size: 8, queueLimit: 20, connectTimeoutMs: 2000, acquireTimeoutMs: 2000 };
    const options = { database, mode: 'write', ...limits } as const;
    const pool = client.createPool(cluster.endpoint(node), accounts.app, options);
    pools.push(pool);
    return pool;
  };
  const email = (): string => {
    serial += 1;
    return `failover-${serial}@example.test`;
  };
  const write = async (node: string): Promise<void> => {
    await poolOf(node).write(INSERT, [email()], { timeoutMs: 10_000 });
  };
  const askAs = async (node: string, sql: string): Promise<unknown> => {
    await using connection = await cluster.admin(node);
    return Object.values((await connection.query(sql)).rows[0] ?? {})[0];
  };
  const isWaiting = (node: string) => async () =>
    Number(
      await askAs(
        node,
        `SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND usename = 'app'`,
      ),
    ) > 0;

  beforeAll(async () => {
    cluster = await startCluster('postgres', { subnet: '127.0.52' });
  });
  afterAll(async () => {
    await Promise.all(pools.map((pool) => pool.close(200)));
    await cluster?.[Symbol.asyncDispose]();
  });

  test('what nodes say of themselves', async () => {
    const [first, second] = await Promise.all([observe('db-1'), observe('db-2')]);
    expect(first).toMatchObject({ role: 'primary', promoted: true, readOnly: false, detached: true });
    expect(first).toMatchObject({ linked: false, sourceSign: null, applyTrouble: null });
    expect(first.quorum).toMatchObject({ armed: false, voters: [], confirming: [] });
    expect(first.quorum.trouble).not.toBeNull();
    expect(second).toMatchObject({ promoted: false, readOnly: true, detached: false, linked: true });
    expect(second).toMatchObject({ applyTrouble: null, role: 'replica' });
    expect(second.sourceSign).toEqual(expect.any(String));
    expect(second.bootId).not.toBe(first.bootId);
    const isLater = async () => (await observe('db-2')).sourceSign !== second.sourceSign;
    await write('db-1');
    expect(await waitFor(isLater, UNTIL)).toBe(true);
    expect((await observe('db-2')).bootId).toBe(second.bootId);
  });

  test('the lock: one holder, counted once, and free when its channel has fallen silent', async () => {
    await using one = await channelTo('db-2');
    await using two = await channelTo('db-2');
    expect(await failover.lock(one)).toBe(true);
    expect(await failover.lock(one)).toBe(true);
    expect(await failover.lock(two)).toBe(false);
    await failover.unlock(one);
    expect(await failover.lock(two)).toBe(true);
    expect(await failover.lock(one)).toBe(false);
    // From now on the second says nothing, as if it were frozen.
    expect(await waitFor(() => failover.lock(one), UNTIL)).toBe(true);
    expect((await errorOf(failover.observe(two))).code).toBe('connection-lost');
    await failover.unlock(one);
    await failover.unlock(one);
  });

  test('a primary is not armed before the process that makes commits wait has heard of it', async () => {
    const who = `SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'`;
    const pid = Number(await askAs('db-1', who));
    process.kill(pid, 'SIGSTOP');
    try {
      const voters = endpoints(['db-2', 'db-3']);
      const arming = on('db-1', (channel) => failover.arm(channel, voters, { timeoutMs: 1000 }));
      expect((await errorOf(arming)).code).toBe('timeout');
      // Whoever only looks at the settings would be deceived.
      expect((await observe('db-1')).quorum.voters).toEqual(['db-2', 'db-3'].map(user));
      await Promise.all([detach('db-2'), detach('db-3')]);
      await write('db-1');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await arm('db-1', 'db-2', 'db-3');
    await Promise.all([follow('db-2', 'db-1'), follow('db-3', 'db-1')]);
    await confirms('db-1', 'db-2', 'db-3');
  });

  test('an armed primary acknowledges nothing that no voter has', async () => {
    await arm('db-1', 'db-2', 'db-3');
    await arm('db-1', 'db-2', 'db-3');
    const voters = [user('db-2'), user('db-3')];
    expect((await observe('db-1')).quorum).toMatchObject({ armed: true, trouble: null, voters });
    await confirms('db-1', 'db-2', 'db-3');
    await write('db-1');

    await Promise.all([detach('db-2'), detach('db-3')]);
    await Promise.all([detach('db-2'), detach('db-3')]);
    for (const node of ['db-2', 'db-3']) {
      expect(await observe(node)).toMatchObject({ detached: true, linked: false, promoted: false });
    }
    const waiting = poolOf('db-1').write(INSERT, [email()], { timeoutMs: 30_000 });
    const ended = waiting.then(
      () => true,
      () => true,
    );
    expect(await waitFor(isWaiting('db-1'), UNTIL)).toBe(true);
    // Changing who may confirm, with nobody there, must not let it go.
    await arm('db-1', 'db-3');
    await arm('db-1', 'db-2', 'db-3');
    expect(await isWaiting('db-1')()).toBe(true);
    expect(await Promise.race([ended, Promise.resolve(false)])).toBe(false);
    await follow('db-2', 'db-1');
    await waiting;
    await follow('db-3', 'db-1');
    await follow('db-3', 'db-1');
    await confirms('db-1', 'db-2', 'db-3');
  });

  test('nobody is armed with no voters, no replica while it follows, and only the armed are promoted', async () => {
    expect((await errorOf(arm('db-1'))).code).toBe('bad-statement');
    expect((await errorOf(arm('db-2', 'db-3'))).message).toMatch('detach it first');
    const promote = (node: string) => on(node, (channel) => failover.promote(channel));
    expect((await errorOf(promote('db-2'))).message).toMatch('not armed');
    expect((await errorOf(follow('db-1', 'db-2'))).message).toMatch('is a primary');
    expect((await errorOf(on('db-2', (c) => failover.open(c)))).message).toMatch('is a replica');
  });

  test('a fence survives a crash of the fenced', async () => {
    await detach('db-3');
    const before = await observe('db-3');
    await cluster.kill('db-3');
    await cluster.start('db-3');
    await write('db-1');
    const after = await observe('db-3');
    expect(after).toMatchObject({ detached: true, linked: false });
    expect(after.bootId).not.toBe(before.bootId);
    const isAllThere = async () => covers((await observe('db-3')).held, before.held);
    expect(await waitFor(isAllThere, UNTIL)).toBe(true);
    await follow('db-3', 'db-1');
    await confirms('db-1', 'db-3');
  });

  test.each([
    ['paused', 'SELECT pg_wal_replay_pause()'],
    ['held up by a reader', 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM users'],
  ])('a fence takes while replay is %s', async (how, hindrance) => {
    await using hinderer = await cluster.admin('db-3');
    const isHeldUp = async () => (await observe('db-3')).applyTrouble !== null;
    if (how !== 'paused') {
      // Or the reader would be cancelled, or would keep the primary from removing what it reads.
      await hinderer.query(`ALTER SYSTEM SET max_standby_streaming_delay = '-1'`);
      await hinderer.query(`ALTER SYSTEM SET hot_standby_feedback = 'off'`);
      await hinderer.query('SELECT pg_reload_conf()');
      await waitFor(async () => (await askAs('db-3', 'SHOW max_standby_streaming_delay')) === '-1', UNTIL);
      await confirms('db-1', 'db-3');
    }
    await hinderer.query(hindrance);
    await using vacuum = await cluster.admin('db-1');
    const trouble = await waitFor(async () => {
      await write('db-1');
      await vacuum.query('DELETE FROM users WHERE id = (SELECT min(id) FROM users)');
      await vacuum.query('VACUUM users');
      return await isHeldUp();
    }, UNTIL);
    expect(trouble).toBe(true);
    await detach('db-3');
    expect(await observe('db-3')).toMatchObject({ detached: true });
    const isAsBefore = async () => (await askAs('db-3', 'SHOW wal_receiver_timeout')) === '2s';
    expect(await waitFor(isAsBefore, UNTIL)).toBe(true);
    await using after = await cluster.admin('db-3');
    for (const setting of ['max_standby_streaming_delay', 'hot_standby_feedback']) {
      await after.query(`ALTER SYSTEM RESET ${setting}`);
    }
    await after.query('SELECT pg_reload_conf()');
    await follow('db-3', 'db-1');
    await confirms('db-1', 'db-3');
    expect(await waitFor(async () => !(await isHeldUp()), UNTIL)).toBe(true);
  });

  test('a standby whose replay is paused goes on with it when it follows somebody', async () => {
    await detach('db-3');
    await using admin = await cluster.admin('db-3');
    await admin.query('SELECT pg_wal_replay_pause()');
    await follow('db-3', 'db-1');
    await confirms('db-1', 'db-3');
    expect((await observe('db-3')).applyTrouble).toBeNull();
  });

  test('the primary is killed under load: a replica takes over, with every acknowledged write', async () => {
    const acknowledged: string[] = [];
    const pool = poolOf('db-1');
    const isWritten = (address: string) =>
      pool.write(INSERT, [address], { timeoutMs: 5000 }).then(
        () => true,
        () => false,
      );
    const writer = async (): Promise<void> => {
      for (let address = email(); await isWritten(address); address = email()) acknowledged.push(address);
    };
    const writers = Array.from({ length: 4 }, writer);
    expect(await waitFor(() => acknowledged.length >= 200, UNTIL)).toBe(true);
    await cluster.kill('db-1');
    await Promise.all(writers);

    await Promise.all([detach('db-2'), detach('db-3')]);
    await Promise.all([detach('db-2'), detach('db-3')]);
    const [second, third] = await Promise.all([observe('db-2'), observe('db-3')]);
    [primary, replica] = covers(second.held, third.held) ? ['db-2', 'db-3'] : ['db-3', 'db-2'];
    const [more, less] = primary === 'db-2' ? [second, third] : [third, second];
    expect(covers(more.held, less.held)).toBe(true);
    const isDrained = async () => covers((await observe(primary)).position, more.received);
    expect(await waitFor(isDrained, UNTIL)).toBe(true);

    await arm(primary, replica);
    await arm(primary, replica);
    await follow(replica, primary);
    await confirms(primary, replica);
    expect(await observe(replica)).toMatchObject({ detached: false });
    const promote = () => on(primary, (channel) => failover.promote(channel));
    await promote();
    await promote();
    expect(await observe(primary)).toMatchObject({ promoted: true, readOnly: true, detached: true });
    expect((await errorOf(write(primary))).code).toBe('read-only');

    const reign = { database: cluster.database, epoch: more.epoch + 1, node: primary };
    const establish = (node: string) =>
      on(primary, (channel) => failover.establish(channel, { ...reign, node }));
    await establish(primary);
    await establish(primary);
    expect((await errorOf(establish(replica))).message).toMatch('belongs to');
    expect((await errorOf(write(primary))).code).toBe('read-only');
    await on(primary, async (channel) => {
      const [row] = await client.reigns(channel, more.epoch);
      expect(row).toMatchObject({ epoch: reign.epoch, node: primary, lossless: true });
      // The channel that established is again as others are.
      await failover.establish(channel, reign);
      expect(await failover.observe(channel)).toMatchObject({ readOnly: true, epoch: reign.epoch });
    });
    const open = () => on(primary, (channel) => failover.open(channel));
    await open();
    await open();
    await write(primary);
    expect(await observe(primary)).toMatchObject({ role: 'primary', readOnly: false });
    expect(covers((await observe(primary)).held, more.held)).toBe(true);

    const { rows } = await poolOf(primary).read('SELECT email FROM users', []);
    const present = new Set(rows.map((row) => row.email));
    expect(acknowledged.filter((address) => !present.has(address))).toEqual([]);
    await confirms(primary, replica);
  });

  test('closing lets what is being committed finish first', async () => {
    await detach(replica);
    const pool = poolOf(primary);
    const waiting = pool.write(INSERT, [email()], { timeoutMs: 30_000 });
    expect(await waitFor(isWaiting(primary), UNTIL)).toBe(true);
    const close = (timeoutMs: number) => on(primary, (channel) => failover.close(channel, { timeoutMs }));
    expect((await errorOf(close(300))).code).toBe('timeout');
    expect(await isWaiting(primary)()).toBe(true);
    await follow(replica, primary);
    await close(10_000);
    await waiting;
    await close(10_000);
    expect((await errorOf(write(primary))).code).toBe('read-only');
    expect(await observe(primary)).toMatchObject({ readOnly: true, promoted: true, demotable: false });
    expect((await errorOf(on(primary, (channel) => failover.demote(channel)))).message).toMatch('restart');
    await on(primary, (channel) => failover.open(channel));
    await write(primary);
  });

  test('closing ends transactions that stand idle, and nobody else', async () => {
    const { accounts, database } = cluster;
    const options = { database, connectTimeoutMs: 2000 };
    const connect = () => client.connect(cluster.endpoint(primary), accounts.app, options);
    await using reader = await connect();
    await using idle = await connect();
    await idle.query('BEGIN');
    await idle.query(INSERT, [email()]);
    await on(primary, (channel) => failover.close(channel));
    expect((await errorOf(idle.query('COMMIT'))).code).toBe('connection-lost');
    expect((await reader.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    expect((await errorOf(reader.query(INSERT, [email()]))).code).toBe('read-only');
    await on(primary, (channel) => failover.open(channel));
    await reader.query(INSERT, [email()]);
  });

  test('a promotion that was given up leaves nothing behind on the replica', async () => {
    await detach(replica);
    await arm(replica, primary);
    expect((await observe(replica)).quorum.armed).toBe(true);
    await follow(replica, primary);
    await confirms(primary, replica);
    expect((await observe(replica)).quorum.armed).toBe(false);
  });

  test('a reign without a witness is not established, whatever the row says, and its lock can be had', async () => {
    await detach(replica);
    const reign = { database: cluster.database, epoch: 70, node: primary };
    const lockedChannel = async (): Promise<Connection> => {
      const opened = await channelTo(primary);
      expect(await waitFor(() => failover.lock(opened), UNTIL)).toBe(true);
      return opened;
    };
    const establish = (channel: Connection) => failover.establish(channel, reign, { timeoutMs: 500 });
    {
      await using channel = await lockedChannel();
      expect((await errorOf(establish(channel))).code).toBe('outcome-unknown');
      expect((await errorOf(failover.observe(channel))).code).toBe('connection-lost');
    }
    {
      await using channel = await lockedChannel();
      expect((await failover.observe(channel)).epoch).toBe(reign.epoch);
      expect((await errorOf(establish(channel))).code).toBe('outcome-unknown');
    }
    await using channel = await lockedChannel();
    await follow(replica, primary);
    const isConfirmed = async () => (await failover.observe(channel)).quorum.confirming.length === 1;
    expect(await waitFor(isConfirmed, UNTIL)).toBe(true);
    await failover.establish(channel, reign);
    await failover.unlock(channel);
  });

  test("a primary's own past beyond the fork confirms nothing, not even when the others have come as far", async () => {
    /** Without waiting for anybody. Returns where it ended. */
    const writeAlone = async (node: string, prefix: string, rows: number): Promise<string> => {
      await using connection = await cluster.admin(node);
      await connection.query('SET synchronous_commit = local');
      await connection.query('SET default_transaction_read_only = off');
      await connection.query(
        `INSERT INTO users (name, email) SELECT repeat('x', 150), '${prefix}-' || n FROM generate_series(1, ${rows}) AS n`,
      );
      return String(Object.values((await connection.query('SELECT pg_current_wal_flush_lsn()')).rows[0]!)[0]);
    };
    // What was lost has to lie in the segment of the fork, or the server would refuse to send from there at all.
    await askAs(primary, 'SELECT pg_switch_wal()');
    await write(primary);
    await confirms(primary, replica);
    await detach(replica);
    const lost = await writeAlone(primary, 'lost', 5000);
    await cluster.kill(primary);
    await arm(replica, primary); // never to be done: who is armed with it believes what it says
    await on(replica, (channel) => failover.promote(channel));
    await cluster.start(primary);
    expect(await observe(primary)).toMatchObject({ detached: true, promoted: false, readOnly: true });
    // It is taken for a voter in the midst of the wait, and the server believes it.
    const reign = { database: cluster.database, epoch: 80, node: replica };
    const establishing = errorOf(on(replica, (channel) => failover.establish(channel, reign)));
    const who = `SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query ILIKE 'INSERT INTO lab_epoch%'`;
    expect(await waitFor(async () => Number(await askAs(replica, who)) > 0, UNTIL)).toBe(true);
    await follow(primary, replica);
    expect((await establishing).code).toBe('outcome-unknown');

    await using channel = await channelTo(replica);
    const confirming: string[] = [];
    const isClaiming = async () => {
      const asked = channel.query(
        'SELECT 1 FROM pg_stat_replication WHERE flush_lsn >= $1::pg_lsn AND sync_priority > 0',
        [lost],
      );
      const [state, { rows }] = await Promise.all([failover.observe(channel), asked]);
      confirming.push(...state.quorum.confirming);
      return rows.length > 0;
    };
    const untilItHasClaimed = async (times: number) => {
      let seen = 0;
      const isSeen = async () => {
        if (await isClaiming()) seen += 1;
        return seen >= times;
      };
      expect(await waitFor(isSeen, { ...UNTIL, everyMs: 1 }), 'it claims to have everything').toBe(true);
    };
    await untilItHasClaimed(5);
    await writeAlone(replica, 'own', 20_000);
    expect(await askAs(replica, `SELECT pg_current_wal_flush_lsn() > '${lost}'::pg_lsn`)).toBe(true);
    await untilItHasClaimed(20);
    expect(confirming).toEqual([]);
  });
});
