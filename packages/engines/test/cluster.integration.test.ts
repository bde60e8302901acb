import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seedUser, seedUsers } from '../src/bootstrap/index.ts';
import { engineOf } from '../src/local/index.ts';
import { ACCOUNT_NAMES } from '../src/rights.ts';
import { availableEngines, type Cluster, startCluster } from '../src/testing/index.ts';
import type { Connection, Credentials, EngineName, NodeProbe } from '../src/types.ts';
import { waitFor } from '../src/wait-for.ts';
import { allowed, forbidden } from './support/account-statements.ts';
import { CLOSED_TO_ROOT, SETTINGS } from './support/engine-facts.ts';

const { engines } = await availableEngines();
const REPLICAS = ['db-2', 'db-3'];
const NODES = ['db-1', ...REPLICAS];
const UNTIL = { timeoutMs: 20_000, everyMs: 20 };

/** One primary with two replicas, from their first boot on. The tests build on one another, as its life does. */
describe.each(engines)('a %s primary with two replicas', (name: EngineName) => {
  const { admin, client } = engineOf(name);
  let cluster: Cluster;

  const as = async (node: string, account: Credentials): Promise<Connection> =>
    client.connect(cluster.endpoint(node), account, { database: cluster.database });
  async function onNode<T>(node: string, work: (connection: Connection) => Promise<T>): Promise<T> {
    await using connection = await cluster.admin(node);
    return await work(connection);
  }
  const probe = (node: string): Promise<NodeProbe> => onNode(node, (connection) => client.probe(connection));
  const insert = (email: string) =>
    onNode('db-1', (c) => c.query(`INSERT INTO users (name, email) VALUES ('x', '${email}')`));
  const caughtUp = async (node: string): Promise<boolean> =>
    client.positions.covers((await probe(node)).position, (await probe('db-1')).position);

  beforeAll(async () => {
    cluster = await startCluster(name, { subnet: '127.0.31', bootstrapped: false });
  });
  afterAll(async () => cluster?.[Symbol.asyncDispose]());

  // A replica that was made anew is like this: a supervisor has to see it, to tell it whom to follow.
  test.skipIf(name === 'postgres')('a node without any history lets a supervisor in', async () => {
    const { failover } = engineOf(name);
    const options = { database: cluster.database, connectTimeoutMs: 2000 };
    await using channel = await failover.openChannel(
      cluster.endpoint('db-3'),
      cluster.accounts.supervisor,
      options,
    );
    expect(await failover.lock(channel)).toBe(true);
    const fresh = { epoch: 0, held: '', promoted: false, detached: true, readOnly: true };
    expect(await failover.observe(channel)).toMatchObject(fresh);
    expect(await client.reigns(channel, 0)).toEqual([]);
    const account = cluster.accounts.replication['db-3']!;
    await failover.follow(channel, cluster.endpoint('db-3'), cluster.endpoint('db-1'), account);
    expect(await failover.observe(channel)).toMatchObject({ source: cluster.endpoint('db-1').host });
    await using root = await client.connect(cluster.endpoint('db-3'), cluster.accounts.admin);
    await root.query(name === 'mysql' ? 'STOP REPLICA' : 'STOP SLAVE');
    await root.query(name === 'mysql' ? 'RESET REPLICA ALL' : 'RESET SLAVE ALL');
  });

  test('comes up from nothing: one open primary, and replicas without a history of their own', async () => {
    const steps: string[] = [];
    const result = await cluster.bootstrap({ progress: (step) => steps.push(step) });
    expect(result).toEqual({
      action: 'started',
      primary: 'db-1',
      epoch: 1,
      replicas: REPLICAS,
      refused: [],
      silent: [],
    });
    expect(steps).toContain('opening db-1 as the primary of epoch 1');
    const primary = await probe('db-1');
    expect(primary).toMatchObject({ role: 'primary', readOnly: false, replicating: null, epoch: 1 });
    for (const replica of REPLICAS) {
      expect(await probe(replica)).toMatchObject({
        role: 'replica',
        readOnly: true,
        replicating: true,
        source: '127.0.31.1',
        epoch: 1,
      });
      // A GTID set that is the primary's and nothing more; a copy of the same cluster.
      if (name !== 'postgres') expect((await probe(replica)).position).toBe(primary.position);
      else expect((await probe(replica)).serverId).toBe(primary.serverId);
    }
  });

  test.each(NODES)('%s runs with the settings that the promises rest on', async (node) => {
    const { rows } = await onNode(node, (connection) => connection.query(SETTINGS[name].sql));
    expect(rows[0]).toEqual(SETTINGS[name].expected);
  });

  test('a second bootstrap changes nothing', async () => {
    // PostgreSQL writes to its log without being asked, so its positions prove nothing here.
    const state = async () =>
      (await Promise.all(NODES.map(probe))).map(({ position, received, ...rest }) =>
        name === 'postgres' ? rest : { position, received, ...rest },
      );
    const before = await state();
    const result = await cluster.bootstrap();
    expect(result).toMatchObject({ action: 'kept', primary: 'db-1', epoch: 1, replicas: REPLICAS });
    expect(await state()).toEqual(before);
  });

  test('administration is idempotent, and an epoch has one owner', async () => {
    await using connection = await cluster.admin('db-1');
    await admin.createDatabase(connection, cluster.database);
    await admin.createSchema(connection, cluster.database);
    await admin.createAccounts(connection, cluster.accounts, cluster.database);
    await admin.writeMarker(connection, cluster.database);
    await admin.writeEpoch(connection, cluster.database, 1, 'db-1');
    await expect(admin.writeEpoch(connection, cluster.database, 1, 'db-2')).rejects.toThrow(
      /belongs to db-1/,
    );
    await admin.open(connection);
    expect(await client.probe(connection)).toMatchObject({ role: 'primary', epoch: 1 });
  });

  describe.each(ACCOUNT_NAMES)('the account %s', (account) => {
    const login = async (): Promise<Connection> => {
      if (account !== 'replication') return as('db-1', cluster.accounts[account]);
      return client.connect(cluster.endpoint('db-1'), cluster.accounts.replication['db-2']!);
    };

    test.each(allowed(name)[account])('may: %s', async (sql) => {
      await using connection = await login();
      await connection.query(sql);
    });

    test.each(forbidden(name)[account])('must not: %s', async (sql) => {
      await using connection = await login();
      await expect(connection.query(sql)).rejects.toMatchObject({ code: 'access-denied' });
    });
  });

  test('a replication account replicates and nothing else', async () => {
    const account = cluster.accounts.replication['db-2']!;
    const read = async (): Promise<void> => {
      await using connection = await as('db-1', account);
      await connection.query('SELECT * FROM users');
    };
    await expect(read()).rejects.toMatchObject({ code: 'access-denied' });
    if (name !== 'postgres') return;
    // Nor is it known by anything that everybody can read.
    const { rows } = await onNode('db-2', (connection) => connection.query('SHOW primary_conninfo'));
    expect(rows[0]?.primary_conninfo).not.toContain(account.password);
  });

  test('the monitor probes every node', async () => {
    for (const node of NODES) {
      await using connection = await as(node, cluster.accounts.monitor);
      expect(await client.probe(connection)).toMatchObject({ epoch: 1, readOnly: node !== 'db-1' });
    }
  });

  test.each(REPLICAS)('%s takes no write, whoever asks', async (node) => {
    const write = "INSERT INTO users (name, email) VALUES ('x', 'stray@example.test')";
    const refusal = { code: 'read-only' };
    await using app = await as(node, cluster.accounts.app);
    await expect(app.query(write)).rejects.toMatchObject(refusal);
    // No caller can talk a standby into it.
    if (name === 'postgres') await expect(app.query('BEGIN READ WRITE')).rejects.toThrow(/during recovery/);
    if (!CLOSED_TO_ROOT[name]) return;
    await expect(onNode(node, (root) => root.query(write))).rejects.toMatchObject(refusal);
  });

  test('seeding is deterministic and can be repeated', async () => {
    const signal = AbortSignal.timeout(30_000);
    const seed = (count: number) =>
      onNode('db-1', (connection) => seedUsers(name, connection, { count }, () => {}, signal));
    expect(await seed(1500)).toBe(1500);
    expect(await seed(1500)).toBe(0);
    expect(await seed(1501)).toBe(1);
    for (const replica of REPLICAS) expect(await waitFor(() => caughtUp(replica), UNTIL)).toBe(true);
    const { rows } = await onNode('db-3', (connection) =>
      connection.query("SELECT name, version FROM users WHERE email = 'user1234@example.test'"),
    );
    expect(rows).toEqual([{ name: seedUser(1234).name, version: 1 }]);
  });

  test('a replica that was stopped, killed or frozen catches up by itself, still closed', async () => {
    await cluster.stop('db-2');
    await cluster.kill('db-3');
    await insert('while-away@example.test');
    await Promise.all(REPLICAS.map((node) => cluster.start(node)));
    for (const replica of REPLICAS) {
      expect(await waitFor(() => caughtUp(replica), UNTIL)).toBe(true);
      const following = async () => (await probe(replica)).replicating;
      expect(await waitFor(following, UNTIL)).toBe(true);
      expect(await probe(replica)).toMatchObject({ role: 'replica', readOnly: true });
    }
    await cluster.kill('db-3', 'SIGSTOP');
    await insert('while-frozen@example.test');
    await expect(
      client.connect(cluster.endpoint('db-3'), cluster.accounts.admin, { connectTimeoutMs: 300 }),
    ).rejects.toThrow();
    await cluster.kill('db-3', 'SIGCONT');
    expect(await waitFor(() => caughtUp('db-3'), UNTIL)).toBe(true);
  });

  test('an apply delay holds back what was received, and ending it lets it through', async () => {
    await using replica = await cluster.admin('db-2');
    await admin.setApplyDelay(replica, 300);
    expect(await admin.readApplyDelay(replica)).toBe(300);
    await insert('late@example.test');
    const { position: target } = await probe('db-1');
    const received = async () => client.positions.covers((await client.probe(replica)).received, target);
    expect(await waitFor(received, UNTIL)).toBe(true);
    expect(client.positions.covers((await client.probe(replica)).position, target)).toBe(false);
    await admin.setApplyDelay(replica, 0);
    expect(await admin.readApplyDelay(replica)).toBe(0);
    expect(await waitFor(() => caughtUp('db-2'), UNTIL)).toBe(true);
  });

  test('a detached replica stays where it is until it is attached again', async () => {
    await using replica = await cluster.admin('db-3');
    await admin.detach(replica);
    await insert('detached@example.test');
    expect((await client.probe(replica)).replicating).not.toBe(true);
    expect(await caughtUp('db-3')).toBe(false);
    const account = cluster.accounts.replication['db-3']!;
    await admin.attach(replica, cluster.endpoint('db-3'), cluster.endpoint('db-1'), account);
    expect(await waitFor(() => caughtUp('db-3'), UNTIL)).toBe(true);
    await admin.attach(replica, cluster.endpoint('db-3'), cluster.endpoint('db-1'), account); // changes nothing
    expect(await client.probe(replica)).toMatchObject({ role: 'replica', replicating: true });
  });

  test('attaching to a node that is not there says so within its deadline', async () => {
    await using replica = await cluster.admin('db-3');
    const nowhere = { name: 'db-9', host: '127.0.31.99', port: cluster.endpoint('db-1').port };
    const account = cluster.accounts.replication['db-3']!;
    const attempt = admin.attach(replica, cluster.endpoint('db-3'), nowhere, account, { timeoutMs: 500 });
    await expect(attempt).rejects.toThrow(/db-9/);
    await admin.attach(replica, cluster.endpoint('db-3'), cluster.endpoint('db-1'), account);
    expect(await waitFor(() => caughtUp('db-3'), UNTIL)).toBe(true);
  });
});
