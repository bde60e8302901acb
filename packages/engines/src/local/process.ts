import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { waitFor } from '../wait-for.ts';

const END_TIMEOUT_MS = 10_000;
const FREEZE_TIMEOUT_MS = 2_000;

/** A process, told apart from a later one that got the same id. */
export interface ProcessMark {
  readonly pid: number;
  /** Clock ticks since boot at which it started; null where the system does not tell (no /proc). */
  readonly startTicks: number | null;
}

interface Stat {
  readonly state: string;
  readonly threads: number;
  readonly startTicks: number;
}

/** Fields of /proc/PID/stat, or of a thread's; the command in brackets may hold spaces, so count from its end. */
function readStat(path: number | string): Stat | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${path}/stat`, 'utf8');
  } catch {
    return null;
  }
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '?', threads: Number(fields[17]), startTicks: Number(fields[19]) };
}

export function markOf(pid: number): ProcessMark {
  return { pid, startTicks: readStat(pid)?.startTicks ?? null };
}

/**
 * Whether this very process still runs. A zombie does not: it only waits to be counted. But a process whose first thread
 * has ended looks like one while its other threads still hold its files and ports.
 */
export function isAlive({ pid, startTicks }: ProcessMark): boolean {
  if (startTicks !== null) {
    const stat = readStat(pid);
    if (stat === null || stat.startTicks !== startTicks) return false;
    return !'ZX'.includes(stat.state) || stat.threads > 1;
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

export async function writeMark(path: string, mark: ProcessMark): Promise<void> {
  await writeFile(path, markText(mark));
}

/** The process the file names, if it still runs. */
export async function readLiveMark(path: string): Promise<ProcessMark | null> {
  const [pid, ticks] = (await readFile(path, 'utf8').catch(() => '')).trim().split(' ');
  if (!pid || !/^\d+$/.test(pid)) return null;
  const mark = { pid: Number(pid), startTicks: ticks && ticks !== '-' ? Number(ticks) : null };
  return isAlive(mark) ? mark : null;
}

/** Removes the file, unless it names another process meanwhile. */
export async function removeMark(path: string, mark: ProcessMark): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => '');
  if (text === markText(mark)) await rm(path, { force: true });
}

const markText = ({ pid, startTicks }: ProcessMark): string => `${pid} ${startTicks ?? '-'}\n`;

/** The process and everything it started, parents first. PostgreSQL's backends are in sessions of their own. */
export function processTree(pid: number): number[] {
  const tree = [pid];
  for (let i = 0; i < tree.length; i += 1) {
    try {
      const children = readFileSync(`/proc/${tree[i]}/task/${tree[i]}/children`, 'utf8');
      tree.push(...children.split(' ').filter(Boolean).map(Number));
    } catch {
      // Gone meanwhile, or no /proc: then it has no children that matter.
    }
  }
  return tree;
}

/** Programs of the servers; one that runs through the loader of an image has the loader's name. */
const SERVER_PROGRAM = /^(?:postgres|mysqld|mariadbd|ld-linux)/;

/**
 * Servers, and parts of them, that work in this data directory, whoever started them. What is left of a server whose first
 * process was killed alone: the others of PostgreSQL end when they notice, which they do not while they are frozen, and until
 * then no other server starts.
 */
export function serversIn(data: string): ProcessMark[] {
  return numbersIn('/proc').flatMap((pid) => {
    try {
      const directory = readlinkSync(`/proc/${pid}/cwd`).replace(/ \(deleted\)$/, '');
      const name = readFileSync(`/proc/${pid}/comm`, 'utf8');
      const mark = markOf(pid);
      return directory === data && SERVER_PROGRAM.test(name) && isAlive(mark) ? [mark] : [];
    } catch {
      return []; // gone meanwhile, or somebody else's
    }
  });
}

function numbersIn(directory: string): number[] {
  try {
    return readdirSync(directory).map(Number).filter(Number.isInteger);
  } catch {
    return []; // no /proc
  }
}

/** Sends a signal to each; those that are gone meanwhile do not matter. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/**
 * SIGKILL for the process and everything it started, frozen or not. Resolves when all are gone; false when one of them is
 * still there after 10 s.
 */
export async function endProcess(mark: ProcessMark): Promise<boolean> {
  if (!isAlive(mark)) return true;
  const tree = processTree(mark.pid);
  const marks = tree.map(markOf);
  signalAll(tree, 'SIGKILL');
  const gone = () => !marks.some(isAlive);
  return (await waitFor(gone, { timeoutMs: END_TIMEOUT_MS, everyMs: 10 })) === true;
}

/**
 * SIGSTOP for the process and everything it started. Threads stop one by one, and a server may have started another process
 * meanwhile: resolves when all stand still, or after 2 s, because a thread that waits for a disk stops only after that.
 */
export async function freezeProcess({ pid }: ProcessMark): Promise<void> {
  const standStill = () => {
    const tree = processTree(pid);
    signalAll(tree, 'SIGSTOP');
    return tree.every(isStill);
  };
  await waitFor(standStill, { timeoutMs: FREEZE_TIMEOUT_MS, everyMs: 1 });
}

/** No thread of it runs, nor can. */
const isStill = (pid: number): boolean =>
  numbersIn(`/proc/${pid}/task`).every((thread) => {
    const stat = readStat(`${pid}/task/${thread}`);
    return stat === null || 'TtZX'.includes(stat.state);
  });
