import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { accountsFrom, DEFAULT_PORT } from '../src/config.ts';
import { engineOf, LocalNode, runAsFor } from '../src/local/index.ts';
import { serversIn } from '../src/local/process.ts';
import { availableEngines } from '../src/testing/index.ts';
import type { EngineName } from '../src/types.ts';
import { waitFor } from '../src/wait-for.ts';
import { CLOSED_TO_ROOT } from './support/engine-facts.ts';

const { engines } = await availableEngines();

/** One server on its own: making its data, starting, ending, and what can go wrong with that. */
describe.each(engines)('a %s server as a plain process', (name: EngineName) => {
  const engine = engineOf(name);
  let dir: string;
  let node: LocalNode;

  const makeNode = async (stateDir: string): Promise<LocalNode> => {
    const env = {
      DB_ENGINE: name,
      DB_ADMIN_PASSWORD: `it's "so": \\ ä`,
      DB_SUPERVISOR_PASSWORD: `'; \\`,
      DB_REPLICATION_PASSWORD: 'a:b\\c',
    };
    const accounts = accountsFrom({
      ...env,
      DB_APP_PASSWORD: 'x',
      DB_APP_READ_ONLY_PASSWORD: 'x',
      DB_MONITOR_PASSWORD: 'x',
    });
    const endpoint = { name: 'db-1', host: '127.0.31.11', port: DEFAULT_PORT[name] };
    return new LocalNode(
      {
        node: endpoint,
        serverId: 1,
        stateDir,
        admin: accounts.admin,
        supervisor: accounts.supervisor,
        replication: accounts.replication['db-1']!,
        runAs: await runAsFor(name),
      },
      engine,
    );
  };

  beforeAll(async () => {
    dir = await mkdtemp('/var/tmp/rl-test-');
    await chmod(dir, 0o711);
    node = await makeNode(join(dir, 'db-1'));
  });

  afterEach(async () => {
    vi.unstubAllEnvs();
    await node.kill('SIGKILL');
  });

  afterAll(async () => {
    await rm(dir, { recursive: true, force: true });
  });

  test('making the data, cut short, is done again', async () => {
    expect(node.isEmpty()).toBe(true);
    await expect(node.initialise(AbortSignal.timeout(100))).rejects.toThrow();
    expect(node.isEmpty()).toBe(true);
    await expect(node.start()).rejects.toMatchObject({ code: 'state-unusable' });
    await node.initialise();
    expect(node.isEmpty()).toBe(false);
  });

  test('boots pristine and closed, ends politely, and boots closed again', async () => {
    await node.start();
    const first = await node.running();
    await node.start(); // it runs: only waited for
    expect(await node.running()).toEqual(first);
    await expect(node.initialise()).rejects.toMatchObject({ code: 'already-running' });
    await expectPristineAndClosed();

    await node.stop();
    expect(await node.running()).toBeNull();
    await node.initialise(); // a whole directory is left alone
    await node.start();
    await expectPristineAndClosed();
  });

  async function expectPristineAndClosed(): Promise<void> {
    await using connection = await node.connectAdmin();
    expect(await engine.admin.isPristine(connection)).toBe(true);
    const probe = await engine.client.probe(connection);
    expect(probe).toMatchObject({ role: 'unknown', readOnly: true, source: null, epoch: 0 });
    if (name !== 'postgres') expect(probe.position).toBe('');
    if (!CLOSED_TO_ROOT[name]) return;
    await expect(connection.query('CREATE DATABASE stray')).rejects.toMatchObject({ code: 'read-only' });
  }

  test('a node that was open boots closed after kill -9', async () => {
    await node.start();
    {
      await using connection = await node.connectAdmin();
      await engine.admin.open(connection);
      expect(await engine.client.probe(connection)).toMatchObject({ role: 'primary', readOnly: false });
      await engine.admin.createDatabase(connection, 'lab');
    }
    await node.kill('SIGKILL');
    expect(await node.running()).toBeNull();
    await node.start();
    await using connection = await node.connectAdmin();
    expect(await engine.client.probe(connection)).toMatchObject({ role: 'unknown', readOnly: true });
    expect(await engine.admin.isPristine(connection)).toBe(false);
  });

  test('a frozen server is restarted, and so is one whose first process alone was killed', async () => {
    await node.start();
    const first = await node.running();
    await node.kill('SIGSTOP');
    await node.restart();
    const second = await node.running();
    expect(second).not.toEqual(first);

    await node.kill('SIGSTOP');
    process.kill(second!.pid, 'SIGKILL');
    await node.restart();
    await using connection = await node.connectAdmin();
    expect(await engine.client.probe(connection)).toMatchObject({ role: 'unknown', readOnly: true });
  });

  test.skipIf(name === 'postgres')('made anew, a node is empty and has an id of its own', async () => {
    const serverId = async () => {
      await using connection = await node.connectAdmin();
      expect(await engine.admin.isPristine(connection)).toBe(true);
      return Number((await connection.query('SELECT @@server_id AS id')).rows[0]?.id);
    };
    const nobody = { ...node.spec.node, host: '192.0.2.7' };
    await node.start();
    await node.kill('SIGSTOP');
    await node.rebuild(nobody);
    await node.start();
    expect(await serverId()).toBe(11);

    // Cut short, it leaves a node that cannot boot from the old data. Whoever makes its data then, uses a new id as well.
    const cut = new AbortController();
    const cutShort = expect(node.rebuild(nobody, cut.signal)).rejects.toThrow();
    expect(await waitFor(() => node.isEmpty(), { timeoutMs: 20_000, everyMs: 5 })).toBe(true);
    cut.abort();
    await cutShort;
    expect(node.isEmpty()).toBe(true);
    await node.initialise();
    await node.start();
    expect(await serverId()).toBe(21);
    await node.rebuild(nobody);
    await node.start();
    expect(await serverId()).toBe(31);
  });

  test('a lock that a killed server left behind does not count', async () => {
    await node.start();
    await node.kill('SIGKILL');
    const locks = {
      mysql: ['run/mysqld.sock.lock'],
      mariadb: [],
      postgres: ['data/postmaster.pid', `run/.s.PGSQL.${node.spec.node.port}.lock`],
    }[name];
    for (const lock of locks) {
      // The number belongs to somebody else by now.
      const text = await readFile(join(dir, 'db-1', lock), 'utf8');
      await writeFile(join(dir, 'db-1', lock), text.replace(/^\d+/, String(process.pid)));
    }
    await node.start();
    expect(await node.running()).not.toBeNull();
  });

  test('two that work on one node do it one after the other', async () => {
    const other = await makeNode(join(dir, 'db-1'));
    await Promise.all([node.start(), other.start(), other.start()]);
    expect(await other.running()).toEqual(await node.running());
    // Whoever only waits for a server is told when another one ends it. The one that runs at last is on record.
    await Promise.allSettled([node.restart(), other.restart(), other.start()]);
    await node.start();
    const running = await node.running();
    expect(serversIn(join(dir, 'db-1', 'data'))).toContainEqual(running);
    await node.kill('SIGKILL');
    expect(serversIn(join(dir, 'db-1', 'data'))).toEqual([]);
  });

  test('what is not ours is left alone', async () => {
    const data = join(dir, 'db-2', 'data');
    await mkdir(data, { recursive: true });
    await writeFile(join(data, 'thesis.txt'), 'years of work');
    const other = await makeNode(join(dir, 'db-2'));
    await expect(other.initialise()).rejects.toMatchObject({ code: 'state-unusable' });
    await expect(other.rebuild(node.spec.node)).rejects.toMatchObject({ code: 'state-unusable' });
    expect(await readFile(join(data, 'thesis.txt'), 'utf8')).toBe('years of work');
  });

  test('a port in use, a missing server, a long path and a failed start each say so', async () => {
    const { host, port } = node.spec.node;
    const squatter = createServer().listen(port, host);
    try {
      await expect(node.start()).rejects.toMatchObject({ code: 'port-in-use' });
    } finally {
      await new Promise((done) => squatter.close(done));
    }

    const away = new LocalNode({ ...node.spec, node: { ...node.spec.node, host: '192.0.2.7' } }, engine);
    await expect(away.start()).rejects.toMatchObject({ code: 'address-unavailable' });

    const deep = await makeNode(join(dir, 'x'.repeat(110)));
    await expect(deep.initialise()).rejects.toMatchObject({ code: 'socket-path-too-long' });

    const vital = { mysql: 'data/ibdata1', mariadb: 'data/ibdata1', postgres: 'data/PG_VERSION' }[name];
    await writeFile(join(dir, 'db-1', vital), 'spoilt');
    await expect(node.start()).rejects.toMatchObject({ code: 'start-failed' });

    vi.stubEnv({ mysql: 'MYSQLD', mariadb: 'MARIADBD', postgres: 'POSTGRES_BIN' }[name], '/nowhere');
    const homeless = await makeNode(join(dir, 'db-3'));
    const missing = { code: 'server-missing', message: engine.server.explainMissing };
    await expect(homeless.initialise()).rejects.toMatchObject(missing);
  });
});
