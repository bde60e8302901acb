import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, open, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LabError, messageOf } from '../errors.ts';
import { identify, isAlive, type ProcessIdentity, signalProcess } from '../processes.ts';
import { waitFor } from '../wait.ts';

const END_MS = 10_000;

export interface ChildSpec {
  readonly file: string;
  readonly args: readonly string[];
  readonly runAs: { readonly uid: number; readonly gid: number } | null;
  readonly logFile: string;
}

/**
 * The processes of the contenders that are not this lab. They are known by their command lines, which name a file below
 * `directory`: so a later run finds what a killed one left, and also a server that Patroni started and that outlived it.
 */
export class Children {
  readonly #directory: string;
  readonly #started = new Map<string, ProcessIdentity>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** What it says goes to its log. Throws LabError `bench-start-failed`. */
  async start(name: string, { file, args, runAs, logFile }: ChildSpec): Promise<void> {
    await mkdir(dirname(logFile), { recursive: true });
    const log = await open(logFile, 'a');
    try {
      const child = spawn(file, args, { cwd: '/', stdio: ['ignore', log.fd, log.fd], ...runAs });
      await spawned(child);
      const identity = identify(child.pid!);
      if (identity) this.#started.set(name, identity);
    } catch (error) {
      const said = `${name} (${file}) did not start: ${messageOf(error)}`;
      throw new LabError('bench-start-failed', said, `see ${logFile}`, error);
    } finally {
      await log.close();
    }
  }

  isRunning(name: string): boolean {
    const identity = this.#started.get(name);
    return identity !== undefined && isAlive(identity);
  }

  /** SIGKILL to that process alone: what it started lives on. Returns when it is gone. */
  async kill(name: string): Promise<void> {
    const identity = this.#started.get(name);
    if (!identity) return;
    signalProcess(identity, 'SIGKILL');
    await waitFor(() => !isAlive(identity), { what: `${name} to die`, timeoutMs: END_MS });
  }

  /** The hard end of all of them, of an earlier run's as well. They have nothing to keep. */
  async killAll(): Promise<void> {
    const none = async () => {
      const alive = await findOurs(this.#directory);
      for (const identity of alive) signalProcess(identity, 'SIGKILL');
      return alive.length === 0;
    };
    await waitFor(none, { what: 'the contenders’ processes to die', timeoutMs: END_MS });
    this.#started.clear();
  }
}

const spawned = (child: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });

async function findOurs(directory: string): Promise<ProcessIdentity[]> {
  const found: ProcessIdentity[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const identity = identify(Number(entry));
    if (identity && isOurs(await commandLine(identity.pid), directory)) found.push(identity);
  }
  return found;
}

const commandLine = async (pid: number): Promise<string[]> =>
  (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');

/** A server, etcd or Patroni that works below the directory; not somebody who only looks at a file there. Pure. */
export const isOurs = (command: readonly string[], directory: string): boolean =>
  /(^|\/)(postgres|etcd|python3[\d.]*)$/.test(command[0] ?? '') &&
  command.some((part) => part.startsWith(`${directory}/`) || part.includes(`=${directory}/`));

/** The fault: SIGKILL to the server's first process. Its children see that it is gone, and end by themselves. */
export async function killPostmaster(dataDir: string): Promise<void> {
  const text = await readFile(join(dataDir, 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number(text.split('\n', 1)[0]);
  const postmaster = pid > 0 ? identify(pid) : null;
  // The file outlives its server, and the number may be somebody else's by now.
  const isIt = postmaster !== null && (await commandLine(pid)).includes(dataDir);
  if (!isIt || !signalProcess(postmaster, 'SIGKILL'))
    throw new LabError('bench-no-server', `no server runs on ${dataDir}: there is none to kill`, null);
}
