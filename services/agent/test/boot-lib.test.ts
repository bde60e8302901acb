import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ControlDirectory, parseLines } from '../src/control.ts';
import { until } from './support/wait.ts';

// The two halves of the control directory together: infra/boot/lib.sh on one side, the agent's on the other. The
// database is `sleep`.
const lib = fileURLToPath(new URL('../../../infra/boot/lib.sh', import.meta.url));
let directory: string;
let child: ChildProcess | null = null;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rl-boot-'));
});
afterEach(async () => {
  child?.kill('SIGKILL');
  await rm(directory, { recursive: true, force: true });
});

function boot(script: string, env: Record<string, string> = {}): ChildProcess {
  const text = `. ${lib}; standing_by=${directory}/standing-by; begin; ${script}`;
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
