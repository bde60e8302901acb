import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ComposeLab, NODES } from './support/compose-lab.ts';
import { sayNotRun, whyNot } from './support/docker.ts';
import { Load } from './support/load.ts';
import { memoryOf, sumOf } from './support/memory.ts';
import { expectVipReaches } from './support/vip.ts';
import { until } from './support/wait.ts';

// A whole lab under `docker compose`, as a user starts it.

const COMMON_IMAGES = ['haproxy:3.2', 'node:24-slim'];
const MEMORY_LIMIT_MB = 2500;
/** A move of the virtual address takes a second or two; this is for machines that are busy with other things. */
const VIP_DEADLINE_MS = 15_000;

const record = (what: string, value: unknown) => console.log(`[compose] ${what}: ${JSON.stringify(value)}`);

const notRun = {
  mysql: await whyNot([...COMMON_IMAGES, 'mysql:9.7']),
  mariadb: await whyNot([...COMMON_IMAGES, 'mariadb:11.8']),
  postgres: await whyNot([...COMMON_IMAGES, 'postgres:18']),
} as const;
for (const [engine, reason] of Object.entries(notRun)) {
  if (reason) sayNotRun(`compose acceptance, ${engine}`, reason);
}

interface User {
  readonly id: number;
  readonly name: string;
  readonly version: number;
}

async function createUser(lab: ComposeLab, name: string): Promise<{ user: User; token: string }> {
  const response = await fetch(`${lab.baseUrl}/users`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ name, email: `${crypto.randomUUID()}@acceptance.test` }),
  });
  expect(response.status, await response.clone().text()).toBe(201);
  const token = response.headers.get('consistency-token');
  expect(token).toBeTruthy();
  return { user: (await response.json()) as User, token: token ?? '' };
}

async function readUser(lab: ComposeLab, id: number, headers: Record<string, string>): Promise<Response> {
  return fetch(`${lab.baseUrl}/users/${id}`, { headers });
}

async function servedByInTurn(lab: ComposeLab, requests: number): Promise<string[]> {
  const names: string[] = [];
  for (let i = 0; i < requests; i += 1) {
    const response = await fetch(`${lab.baseUrl}/users?limit=1`);
    expect(response.status, await response.text()).toBe(200);
    names.push(response.headers.get('served-by') ?? 'nobody');
  }
  return names;
}

/** Every container of the lab is healthy; the one-shot ended well. */
async function expectAllHealthy(lab: ComposeLab): Promise<void> {
  const services = await lab.services();
  const states = Object.fromEntries(
    services.map((s) => [s.Service, s.State === 'running' ? s.Health : `${s.State} ${s.ExitCode}`]),
  );
  const healthy = [
    ...NODES,
    ...NODES.map((node) => lab.database(node)),
    'api-1',
    'api-2',
    'api-3',
    'haproxy',
  ];
  expect(states).toEqual({
    ...Object.fromEntries(healthy.map((name) => [name, 'healthy'])),
    bootstrap: 'exited 0',
    certificates: 'exited 0',
  });
}

describe.skipIf(notRun.mysql)('docker compose, mysql', () => {
  let lab: ComposeLab;

  beforeAll(async () => {
    lab = await ComposeLab.create('mysql');
    await lab.ok(['build', '--quiet'], 600_000);
  });
  afterAll(async () => lab?.downAndNothingLeft());

  test('a first start that is cut short does no harm, and `up --wait` becomes ready', async () => {
    await lab.ok(['up', '--detach', 'mysql-3']);
    await until('mysql-3 makes its data directory', 30_000, async () => {
      const { stdout } = await lab.compose(['exec', '-T', 'mysql-3', 'ls', '-A', '/var/lib/mysql']);
      return stdout.includes('.lab-incomplete') && stdout.includes('ibdata1');
    });
    await lab.ok(['kill', '--signal', 'SIGKILL', 'mysql-3']);
    record('seconds from `up --wait` to ready', await lab.up());
    await expectAllHealthy(lab);
    // An interrupted initialisation would have left root without a password.
    const open = await lab.compose(['exec', '-T', 'mysql-3', 'mysql', '--user=root', '--execute=SELECT 1']);
    expect(open.code).not.toBe(0);
  });

  test('three API replicas answer in turn', async () => {
    const names = await servedByInTurn(lab, 9);
    expect(new Set(names)).toEqual(new Set(['api-1', 'api-2', 'api-3']));
    for (let i = 3; i < 9; i += 1) expect(names[i]).toBe(names[i - 3]);
  });

  test('a session reads its own write, and a replica serves what asks for nothing', async () => {
    const { user, token } = await createUser(lab, 'Ada');
    const own = await readUser(lab, user.id, { 'Consistency-Token': token });
    expect(own.status).toBe(200);
    expect(await own.json()).toMatchObject({ id: user.id, name: 'Ada' });
    const anywhere = await fetch(`${lab.baseUrl}/users?limit=1`, {
      headers: { 'Consistency-Level': 'eventual' },
    });
    expect(anywhere.headers.get('data-role')).toBe('replica');
  });

  test("databases boot closed: replicas refuse the application's writes, and root's", async () => {
    for (const node of ['db-2', 'db-3'] as const) {
      expect(await lab.sql(node, 'SELECT @@global.read_only, @@global.super_read_only')).toBe('1\t1');
    }
    expect(await lab.sql('db-1', 'SELECT @@global.read_only, @@global.super_read_only')).toBe('0\t0');
  });

  test('the lab uses less than 2.5 GB, and may not use more', async () => {
    const memory = [...(await memoryOf(lab)).values()];
    const used = sumOf(memory.map(({ usedMb }) => usedMb));
    const limits = sumOf(memory.map(({ limitMb }) => limitMb));
    record('memory, MB', { used, limits });
    expect(used).toBeLessThan(limits);
    expect(limits).toBeLessThan(MEMORY_LIMIT_MB);
  });

  test('the virtual address is where the primary is', async () => {
    expect(await lab.vipHolders()).toEqual(['db-1']);
    await expectVipReaches(lab, 'db-1');
  });

  test('killing an API replica under load costs no read', async () => {
    const load = await startLoad(lab, { readers: 8, writers: 0 });
    await lab.ok(['kill', '--signal', 'SIGKILL', 'api-2']);
    await moreReads(load, 300);
    await lab.ok(['start', 'api-2']);
    await until('api-2 serves again', 20_000, async () => (await servedByInTurn(lab, 6)).includes('api-2'));
    const result = await load.stop();
    record('API replica killed', { ...result, failures: result.failures.length });
    expect(result.failures).toEqual([]);
  });

  test('killing a database replica under load costs no read', async () => {
    const load = await startLoad(lab, { readers: 8, writers: 0 });
    await lab.ok(['kill', '--signal', 'SIGKILL', 'mysql-3']);
    await moreReads(load, 300);
    await lab.ok(['start', 'mysql-3']);
    await until('db-3 follows again', 40_000, async () => (await lab.health('db-3')).role === 'replica');
    await until('db-3 serves reads again', 20_000, async () => {
      const response = await fetch(`${lab.baseUrl}/users?limit=1`, {
        headers: { 'Consistency-Level': 'eventual' },
      });
      return response.headers.get('data-node') === 'db-3';
    });
    const result = await load.stop();
    record('database replica killed', { ...result, failures: result.failures.length });
    expect(result.failures).toEqual([]);
  });

  test('a rolling restart of the API drops no request, written or read', async () => {
    const load = await startLoad(lab, { readers: 6, writers: 2 });
    for (const name of ['api-1', 'api-2', 'api-3']) {
      await lab.ok(['restart', name], 60_000);
      await until(`${name} serves again`, 20_000, async () => (await servedByInTurn(lab, 6)).includes(name));
    }
    const result = await load.stop();
    record('rolling restart', { ...result, failures: result.failures.length });
    expect(result.writes).toBeGreaterThan(0);
    expect(result.failures).toEqual([]);
  });

  test('the virtual address follows writability, and is nowhere without a primary', async () => {
    await lab.sql('db-1', 'SET GLOBAL super_read_only = ON');
    const gone = await until(
      'nobody has the address',
      VIP_DEADLINE_MS,
      async () => (await lab.vipHolders()).length === 0,
    );
    await lab.sql(
      'db-2',
      'STOP REPLICA; RESET REPLICA ALL; SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF',
    );
    const moved = await until(
      'db-2 has the address',
      VIP_DEADLINE_MS,
      async () => (await lab.vipHolders())[0] === 'db-2',
    );
    record('virtual address, ms (with the time to ask)', { gone: gone.tookMs, moved: moved.tookMs });
    await expectVipReaches(lab, 'db-2');
    expect(await lab.vipHolders()).toEqual(['db-2']);
    // The rest of the lab follows, too: bootstrap keeps the open node and attaches the others.
    await lab.sqlAsApp(
      'db-3',
      lab.vip,
      "INSERT INTO users (name, email) VALUES ('through the address', 'vip@acceptance.test')",
    );
    await lab.ok(['run', '--rm', '--no-deps', 'bootstrap'], 120_000);
    await until('db-1 and db-3 follow', 20_000, async () => {
      const sources = await Promise.all(
        (['db-1', 'db-3'] as const).map((node) =>
          lab.sql(node, 'SELECT count(*) FROM users WHERE email = "vip@acceptance.test"'),
        ),
      );
      return sources.every((count) => count === '1');
    });
  });

  test('after a stop of the whole lab the same node is opened again, with all data', async () => {
    const { user } = await createUser(lab, 'Grace');
    const before = await lab.health('db-2');
    await lab.ok(['stop'], 120_000);
    record('seconds from stopped to ready', await lab.up());
    await expectAllHealthy(lab);
    const after = await lab.health('db-2');
    expect(after.role).toBe('primary');
    expect(after.epoch).toBe((before.epoch ?? 0) + 1);
    for (const level of ['primary', 'eventual']) {
      const response = await readUser(lab, user.id, { 'Consistency-Level': level });
      expect(await response.json()).toMatchObject({ id: user.id, name: 'Grace' });
    }
    await until('the address follows', VIP_DEADLINE_MS, async () => (await lab.vipHolders())[0] === 'db-2');
  });

  test('a second `up` is harmless', async () => {
    const before = await lab.health('db-2');
    await lab.up();
    expect(await lab.health('db-2')).toEqual({
      ...before,
      position: expect.any(String),
      received: expect.any(String),
    });
  });

  test('`docker compose down --volumes` leaves nothing', async () => {
    await lab.downAndNothingLeft();
  });
});

describe.skipIf(notRun.mysql)('docker compose, TOPOLOGY=single', () => {
  let lab: ComposeLab;
  beforeAll(async () => {
    lab = await ComposeLab.create('mysql');
  });
  afterAll(async () => lab?.downAndNothingLeft());

  test('one database serves all; the containers of the others stand by', async () => {
    record('seconds to ready, single', await lab.up([], { TOPOLOGY: 'single' }));
    await expectAllHealthy(lab);
    const { user } = await createUser(lab, 'Linus');
    const response = await readUser(lab, user.id, { 'Consistency-Level': 'eventual' });
    expect(response.headers.get('data-node')).toBe('db-1');
    expect((await lab.health('db-2')).up).toBe(false);
    expect(await lab.vipHolders()).toEqual(['db-1']);
  });

  test('the same lab grows to three databases, with its data', async () => {
    await lab.up();
    await expectAllHealthy(lab);
    expect(await lab.sql('db-3', 'SELECT count(*) FROM users')).toBe('1');
  });
});

for (const engine of ['mariadb', 'postgres'] as const) {
  describe.skipIf(notRun[engine])(`docker compose, ${engine}`, () => {
    let lab: ComposeLab;
    beforeAll(async () => {
      lab = await ComposeLab.create(engine);
      await lab.ok(['build', '--quiet'], 600_000);
    });
    afterAll(async () => lab?.downAndNothingLeft());

    test('`up --wait` becomes ready, and all of it works', async () => {
      record(`seconds from \`up --wait\` to ready, ${engine}`, await lab.up());
      await expectAllHealthy(lab);
      expect(new Set(await servedByInTurn(lab, 6))).toEqual(new Set(['api-1', 'api-2', 'api-3']));
      const { user, token } = await createUser(lab, 'Ada');
      expect((await readUser(lab, user.id, { 'Consistency-Token': token })).status).toBe(200);
      expect(await lab.vipHolders()).toEqual(['db-1']);
      await expectVipReaches(lab, 'db-1');
      expect(
        Object.fromEntries(
          await Promise.all(NODES.map(async (node) => [node, (await lab.health(node)).role])),
        ),
      ).toEqual({
        'db-1': 'primary',
        'db-2': 'replica',
        'db-3': 'replica',
      });
    });

    test('killing a database replica under load costs no read', async () => {
      const load = await startLoad(lab, { readers: 8, writers: 0 });
      await lab.ok(['kill', '--signal', 'SIGKILL', lab.database('db-3')]);
      await moreReads(load, 300);
      const result = await load.stop();
      expect(result.failures).toEqual([]);
      await lab.ok(['start', lab.database('db-3')]);
      await until('db-3 follows again', 40_000, async () => (await lab.health('db-3')).role === 'replica');
    });

    test('after a stop of the whole lab the same node is opened again, with all data', async () => {
      const { user } = await createUser(lab, 'Grace');
      await lab.ok(['stop'], 120_000);
      await lab.up();
      await expectAllHealthy(lab);
      expect((await lab.health('db-1')).role).toBe('primary');
      const response = await readUser(lab, user.id, { 'Consistency-Level': 'eventual' });
      expect(await response.json()).toMatchObject({ id: user.id, name: 'Grace' });
    });
  });
}

async function startLoad(lab: ComposeLab, workers: { readers: number; writers: number }): Promise<Load> {
  const load = new Load({ baseUrl: lab.baseUrl, path: '/users?limit=5', ...workers });
  await moreReads(load, 100);
  return load;
}

/** Goes on until this many more reads are done: a fault needs some to be able to hurt. */
async function moreReads(load: Load, count: number): Promise<void> {
  const goal = load.reads + count;
  await until(`${count} more reads`, 60_000, async () => load.reads >= goal);
}
