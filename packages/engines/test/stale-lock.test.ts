import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dropStaleLock } from '../src/postgres/stale-lock.ts';

let dir: string;
const lock = () => join(dir, 'postmaster.pid');

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lab-lock-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test('the lock of a process that is gone goes', async () => {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  await writeFile(lock(), `${child.pid}\n/data\n`);
  await dropStaleLock(dir);
  expect(existsSync(lock())).toBe(false);
});

test('the lock of a number that is another program now goes', async () => {
  await writeFile(lock(), `${process.pid}\n`);
  await dropStaleLock(dir);
  expect(existsSync(lock())).toBe(process.platform !== 'linux');
});

test('no lock, or one that cannot be read, is left to the server', async () => {
  await dropStaleLock(dir);
  await writeFile(lock(), 'nonsense');
  await dropStaleLock(dir);
  expect(existsSync(lock())).toBe(true);
});
