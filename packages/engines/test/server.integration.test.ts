import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { accountsFrom, DEFAULT_PORT } from '../src/config.ts';
import { engineOf, LocalNode, runAsFor } from '../src/local/index.ts';
import { availableEngines } from '../src/testing/index.ts';
import type { EngineName } from '../src/types.ts';
import { CLOSED_TO_ROOT } from './support/engine-facts.ts';

const { engines } = await availableEngines();

/** One server on its own: making its data, starting, ending, and what can go wrong with that. */
describe.each(engines)('a %s server as a plain process', (name: EngineName) => {
  const engine = engineOf(name);
  let dir: string;
  let node: LocalNode;

  const makeNode = async (stateDir: string): Promise<LocalNode> => {
    const env = { DB_ENGINE: name, DB_ADMIN_PASSWORD: `it's "so": \\ ä`, DB_REPLICATION_PASSWORD: 'a:b\\c' };
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

  test('what is not ours is left alone', async () => {
    const data = join(dir, 'db-2', 'data');
    await mkdir(data, { recursive: true });
    await writeFile(join(data, 'thesis.txt'), 'years of work');
    const other = await makeNode(join(dir, 'db-2'));
    await expect(other.initialise()).rejects.toMatchObject({ code: 'state-unusable' });
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
