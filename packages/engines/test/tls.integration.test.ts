import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { ensureCertificates } from '@replication-lab/certificates';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineOf } from '../src/local/index.ts';
import { ensureSlot } from '../src/postgres/slots.ts';
import { availableEngines, type Cluster, certificatesFor, startCluster } from '../src/testing/index.ts';
import type { Credentials, Endpoint, EngineName } from '../src/types.ts';
import { waitFor } from '../src/wait-for.ts';

const { engines } = await availableEngines();
const TIMEOUT_MS = 20_000;

describe.each(engines)('%s with certificates', (name) => {
  const { admin, client, failover } = engineOf(name);
  /** Where a relay listens that stands between a replica and its source. */
  const relayHost = '127.0.61.9';
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster(name, { subnet: '127.0.61', tls: { alsoFor: relayHost } });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  /** `accepted`, or why not. */
  const login = async (endpoint: Endpoint, account: Credentials = cluster.accounts.app) => {
    try {
      await using connection = await client.connect(endpoint, account, { connectTimeoutMs: 5_000 });
      await connection.query('SELECT 1');
      return 'accepted';
    } catch (error) {
      const { message, cause } = error as Error;
      return `${message} ${(cause as { code?: string })?.code ?? ''}`;
    }
  };
  const without = ({ tls: _, ...rest }: Endpoint): Endpoint => rest;

  it('takes no login in clear text, whoever asks', async () => {
    const { admin, supervisor, app, appReadOnly, monitor, replication } = cluster.accounts;
    for (const node of cluster.nodes)
      for (const account of [admin, supervisor, app, appReadOnly, monitor, ...Object.values(replication)])
        expect(await login(without(node), account)).toMatch(
          /insecure transport|Access denied|no pg_hba.conf entry for .* no encryption/i,
        );
  });

  it('lets nobody replicate who has the password and not the certificate', async () => {
    const [node, source] = [cluster.endpoint('db-2'), cluster.endpoint('db-1')];
    const account = cluster.accounts.replication['db-2']!;
    if (name === 'postgres') {
      const { tls: _, ...bare } = account;
      const others = { ...account, tls: cluster.accounts.replication['db-3']!.tls };
      await expect(ensureSlot(node, source, bare)).rejects.toThrow(/authentication failed|certificate/);
      await expect(ensureSlot(node, source, others)).rejects.toThrow(/authentication failed|certificate/);
      await ensureSlot(node, source, account);
      // Streaming is possible in a database too, which is another way in.
      for (const database of ['postgres', 'template1', cluster.database])
        expect(await streamsFrom(source, database, account)).toMatch(
          /pg_hba.conf rejects|no pg_hba.conf entry/,
        );
    } else expect(await login(source, account)).toMatch(/Access denied/);
  });

  it('is not believed by a client that believes another authority, or that means another server', async () => {
    await using stranger = await startCluster(name, {
      subnet: '127.0.62',
      nodes: 1,
      tls: true,
      bootstrapped: false,
    });
    const node = cluster.endpoint('db-1');
    const other = stranger.endpoint('db-1').tls!;
    expect(await login({ ...node, tls: other })).toMatch(/self.signed|unable to verify/i);
    expect(await login({ ...node, tls: { ...node.tls!, serverName: 'db-2' } })).toMatch(/altnames/i);
    expect(await login({ ...node, tls: { ...node.tls!, serverName: 'db-1' } })).toBe('accepted');
    expect(await login(node)).toBe('accepted');
  });

  it('has a replica verify its source that was set up when there were no certificates', async () => {
    const { tls: _, ...bare } = cluster.accounts.replication['db-2']!;
    const [node, source] = [cluster.endpoint('db-2'), cluster.endpoint('db-1')];
    await using replica = await cluster.admin('db-2');
    await using primary = await cluster.admin('db-1');
    const [stop, forget] =
      name === 'mysql' ? ['STOP REPLICA', 'RESET REPLICA ALL'] : ['STOP SLAVE', 'RESET SLAVE ALL'];
    if (name !== 'postgres') for (const sql of [stop!, forget!]) await replica.query(sql);
    await expect(admin.attach(replica, node, source, bare, { timeoutMs: 2_000 })).rejects.toThrow();
    const { supervisor } = cluster.accounts;
    const opened = { database: cluster.database, connectTimeoutMs: 5_000 };
    const channel = await failover.openChannel(node, supervisor, opened);
    try {
      await failover.follow(channel, node, source, cluster.accounts.replication['db-2']!);
    } finally {
      channel.destroy();
    }
    await write(primary, 'followed');
    expect(await arrives(replica, 'followed')).toBe(true);
  });

  it('replicates, and a replica does not follow a source that is not the one it means', async () => {
    await using recorder = await relay(relayHost, cluster.endpoint('db-1'));
    await using primary = await cluster.admin('db-1');
    await using replica = await cluster.admin('db-3');
    const follow = (host: string) =>
      admin.attach(
        replica,
        cluster.endpoint('db-3'),
        { ...cluster.endpoint('db-1'), host },
        cluster.accounts.replication['db-3']!,
        { timeoutMs: TIMEOUT_MS },
      );
    await follow(relayHost);
    await write(primary, 'seen-by-nobody');
    expect(await arrives(replica, 'seen-by-nobody')).toBe(true);
    expect(recorder.bytes()).toBeGreaterThan(1000);
    expect(recorder.shows('seen-by-nobody')).toBe(false);

    const elsewhere = '127.0.61.10';
    await using _other = await relay(elsewhere, cluster.endpoint('db-1'));
    await expect(
      admin.attach(
        replica,
        cluster.endpoint('db-3'),
        { ...cluster.endpoint('db-1'), host: elsewhere },
        cluster.accounts.replication['db-3']!,
        { timeoutMs: 3_000 },
      ),
    ).rejects.toThrow(name === 'postgres' ? /certificate|does not stream/ : /does not follow/);
    await follow(cluster.endpoint('db-1').host);
    await write(primary, 'again');
    expect(await arrives(replica, 'again')).toBe(true);
  });

  it('takes a new certificate when it is told to, and keeps its connections', async () => {
    const { nodes, tlsRoot, accounts } = cluster;
    const { runAs } = cluster.local('db-1').spec;
    await using connection = await cluster.admin('db-1');
    const renamed = { ...nodes[0]!, tls: { ...nodes[0]!.tls!, serverName: 'renewed.test' } };
    await ensureCertificates(certificatesFor(nodes, tlsRoot!, runAs, [relayHost, 'renewed.test']));
    expect(await login(renamed)).toMatch(/altnames/i);
    await connection.query(admin.reloadCertificates);
    const isShown = async () => (await login(renamed)) === 'accepted';
    expect(await waitFor(isShown, { timeoutMs: TIMEOUT_MS })).toBe(true);
    await connection.query('SELECT 1');
    expect(await login(nodes[0]!, accounts.monitor)).toBe('accepted');
  });

  it('writes no history when it is told to take a new certificate: a replica must not have any of its own', async () => {
    await using replica = await cluster.admin('db-2');
    const positionOf = async () => (await client.probe(replica)).position;
    const before = await positionOf();
    await replica.query(admin.reloadCertificates);
    expect(await positionOf()).toBe(before);
  });

  it('notices the end of an encrypted connection', async () => {
    const connection = await client.connect(cluster.endpoint('db-3'), cluster.accounts.app, {});
    const asked = connection.query(name === 'postgres' ? 'SELECT pg_sleep(60)' : 'SELECT SLEEP(60)');
    const failed = asked.then(
      () => 'answered',
      (error: { code?: string }) => error.code,
    );
    await cluster.kill('db-3');
    expect(await failed).toMatch(/connection-lost|outcome-unknown/);
    await cluster.start('db-3');
  });
});

/** That the recorder above would see it. */
describe.each(engines)('%s without certificates', (name) => {
  it('shows every row to whoever stands between', async () => {
    await using cluster = await startCluster(name, { subnet: '127.0.63', nodes: 2 });
    await using recorder = await relay('127.0.63.9', cluster.endpoint('db-1'));
    await using primary = await cluster.admin('db-1');
    await using replica = await cluster.admin('db-2');
    const source = { ...cluster.endpoint('db-1'), host: '127.0.63.9' };
    const { admin } = engineOf(name as EngineName);
    await admin.attach(replica, cluster.endpoint('db-2'), source, cluster.accounts.replication['db-2']!);
    await write(primary, 'seen-by-anybody');
    expect(await arrives(replica, 'seen-by-anybody')).toBe(true);
    const isEncryptedAnyway = name === 'mysql'; // for the password's sake, and with nobody verified
    expect(recorder.shows('seen-by-anybody')).toBe(!isEncryptedAnyway);
  });
});

async function streamsFrom(
  source: Endpoint,
  database: string,
  { user, password }: Credentials,
): Promise<string> {
  const { host, port, tls } = source;
  const client = new Client({
    ...{ host, port, user, password, database, replication: 'database' },
    ssl: { ca: tls!.ca },
  });
  client.on('error', () => {});
  try {
    await client.connect();
    return 'accepted';
  } catch (error) {
    return (error as Error).message;
  } finally {
    await client.end().catch(() => {});
  }
}

type Asked = Awaited<ReturnType<Cluster['admin']>>;

const write = (primary: Asked, text: string) =>
  primary.query(`INSERT INTO users (name, email) VALUES ('${text}', '${text}@lab.test')`);

const arrives = (replica: Asked, text: string) =>
  waitFor(async () => (await replica.query(`SELECT 1 FROM users WHERE name = '${text}'`)).rows.length === 1, {
    timeoutMs: TIMEOUT_MS,
  });

/** Passes on what comes to `host`, and keeps all that it sees. */
async function relay(host: string, target: Endpoint) {
  const seen: Buffer[] = [];
  const sockets = new Set<ReturnType<typeof connect>>();
  const server = createServer((from) => {
    const to = connect(target.port, target.host);
    for (const [socket, other] of [
      [from, to],
      [to, from],
    ] as const) {
      sockets.add(socket);
      socket.on('data', (data) => seen.push(data));
      socket.on('error', () => other.destroy());
      socket.on('close', () => other.destroy());
      socket.pipe(other);
    }
  });
  await once(server.listen(target.port, host), 'listening');
  return {
    bytes: () => Buffer.concat(seen).length,
    shows: (text: string) => Buffer.concat(seen).includes(text),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
