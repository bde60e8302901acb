import { execa } from 'execa';
import type { ServerSpec } from '../types.ts';
import { LocalError, type LocalErrorCode } from './errors.ts';
import { layoutOf } from './layout.ts';
import { isAlive, markOf, processTree, removeMark, signalAll, writeMark } from './process.ts';

export interface ToolOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly failure: LocalErrorCode;
}

/**
 * Runs one of the engine's own tools as the server's user; LocalError with the tool's last words when it fails. When it ends
 * before its time, because of the deadline or the signal, so does everything it has started.
 */
export async function runTool(
  spec: ServerSpec,
  file: string,
  args: readonly string[],
  options: ToolOptions,
): Promise<string> {
  const { tool } = layoutOf(spec.stateDir);
  const limit = AbortSignal.timeout(options.timeoutMs);
  const stop = options.signal ? AbortSignal.any([options.signal, limit]) : limit;
  const running = execa(file, args, {
    cwd: spec.stateDir,
    env: { ...toolEnvironment(), ...options.env },
    extendEnv: false,
    all: true,
    reject: false,
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
    ...(spec.runAs && { uid: spec.runAs.uid, gid: spec.runAs.gid }),
  });
  const mark = running.pid === undefined ? null : markOf(running.pid);
  const end = () => mark && isAlive(mark) && signalAll(processTree(mark.pid), 'SIGKILL');
  stop.addEventListener('abort', end);
  if (stop.aborted) end();
  if (mark) await writeMark(tool, mark);
  const result = await running;
  stop.removeEventListener('abort', end);
  if (mark) await removeMark(tool, mark);
  const output = result.all ?? '';
  if (!result.failed) return output;
  options.signal?.throwIfAborted();
  const what = `${file} for ${spec.node.name}`;
  if (limit.aborted) {
    throw new LocalError(
      options.failure,
      `${what} did not finish within ${options.timeoutMs} ms.\n${tail(output)}`,
    );
  }
  if (/No space left on device|errno: 28\b|Disk full/i.test(output)) {
    throw new LocalError(
      'disk-full',
      `${what}: no space left below ${spec.stateDir}. Make room and try again.`,
    );
  }
  throw new LocalError(
    options.failure,
    `${what} failed (${result.signal ?? `exit ${result.exitCode ?? result.code}`}).\n${tail(output)}`,
    result.cause,
  );
}

/** The servers get no more of our environment than they need: it may hold secrets, and PG* or MYSQL_* would steer them. */
export function toolEnvironment(): Record<string, string> {
  const { PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', TZ } = process.env;
  return { PATH, LC_ALL: 'C', ...(TZ && { TZ }) };
}

/** The last lines of a tool's output or a server's log. */
export function tail(text: string, lines = 12): string {
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}
