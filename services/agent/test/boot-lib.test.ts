import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ControlDirectory, parseLines } from '../src/control.ts';
import type { Order } from '../src/orders.ts';
import { until } from './support/wait.ts';

// The two halves of the control directory together: infra/boot/lib.sh on one side, the agent's on the other. The
// database is `sleep`.
const lib = fileURLToPath(new URL('../../../infra/boot/lib.sh', import.meta.url));
const mysqlProtocol = fileURLToPath(new URL('../../../infra/boot/mysql-protocol.sh', import.meta.url));
/** Of processes that a test may end by name: of this run only, and short, because the system cuts names at 15 bytes. */
const SERVER = `rl-srv-${process.pid}`;
let directory: string;
let child: ChildProcess | null = null;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rl-boot-'));
  await copyFile('/bin/sleep', join(directory, SERVER));
});
afterEach(async () => {
  child?.kill('SIGKILL');
  for (const pid of await pidsOf(SERVER)) process.kill(pid, 'SIGKILL');
  await rm(directory, { recursive: true, force: true });
});

function boot(script: string, env: Record<string, string> = {}): ChildProcess {
  const text = `. ${lib}; standing_by=${directory}/standing-by; server_process=${SERVER}; PATH=${directory}:$PATH; begin; ${script}`;
  child = spawn('bash', ['-c', text], {
    env: { PATH: process.env.PATH, NODE_NAME: 'db-2', CONTROL_DIR: directory, AGENT_PORT: '1', ...env },
  });
  return child;
}

const phase = (wanted: string) =>
  until(`phase ${wanted}`, 10_000, async () => {
    const status = await new ControlDirectory(directory).status();
    return status?.phase === wanted && status;
  });
/** Processes of this name that are no zombies: those wait for a parent that nobody promises here. */
async function pidsOf(name: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const matches = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      return stat.includes(`(${name}) `) && !stat.includes(`(${name}) Z`);
    }),
  );
  return pids.filter((_, i) => matches[i]).map(Number);
}

/** Gives an order and waits for how it ends. */
async function ordered(order: Omit<Order, 'id'>): Promise<{ result: string; message: string }> {
  const control = new ControlDirectory(directory);
  const given = { ...order, id: randomUUID() };
  expect(await control.give(given)).toBe(true);
  const { value } = await until(`the order to ${order.order} has ended`, 10_000, async () => {
    const answer = await control.result(given.id);
    return (answer?.result === 'done' || answer?.result === 'failed') && answer;
  });
  return value;
}

const source = '172.28.0.12:3306';
const id = '3f2b8c9e-0000-4000-8000-0123456789ab';

test("supervises: passes signals on and ends with the server's own code", async () => {
  const running = boot('supervise sleep 60');
  await phase('running');
  running.kill('SIGTERM');
  expect(await once(running, 'exit')).toEqual([143, null]);
  expect((await new ControlDirectory(directory).status())?.phase).toBe('stopped');
});

test('a database ends with its host, and not before it has seen one', async () => {
  const host = createServer((socket) => socket.end());
  host.listen(0, '127.0.0.1');
  await once(host, 'listening');
  const { port } = host.address() as AddressInfo;
  let asked = 0;
  host.on('connection', () => (asked += 1));
  const running = boot('supervise sleep 60', { AGENT_PORT: String(port) });
  await until('it asks for its host', 10_000, async () => asked > 1);
  host.close();
  expect(await once(running, 'exit')).toEqual([1, null]);
  expect((await new ControlDirectory(directory).status())?.message).toContain('is gone');
});

test('a server that ends by itself ends the container with its code', async () => {
  const running = boot("supervise sh -c 'exit 7'");
  expect(await once(running, 'exit')).toEqual([7, null]);
});

test('takes an order once, and says how it ended', async () => {
  const control = new ControlDirectory(directory);
  boot(
    'report waiting; until take_order; do rest 0.05; done; report copying "$order_name from $order_source"; supervise sleep 60',
  );
  await phase('waiting');
  expect(await control.give({ id, order: 'copy', source: '172.28.0.11:5432' })).toBe(true);
  await phase('running');
  expect(await control.result(id)).toEqual({ result: 'done', message: '' });
  // A running server has data: a second order is refused, and the server runs on.
  const second = id.replace('3f2b', '4f2b');
  expect(await control.give({ id: second, order: 'initialise', source: null })).toBe(true);
  const { value } = await until('the second order is answered', 5000, async () => {
    const result = await control.result(second);
    return result?.result === 'failed' && result;
  });
  expect(value.message).toContain('refused');
  expect((await control.status())?.phase).toBe('running');
});

/** A node as the engines' scripts run it; `carryOut` is what their `carry_out` does. */
const node = (carryOut: string) => `
  carry_out() { ${carryOut}; }
  while true; do supervise ${SERVER} 60; [ "$order_name" = restart ] || obey; done`;

test('a restart ends a frozen server, and each process of its name, and starts it again', async () => {
  // A process that outlives its parent, as those of PostgreSQL do for as long as they are frozen.
  boot(`(${SERVER} 61 &); ${node('exit 9')}`);
  await phase('running');
  const { value: before } = await until('both run', 10_000, async () => {
    const pids = await pidsOf(SERVER);
    return pids.length === 2 && pids;
  });
  for (const pid of before) process.kill(pid, 'SIGSTOP');
  expect(await ordered({ order: 'restart', source })).toEqual({ result: 'done', message: '' });
  const { value: after } = await until('one runs again', 10_000, async () => {
    const pids = await pidsOf(SERVER);
    return pids.length === 1 && pids;
  });
  expect(before).not.toContain(after[0]);
  expect(await ordered({ order: 'restart', source })).toMatchObject({ result: 'done' });
});

test('a rebuild that fails leaves no server, and the next order is taken', async () => {
  boot(node(`report copying "$order_source"; [ -e "${directory}/works" ] && : >"${directory}/made"`));
  await phase('running');
  const failed = await ordered({ order: 'rebuild', source });
  expect(failed.result).toBe('failed');
  expect(failed.message).toContain(`'rebuild' ${source}`);
  await phase('waiting');
  expect(await pidsOf(SERVER)).toEqual([]);
  await writeFile(join(directory, 'works'), '');
  expect(await ordered({ order: 'rebuild', source })).toMatchObject({ result: 'done' });
  await phase('running');
  expect(await readFile(join(directory, 'made'), 'utf8')).toBe('');
});

test('takes no order while one is being carried out', async () => {
  const control = new ControlDirectory(directory);
  boot(node(`report copying; until [ -e "${directory}/done" ]; do rest 0.05; done`));
  await phase('running');
  expect(await control.give({ id, order: 'rebuild', source })).toBe(true);
  expect(await control.give({ id: randomUUID(), order: 'restart', source })).toBe(false);
  await phase('copying');
  expect(await control.give({ id: randomUUID(), order: 'restart', source })).toBe(false);
  await writeFile(join(directory, 'done'), '');
  await phase('running');
  expect(await control.result(id)).toMatchObject({ result: 'done' });
});

test('an order that was left lying is refused, and the server runs on', async () => {
  boot(node('exit 9'));
  await phase('running');
  const pids = await pidsOf(SERVER);
  const path = join(directory, 'order');
  await writeFile(`${path}.new`, `id=${id}\norder=restart\nsource=${source}\n`);
  const aMinuteAgo = Date.now() / 1000 - 60;
  await utimes(`${path}.new`, aMinuteAgo, aMinuteAgo);
  await rename(`${path}.new`, path);
  const control = new ControlDirectory(directory);
  const { value } = await until('the order is answered', 10_000, async () => {
    const answer = await control.result(id);
    return answer?.result === 'failed' && answer;
  });
  expect(value.message).toContain('refused');
  expect(await pidsOf(SERVER)).toEqual(pids);
});

test('a node without a server ends with its host too', async () => {
  const host = createServer((socket) => socket.end());
  host.listen(0, '127.0.0.1');
  await once(host, 'listening');
  let asked = 0;
  host.on('connection', () => (asked += 1));
  const { port } = host.address() as AddressInfo;
  const running = boot('await_order "no data yet"', { AGENT_PORT: String(port) });
  await until('it asks for its host', 10_000, async () => asked > 1);
  host.close();
  expect(await once(running, 'exit')).toEqual([1, null]);
});

/** The scripts of MySQL and MariaDB on a directory of ours, with an image's entrypoint that only leaves a file behind. */
const onDirectory = (entrypoint: string) => `
  SERVER_ID=2 root_password=X admin_tool=true sql_client=true DB_SUPERVISOR_PASSWORD="it's "'\\"so"'; . ${mysqlProtocol}
  data=${directory}/data incomplete=$data/.lab-incomplete id_file=$data/.lab-server-id
  initialised=${directory}/initialised initdb=${directory}
  supervisor_sql=${directory}/supervisor.sql supervisor_grants=${directory}/grants
  echo 'GRANT IT;' >$supervisor_grants
  chown() { :; }
  docker-entrypoint.sh() { ${entrypoint}; }
  read_server_id`;

/** What is in the data directory after a script has run to its end, and what it wrote. */
async function dataAfter(script: string): Promise<{ files: string[]; said: string; code: number }> {
  const running = boot(script);
  let said = '';
  running.stdout?.on('data', (chunk) => (said += chunk));
  const [code] = await once(running, 'close');
  return { files: (await readdir(join(directory, 'data'))).sort(), said, code };
}

test('mysql, mariadb: a rebuild wipes everything but the server id, which is a new one each time', async () => {
  await mkdir(join(directory, 'data', 'mysql'), { recursive: true });
  await writeFile(join(directory, 'data', 'mysql', 'old'), '');
  const works = onDirectory('printf "%s " "$@" >"$data/made"; : >"$initialised"');
  const first = await dataAfter(`${works}; order_name=rebuild; carry_out`);
  expect(first).toMatchObject({ files: ['.lab-server-id', 'made'], code: 0 });
  expect(await readFile(join(directory, 'data', 'made'), 'utf8')).toContain('--server-id=12 ');
  // The next life of the container.
  await dataAfter(`${works}; order_name=rebuild; carry_out`);
  expect(await readFile(join(directory, 'data', 'made'), 'utf8')).toContain('--server-id=22 ');
});

test('mysql, mariadb: the supervisor has its account from the start, whatever its password is made of', async () => {
  await mkdir(join(directory, 'data'));
  const works = onDirectory(
    'cp "$supervisor_sql" "$data/sql"; stat -c %a "$supervisor_sql"; : >"$initialised"',
  );
  const { said } = await dataAfter(`${works}; order_name=initialise; carry_out`);
  const sql = await readFile(join(directory, 'data', 'sql'), 'utf8');
  expect(sql).toBe(String.raw`CREATE USER 'supervisor'@'%' IDENTIFIED BY 'it''s \\"so"' REQUIRE SSL;
GRANT IT;
`);
  expect(said).toContain('600');
  const script = await readFile(join(directory, 'zz-lab-done.sh'), 'utf8');
  expect(script).toContain(`<${directory}/supervisor.sql || exit 1`);
});

test('mysql, mariadb: a rebuild that was cut short is taken up by the next boot, with the new server id', async () => {
  await mkdir(join(directory, 'data', 'mysql'), { recursive: true });
  const cut = await dataAfter(`${onDirectory('kill -KILL $$')}; order_name=rebuild; carry_out`);
  expect(cut.files).toEqual(['.lab-incomplete', '.lab-server-id']);
  const again = await dataAfter(
    `${onDirectory(': >"$initialised"')}; [ -e "$incomplete" ] && initialise; echo "id $server_id"`,
  );
  expect(again.said).toContain('id 12');
  expect(again.files).toEqual(['.lab-server-id']);
});

test('mysql, mariadb: an initialisation that fails leaves its mark, and no server of the image', async () => {
  await mkdir(join(directory, 'data'));
  const failed = await dataAfter(
    `${onDirectory(`${SERVER} 60 & return 1`)}; order_name=copy; if carry_out; then exit 9; fi`,
  );
  expect(failed).toMatchObject({ files: ['.lab-incomplete'], code: 0 });
  expect(await pidsOf(SERVER)).toEqual([]);
});

test('mysql, mariadb: a server id that cannot be read is no reason to use an old one', async () => {
  await mkdir(join(directory, 'data'));
  await writeFile(join(directory, 'data', '.lab-server-id'), '');
  expect(await dataAfter(onDirectory('exit 9'))).toMatchObject({ code: 1 });
  expect((await new ControlDirectory(directory).status())?.message).toContain('no server id');
});

test('forgets an order from an earlier life of the container', async () => {
  await writeFile(join(directory, 'order'), `id=${id}\norder=copy\n`);
  boot('supervise sleep 60');
  await phase('running');
  expect(await new ControlDirectory(directory).result(id)).toBeNull();
});

test('lets nothing but plain values through', async () => {
  boot(
    'report waiting; until take_order; do rest 0.05; done; printf "%s|%s|%s\\n" "$order_id" "$order_name" "$order_source" >"$control/out"; rest 60',
  );
  await phase('waiting');
  await writeFile(
    join(directory, 'order.new'),
    'id=$(id)\norder=co py;\nsource=`x` --evil $HOME/..\nother=1\n',
  );
  await rename(join(directory, 'order.new'), join(directory, 'order'));
  const { value } = await until('the order is read', 5000, () => readFile(join(directory, 'out'), 'utf8'));
  expect(value).toBe('d|copy|x--evilHOME..\n');
});

test('TOPOLOGY=single: the others stand by', async () => {
  const running = spawn(
    'bash',
    ['-c', `. ${lib}; standing_by=${directory}/standing-by; begin; stand_by_if_single; exit 9`],
    {
      env: { PATH: process.env.PATH, NODE_NAME: 'db-2', CONTROL_DIR: directory, TOPOLOGY: 'single' },
    },
  );
  child = running;
  await phase('standing-by');
  running.kill('SIGTERM');
  expect(await once(running, 'exit')).toEqual([0, null]);
});

test('reads lines with a sign of equality in the value', () => {
  expect(parseLines('a=1\n\nnothing\n=x\nb=c=d\n')).toEqual(
    new Map([
      ['a', '1'],
      ['b', 'c=d'],
    ]),
  );
});
