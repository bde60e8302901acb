import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dropStaleLocks } from '../src/postgres/stale-locks.ts';

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
  await dropStaleLocks([lock()]);
  expect(existsSync(lock())).toBe(false);
});

/**
 * Its parent sleeps and never asks how it ended. It ends only when the parent is `sleep` already: a shell would ask.
 */
test.runIf(process.platform === 'linux')('the lock of a process that waits to be counted goes', async () => {
  const parent = spawn('/bin/sh', ['-c', 'exec 3<&0; cat <&3 >/dev/null & echo $!; exec sleep 60'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  try {
    const [line] = (await once(parent.stdout!, 'data')) as [Buffer];
    const pid = Number(line.toString());
    await expect.poll(() => readFileSync(`/proc/${parent.pid}/comm`, 'utf8')).toBe('sleep\n');
    parent.stdin!.end();
    await expect.poll(() => readFileSync(`/proc/${pid}/stat`, 'utf8')).toMatch(/\) Z /);
    await writeFile(lock(), `${pid}\n`);
    await dropStaleLocks([lock()]);
    expect(existsSync(lock())).toBe(false);
  } finally {
    parent.kill('SIGKILL');
  }
});

test('the lock of a number that is another program now goes', async () => {
  await writeFile(lock(), `${process.pid}\n`);
  await dropStaleLocks([lock()]);
  expect(existsSync(lock())).toBe(process.platform !== 'linux');
});

test('no lock, or one that cannot be read, is left to the server', async () => {
  await dropStaleLocks([lock()]);
  await writeFile(lock(), 'nonsense');
  await dropStaleLocks([lock()]);
  expect(existsSync(lock())).toBe(true);
});

test('an empty lock, of a server that was killed before it wrote its number, goes', async () => {
  await writeFile(lock(), '');
  await dropStaleLocks([lock()]);
  expect(existsSync(lock())).toBe(false);
});

test('an empty lock into which a number is written meanwhile is judged by that number', async () => {
  await writeFile(lock(), '');
  const dropping = dropStaleLocks([lock()]);
  await writeFile(lock(), 'nonsense');
  await dropping;
  expect(existsSync(lock())).toBe(true);
});
