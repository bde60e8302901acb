import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { LabError } from '../errors.ts';
import { type ProcessIdentity, processTree } from '../processes.ts';
import { waitFor } from '../wait.ts';
import { findProgram, installCommand } from './packages.ts';

/** What becomes of the drill does not matter: after so long the stall ends by itself. */
const LONGEST_SECONDS = 120;
const SYNC_CALLS = 'fsync,fdatasync,sync_file_range,msync';
const HELD_WITHIN_MS = 10_000;

/**
 * Has every fsync of a server and of what it starts wait, as on a disk that takes nothing more: what is in memory is still read
 * and answered. Another process holds the calls back, so that nothing has to be prepared, and any file system will do. Returns
 * what lets them go. Throws LabError `missing-servers` without strace.
 */
export async function stallDisk(server: ProcessIdentity): Promise<() => Promise<void>> {
  const strace = await findProgram('strace');
  if (strace === null)
    throw new LabError('missing-servers', 'strace is not on this machine', installCommand(['strace']));
  const pids = processTree(server.pid).map(({ pid }) => pid);
  const inject = `inject=${SYNC_CALLS}:delay_enter=${LONGEST_SECONDS * 1_000_000}`;
  const hold = ['-f', '-o', '/dev/null', '-e', `trace=${SYNC_CALLS}`, '-e', inject];
  const args = [
    '-s',
    'KILL',
    String(LONGEST_SECONDS),
    strace,
    ...hold,
    ...pids.flatMap((pid) => ['-p', String(pid)]),
  ];
  // A group of its own, to be ended the hard way: strace waits for ever for a process that was killed while it held it.
  const child = spawn('timeout', args, { stdio: 'ignore', detached: true });
  const ended = once(child, 'close').catch(() => {});
  const release = async () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
    await ended;
  };
  try {
    await waitFor(() => pids.every((pid) => isHeld(pid) !== false), {
      ...{ what: 'strace to hold the server', timeoutMs: HELD_WITHIN_MS, code: 'cannot-stall' },
      mend: () => 'it needs root, and no other tracer',
    });
  } catch (error) {
    await release();
    throw error;
  }
  return release;
}

/** Null for a process that has ended meanwhile. */
function isHeld(pid: number): boolean | null {
  try {
    return !/^TracerPid:\t0$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return null;
  }
}
