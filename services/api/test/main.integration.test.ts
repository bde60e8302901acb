import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { end, spawnApi } from './support/api-process.ts';

/** The process from start to exit, over nodes that nobody listens at. */
const HOST = '127.0.34.30';
const PORT = 3000;
const DRAIN_MS = 700;

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) await end(child, 'SIGKILL');
});

function start(changes: Record<string, string> = {}) {
  const child = spawnApi({
    API_NAME: 'api-test',
    HOST,
    PORT: String(PORT),
    DB_NODES: 'db-1=127.0.34.201:1,db-2=127.0.34.202:1',
    SHUTDOWN_DRAIN_MS: String(DRAIN_MS),
    ...changes,
  });
  children.push(child);
  const exit = once(child, 'exit').then(([code]) => code as number | null);
  return { child, exit, output: text(child.stdout!), errors: text(child.stderr!) };
}

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`http://${HOST}:${PORT}${path}`, { headers, signal: AbortSignal.timeout(10_000) });

const live = () =>
  expect.poll(() => get('/livez').then((r) => r.status, String), { timeout: 15_000 }).toBe(200);

describe('the process', () => {
  test('names every wrong variable and exits 2', async () => {
    const { exit, errors } = start({ DB_NODES: '', PORT: 'x' });
    expect(await exit).toBe(2);
    expect(await errors).toContain('PORT');
    expect(await errors).toContain('DB_NODES');
  });

  test('says what is wrong when the port is taken, and exits 1', async () => {
    start();
    await live();
    const { exit, errors } = start();
    expect(await exit).toBe(1);
    expect(await errors).toContain(`${HOST}:${PORT}`);
  });

  test('on SIGTERM it is not ready at once, serves on while it drains, finishes what is under way, and exits 0', async () => {
    const { child, exit, output } = start();
    await live();
    expect(await get('/readyz').then((r) => r.json())).toMatchObject({ code: 'no-node' });
    const underWay = get('/users/1', { 'Consistency-Level': `delayed; ms=${2 * DRAIN_MS}` });
    await expect.poll(() => get('/metrics').then((r) => r.text())).toContain('http_requests_in_flight 1');

    child.kill('SIGTERM');
    await expect
      .poll(() => get('/readyz').then((r) => r.json()), { interval: 20 })
      .toMatchObject({ code: 'shutting-down' });
    const late = await get('/users/1');
    expect([late.status, late.headers.get('connection')]).toEqual([503, 'close']);
    expect(await (await underWay).json()).toMatchObject({ code: 'no-node' });
    expect(await exit).toBe(0);
    expect(await output).toContain('stopped');
  });

  test('a second signal ends it at once', async () => {
    const { child, exit } = start({ SHUTDOWN_DRAIN_MS: '20000', SHUTDOWN_TIMEOUT_MS: '30000' });
    await live();
    child.kill('SIGTERM');
    await expect.poll(() => get('/readyz').then((r) => r.json())).toMatchObject({ code: 'shutting-down' });
    child.kill('SIGINT');
    expect(await exit).toBe(1);
  });
});
