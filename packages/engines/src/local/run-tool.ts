import { execa } from 'execa';
import type { ServerSpec } from '../types.ts';
import { LocalError, type LocalErrorCode } from './errors.ts';

export interface ToolOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly failure: LocalErrorCode;
}

/** Runs one of the engine's own tools as the server's user; LocalError with the tool's last words when it fails. */
export async function runTool(
  spec: ServerSpec,
  file: string,
  args: readonly string[],
  options: ToolOptions,
): Promise<string> {
  const result = await execa(file, args, {
    cwd: spec.stateDir,
    env: { ...toolEnvironment(), ...options.env },
    extendEnv: false,
    all: true,
    reject: false,
    timeout: options.timeoutMs,
    forceKillAfterDelay: 2000,
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
    ...(options.signal && { cancelSignal: options.signal }),
    ...(spec.runAs && { uid: spec.runAs.uid, gid: spec.runAs.gid }),
  });
  const output = result.all ?? '';
  if (!result.failed) return output;
  options.signal?.throwIfAborted();
  const what = `${file} for ${spec.node.name}`;
  if (result.timedOut) {
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
