import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  identify,
  identifyByPs,
  isAlive,
  parseStat,
  processTree,
  readIdentity,
  readStat,
  signalProcess,
  signalTree,
  terminate,
  writeIdentity,
} from '../src/processes.ts';
import { waitFor } from '../src/wait.ts';

/** A process of a test, killed at its end whatever happens. */
function start(script: string) {
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(child);
  return child;
}
const children: ReturnType<typeof spawn>[] = [];
let dir = '';

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lab-test-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(dir, { recursive: true, force: true });
});

const FOREVER = 'setInterval(() => {}, 1000)';

describe('parseStat', () => {
  it('reads a command with spaces and parentheses', () => {
    const fields = Array.from({ length: 30 }, (_, i) => String(i + 4)).join(' ');
    expect(parseStat(`42 (a) b (c) T ${fields}`)).toEqual({
      pid: 42,
      parentPid: 4,
      state: 'T',
      startTicks: '22',
      cpuTicks: 14 + 15,
      reapedCpuTicks: 16 + 17,
    });
  });

  it.each(['', 'nonsense', '12 (x', '12 (x) S 1'])('refuses %j', (text) =>
    expect(parseStat(text)).toBeNull(),
  );
});

describe('a process identity', () => {
  it('is that process until it ends', async () => {
    const child = start(FOREVER);
    const identity = identify(child.pid!)!;
    expect(isAlive(identity)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isAlive(identity)).toBe(false);
  });

  it('is not the next process with the same pid, which never gets our signals', () => {
    const child = start(FOREVER);
    const before = { ...identify(child.pid!)!, startTicks: '1' };
    expect(isAlive(before)).toBe(false);
    expect(signalProcess(before, 'SIGKILL')).toBe(false);
    expect(signalTree(before, 'SIGKILL')).toBe(false);
    expect(identify(child.pid!)).not.toBeNull();
  });

  it('does not survive a reboot', () => {
    const child = start(FOREVER);
    expect(isAlive({ ...identify(child.pid!)!, bootId: 'another' })).toBe(false);
  });

  it('is found again through its file, and a file that is none is nobody', async () => {
    const child = start(FOREVER);
    const path = join(dir, 'x.pid');
    await writeIdentity(path, identify(child.pid!)!);
    expect((await readIdentity(path))?.pid).toBe(child.pid);
    await writeFile(path, `${child.pid}\n`);
    expect(await readIdentity(path)).toBeNull();
    expect(await readIdentity(join(dir, 'missing.pid'))).toBeNull();
  });
});

describe('signals', () => {
  it('reach the whole tree, and stopping is seen', async () => {
    const parent = start(
      `const c = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(FOREVER)}]);
       console.log(c.pid); ${FOREVER}`,
    );
    const [line] = await once(parent.stdout!, 'data');
    const grandchild = Number(String(line));
    const identity = identify(parent.pid!)!;
    expect(processTree(parent.pid!).map(({ pid }) => pid)).toContain(grandchild);

    signalTree(identity, 'SIGSTOP');
    const bothStopped = () => [parent.pid!, grandchild].every((pid) => readStat(pid)?.state === 'T');
    await waitFor(bothStopped, { what: 'both to stop', timeoutMs: 2000 });

    await terminate(identity, 2000, 'the test process');
    await waitFor(() => identify(parent.pid!) === null, { what: 'the end', timeoutMs: 2000 });
    if (identify(grandchild)) process.kill(grandchild, 'SIGKILL');
  });

  it('SIGKILL follows when SIGTERM is ignored', async () => {
    const child = start(`process.on('SIGTERM', () => {}); console.log('ready'); ${FOREVER}`);
    await once(child.stdout!, 'data');
    await terminate(identify(child.pid!)!, 200, 'the stubborn one');
    expect(identify(child.pid!)).toBeNull();
  });
});

it('identifies a process by ps where there is no /proc', async () => {
  const child = start("process.stdout.write('up'); setInterval(() => {}, 1000)");
  await once(child.stdout!, 'data');
  const first = identifyByPs(child.pid!);
  expect(first).toMatchObject({ pid: child.pid, startTicks: expect.stringMatching(/^\d+$/) });
  expect(identifyByPs(child.pid!)).toEqual(first);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(identifyByPs(child.pid!)).toBeNull();
});
