import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { systemCode } from './errors.ts';
import { waitFor } from './wait.ts';

/**
 * Which process, not only which number: a pid is given out again after its process ends and after a reboot, and a
 * process that was never ours must never get our signals.
 */
export const processIdentity = z.object({
  pid: z.number().int().positive(),
  /** Start of the process in clock ticks since boot: field 22 of /proc/PID/stat. */
  startTicks: z.string().regex(/^\d+$/),
  bootId: z.string().min(1),
});
export type ProcessIdentity = z.infer<typeof processIdentity>;

export interface ProcessStat {
  readonly pid: number;
  readonly parentPid: number;
  /** R, S, D, T (stopped), Z (zombie) …, from proc(5). */
  readonly state: string;
  readonly startTicks: string;
  /** Own time and that of children already waited for, in clock ticks. */
  readonly cpuTicks: number;
  readonly reapedCpuTicks: number;
}

/** Parses /proc/PID/stat. The command in parentheses may itself hold spaces and parentheses. */
export function parseStat(text: string): ProcessStat | null {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return null;
  const fields = text
    .slice(close + 1)
    .trim()
    .split(/\s+/);
  // fields[0] is field 3 (state) of proc(5).
  const field = (number: number) => fields[number - 3] ?? '';
  const pid = Number(text.slice(0, open));
  if (!Number.isInteger(pid) || !/^\d+$/.test(field(22))) return null;
  return {
    pid,
    parentPid: Number(field(4)),
    state: field(3),
    startTicks: field(22),
    cpuTicks: Number(field(14)) + Number(field(15)),
    reapedCpuTicks: Number(field(16)) + Number(field(17)),
  };
}

export function readStat(pid: number): ProcessStat | null {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return null; // it has ended
  }
}

let bootIdCache: string | null = null;
function bootId(): string {
  bootIdCache ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return bootIdCache;
}

/** Where there is no /proc (macOS, with the lab in Docker): the start time as `ps` tells it identifies as well. */
export function identifyByPs(pid: number): ProcessIdentity | null {
  try {
    const text = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 5_000,
    });
    const [state = 'Z', ...started] = text.trim().split(/\s+/);
    const startMs = Date.parse(started.join(' '));
    if (state.startsWith('Z') || Number.isNaN(startMs)) return null;
    return { pid, startTicks: String(startMs), bootId: process.platform };
  } catch {
    return null; // it has ended
  }
}

/** Who has this pid now; null when nobody has, or only a zombie. */
export function identify(pid: number): ProcessIdentity | null {
  if (process.platform !== 'linux') return identifyByPs(pid);
  const stat = readStat(pid);
  if (!stat || stat.state === 'Z') return null;
  return { pid, startTicks: stat.startTicks, bootId: bootId() };
}

/** Does the very process still run? False for a reused pid. */
export function isAlive(identity: ProcessIdentity): boolean {
  const now = identify(identity.pid);
  return now !== null && now.startTicks === identity.startTicks && now.bootId === identity.bootId;
}

/** Sends the signal to that very process; false when it is gone. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ESRCH') return false;
    throw error;
  }
}

/** The process and all below it, parents first. */
export function processTree(rootPid: number): ProcessStat[] {
  const children = new Map<number, ProcessStat[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = readStat(Number(entry));
    if (stat) children.set(stat.parentPid, [...(children.get(stat.parentPid) ?? []), stat]);
  }
  const root = readStat(rootPid);
  const tree = root ? [root] : [];
  for (let i = 0; i < tree.length; i++) tree.push(...(children.get(tree[i]!.pid) ?? []));
  return tree;
}

/** USER_HZ, the same on every Linux port Node runs on. */
export const CLOCK_TICKS_PER_SECOND = 100;

/** CPU seconds of the process and all below it, with those of their ended children. */
export function treeCpuSeconds(rootPid: number): number {
  const ticks = processTree(rootPid).reduce((sum, stat) => sum + stat.cpuTicks + stat.reapedCpuTicks, 0);
  return ticks / CLOCK_TICKS_PER_SECOND;
}

/**
 * SIGTERM, then SIGKILL to the process and its children when it has not ended in `graceMs`. A stopped (frozen) process
 * is continued first, or it could not hear the signal. Returns when it is gone.
 */
export async function terminate(identity: ProcessIdentity, graceMs: number, what: string): Promise<void> {
  if (!isAlive(identity)) return;
  signalTree(identity, 'SIGCONT');
  signalProcess(identity, 'SIGTERM');
  try {
    await waitFor(() => !isAlive(identity), { what: `${what} to end`, timeoutMs: graceMs });
  } catch {
    signalTree(identity, 'SIGKILL');
    await waitFor(() => !isAlive(identity), { what: `${what} to die`, timeoutMs: 5000 });
  }
}

/** Signals the whole tree of that very process, root first; false when it is gone. */
export function signalTree(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  for (const { pid, startTicks } of processTree(identity.pid)) {
    signalProcess({ pid, startTicks, bootId: identity.bootId }, signal);
  }
  return true;
}

/** Written whole or not at all. */
export async function writeIdentity(path: string, identity: ProcessIdentity): Promise<void> {
  await writeFile(`${path}.new`, `${JSON.stringify(identity)}\n`);
  await rename(`${path}.new`, path);
}

/** The live process named by the file; null when it has ended or there is no such file. */
export async function readIdentity(path: string): Promise<ProcessIdentity | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return null;
  }
  const parsed = processIdentity.safeParse(parseJson(text));
  return parsed.success && isAlive(parsed.data) ? parsed.data : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
