import { expect, test } from 'vitest';
import type { AgentHealth } from '../src/agent-client.ts';
import { awaitDatabases, PATIENCE_MS, readiness } from '../src/await-databases.ts';

const health = (up: boolean, phase: string | null): AgentHealth => ({
  up,
  boot: phase === null ? null : { phase, message: '' },
});

test.each([
  ['its host does not answer', null, 'stuck'],
  ['its database container has never started', health(false, null), 'stuck'],
  ['the server answers', health(true, 'running'), 'ready'],
  ['it waits for an order', health(false, 'waiting'), 'ready'],
  ['it makes its data directory', health(false, 'initialising'), 'on-the-way'],
  ['it copies', health(false, 'copying'), 'on-the-way'],
  ['the boot script has just begun', health(false, 'starting'), 'starting'],
  ['the server was started and does not answer yet', health(false, 'running'), 'starting'],
  ['the boot script failed', health(false, 'failed'), 'stuck'],
  ['the server ended', health(false, 'stopped'), 'stuck'],
] as const)('%s', (_, said, expected) => {
  expect(readiness(said)).toBe(expected);
});

const nodes = ['db-1', 'db-2', 'db-3'].map((name) => ({ name, host: '127.0.0.1', port: 1 }));
const options = { nodes, progress: () => {}, signal: new AbortController().signal };

test('waits for a first start, however long a node that is stuck has been given up', async () => {
  let asked = 0;
  const ask = async ({ name }: { name: string }) => {
    if (name === 'db-3') return null;
    asked += 1;
    return asked > 6 ? health(true, 'running') : health(false, 'initialising');
  };
  const lines: string[] = [];
  await awaitDatabases({
    ...options,
    ask,
    timeoutMs: 10_000,
    patienceMs: { ...PATIENCE_MS, stuck: 300 },
    progress: (line) => lines.push(line),
  });
  expect(asked).toBeGreaterThan(6);
  expect(lines[0]).toBe('waiting for db-1, db-2, db-3');
  expect(lines.at(-1)).not.toContain('db-3');
});

test('ends at the deadline though nodes are still on the way', async () => {
  const start = performance.now();
  await awaitDatabases({
    ...options,
    ask: async () => health(false, 'initialising'),
    timeoutMs: 400,
  });
  expect(performance.now() - start).toBeGreaterThan(390);
});

test('gives up on a server that was started and never answers', async () => {
  const start = performance.now();
  await awaitDatabases({
    ...options,
    ask: async ({ name }) => health(name !== 'db-2', 'running'),
    timeoutMs: 60_000,
    patienceMs: { ...PATIENCE_MS, starting: 300 },
  });
  expect(performance.now() - start).toBeGreaterThan(290);
});

test('stops when it is told to', async () => {
  const signal = AbortSignal.timeout(100);
  const waiting = awaitDatabases({
    ...options,
    ask: async () => null,
    timeoutMs: 9000,
    signal,
  });
  await expect(waiting).rejects.toThrow();
});
