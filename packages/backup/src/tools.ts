import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import type { Engine, ServerBinary, ServerSpec } from '@replication-lab/engines';
import { isExecutable, toolEnvironment } from '@replication-lab/engines/local';
import { execa, type Options, type ResultPromise } from 'execa';
import { BackupError, type BackupErrorCode } from './errors.ts';
import type { BackupEngine } from './types.ts';

const STOP_AFTER_MS = 5_000;
const WORDS_KEPT = 4_000;

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly runAs?: ServerSpec['runAs'];
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly failure?: BackupErrorCode;
  /** Reads its standard input to the end. */
  readonly input?: string;
  /** What restores runs at full speed; a copy of a running lab takes what nobody else wants. */
  readonly urgent?: boolean;
}

/** The program beside the server's, where distributions and images have it, or on PATH. */
export async function findTool(name: string, binary: ServerBinary | null): Promise<string | null> {
  const beside = binary ? [dirname(binary.path), join(dirname(binary.path), '../bin')] : [];
  const path = (process.env.PATH ?? '').split(':').filter(Boolean);
  for (const directory of [...beside, ...path]) {
    const file = join(directory, name);
    if (await isExecutable(file)) return file;
  }
  return null;
}

/** Which of an engine's tools is not on this machine; null: all are. */
export async function missingTool(
  { tools }: Pick<BackupEngine, 'tools'>,
  { server }: Pick<Engine, 'server'>,
): Promise<string | null> {
  const binary = await server.find();
  for (const tool of tools) if (!(await findTool(tool, binary))) return tool;
  return null;
}

/** As `findTool`; throws BackupError `tool-missing`. */
export async function requireTool(
  name: string,
  binary: ServerBinary | null,
  packages: readonly string[] = [],
): Promise<string> {
  const found = await findTool(name, binary);
  if (found) return found;
  const mend = packages.length > 0 ? `apt-get install ${packages.join(' ')}` : null;
  throw new BackupError('tool-missing', `${name} is not on this machine`, mend);
}

/**
 * Linux gives each session the same share of the processor, and weighs niceness only within one: the servers have sessions of their
 * own, so what is to stand behind them needs one too, whose own niceness is set here. Without that grouping the file is not there.
 */
const LOW = [
  ...['/bin/sh', '-c', '{ echo "$0" > /proc/self/autogroup; } 2>/dev/null; exec "$@"'],
  ...['19', 'nice', '-n', '19'],
];

/**
 * A tool that ends with us, however we end: one that goes on by itself could finish a backup of files that are being removed.
 * Below everything else that wants the processor, unless it is urgent. Of the disk see `paceOf`.
 */
function start(command: Command, options: Options): ResultPromise {
  const { file, args, cwd, env, runAs, timeoutMs, signal, urgent } = command;
  const low = urgent ? [] : LOW;
  const [first, ...rest] = ['setpriv', '--pdeathsig', 'KILL', ...low, file, ...args];
  return execa(first!, rest, {
    cwd,
    detached: !urgent,
    env: { ...toolEnvironment(), ...env },
    extendEnv: false,
    reject: false,
    timeout: timeoutMs,
    forceKillAfterDelay: STOP_AFTER_MS,
    ...(signal && { cancelSignal: signal }),
    ...(runAs && { uid: runAs.uid, gid: runAs.gid }),
    ...options,
  });
}

interface Ended {
  readonly failed: boolean;
  readonly exitCode?: number;
  readonly timedOut: boolean;
  readonly signal?: string;
  readonly stderr?: unknown;
  readonly stdout?: unknown;
  readonly shortMessage?: string;
}

/** Throws what a failed tool means: the signal's reason, BackupError `disk-full`, or the command's own failure. */
function check(command: Command, ended: Ended): void {
  if (!ended.failed) return;
  command.signal?.throwIfAborted();
  const said = `${ended.stdout ?? ''}\n${ended.stderr ?? ''}`.trim().slice(-WORDS_KEPT);
  if (/no space left on device|errno: 28\b|disk full/i.test(said)) {
    const what = `${command.file}: no space left (${command.cwd})`;
    throw new BackupError('disk-full', what, 'make room; the backups that were there before are untouched');
  }
  const how = ended.timedOut
    ? `did not end within ${command.timeoutMs} ms`
    : `failed (${ended.signal ?? `exit ${ended.exitCode ?? ended.shortMessage}`})`;
  const last = said.split('\n').slice(-8).join('\n  | ');
  // Neither says anything of what is stored.
  const isOther = ended.timedOut || /already locked|wrong password/i.test(said);
  const code = isOther ? 'tool-failed' : (command.failure ?? 'tool-failed');
  throw new BackupError(code, `${command.file} ${how}:\n  | ${last}`);
}

/** Runs it to its end and returns what it printed. */
export async function run(command: Command): Promise<string> {
  const { input } = command;
  const ended = await start(command, {
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
    maxBuffer: 256 * 2 ** 20,
  });
  check(command, ended as Ended);
  return String(ended.stdout ?? '');
}

/** Runs it and hands over each line that it prints. `onLine` returns false when it wants no more: then the tool is ended. */
export async function eachLine(command: Command, onLine: (line: string) => boolean): Promise<void> {
  const running = start(command, { stdin: 'ignore', buffer: { stdout: false, stderr: true } });
  let enough = false;
  for await (const line of createInterface({ input: running.stdout!, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (onLine(line)) continue;
    enough = true;
    running.kill('SIGKILL');
    break;
  }
  const ended = await running;
  if (!enough) check(command, ended as Ended);
}

/** Sees all that passes. */
export type Tap = (chunk: Buffer) => void;

/**
 * `from | into`, where both must end well. What is cut off is never taken for whole: `into` is told of the end only when `from` has
 * ended well, and is killed when it has not. Returns what `into` printed.
 */
export async function pipe(from: Command, into: Command, tap: Tap = () => {}): Promise<string> {
  const reader = start(into, { stdin: 'pipe' });
  const writer = start(from, { stdin: 'ignore', buffer: { stdout: false, stderr: true } });
  const [source, sink] = [writer.stdout!, reader.stdin!];
  sink.on('error', () => {}); // a reader that has ended early is told by its own result
  let early = false;
  let whole = false;
  const read = reader.then((ended) => {
    early = !whole && (ended as Ended).failed;
    if (early) {
      writer.kill('SIGKILL');
      source.destroy();
    } else {
      // It has all that it needs.
      source.unpipe(sink).resume();
    }
    return ended as Ended;
  });
  source.on('data', tap);
  source.pipe(sink, { end: false });
  const [wrote] = (await Promise.all([writer, finished(source).catch(() => {})])) as [Ended, unknown];
  whole = !early;
  if (wrote.failed) reader.kill('SIGKILL');
  else sink.end();
  const got = await read;
  if (early) check(into, got);
  check(from, wrote);
  check(into, got);
  return String(got.stdout ?? '');
}

/** Has what it prints go to `write`, which may take its time. */
export async function eachChunk(command: Command, write: (chunk: Buffer) => Promise<void>): Promise<void> {
  const running = start(command, { stdin: 'ignore', buffer: { stdout: false, stderr: true } });
  try {
    for await (const chunk of running.stdout!) await write(chunk as Buffer);
  } catch (error) {
    running.kill('SIGKILL');
    await running;
    command.signal?.throwIfAborted();
    throw error;
  }
  check(command, (await running) as Ended);
}
