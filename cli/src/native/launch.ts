import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { LabError, messageOf } from '../errors.ts';
import { identify, type ProcessIdentity } from '../processes.ts';

export interface Launch {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Appended to: stdout and stderr. */
  readonly logFile: string;
  /** Another user to run as; only root can. */
  readonly runAs?: { readonly uid: number; readonly gid: number } | null;
}

/**
 * Starts a process that outlives this command: a session of its own, nothing inherited but a log file.
 * Throws LabError `cannot-start` when there is nothing to execute; an early death shows in the wait for readiness.
 */
export async function launch(what: string, options: Launch): Promise<ProcessIdentity> {
  const log = openSync(options.logFile, 'a', 0o644);
  try {
    const child = spawn(options.file, [...options.args], {
      cwd: options.cwd,
      env: options.env,
      detached: true,
      stdio: ['ignore', log, log],
      ...(options.runAs && { uid: options.runAs.uid, gid: options.runAs.gid }),
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    const identity = child.pid === undefined ? null : identify(child.pid);
    if (!identity) throw new Error('it ended at once');
    return identity;
  } catch (error) {
    const mend = `look into ${options.logFile}; ./lab doctor says what is missing`;
    throw new LabError(
      'cannot-start',
      `cannot start ${what} (${options.file}): ${messageOf(error)}`,
      mend,
      error,
    );
  } finally {
    closeSync(log);
  }
}

/** The last lines of a log, indented, for an error message; empty when there is no log. */
export async function tailOf(logFile: string, lines = 8): Promise<string> {
  const text = await readFile(logFile, 'utf8').catch(() => '');
  const last = text
    .trimEnd()
    .split('\n')
    .slice(-lines)
    .map((line) => `  | ${line.slice(0, 300)}`)
    .join('\n');
  return text.trim() === '' ? '' : `\n${last}`;
}
