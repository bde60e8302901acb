import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import type { Durability } from '@replication-lab/engines';
import { engineOf } from '@replication-lab/engines/local';
import { execa } from 'execa';
import { findHaproxy, type Need } from '../../src/native/packages.ts';
import { repositoryRoot } from '../../src/paths.ts';
import type { LabStatus } from '../../src/status/types.ts';

/** Away from the addresses and ports of a lab that may be up on this machine. */
const PLACE = { LAB_LOOPBACK: '127.64', HTTP_PORT: '18080', STATS_PORT: '18404', HTTPS_PORT: '18443' };
export const API_URL = `http://127.0.0.1:${PLACE.HTTP_PORT}`;
export const HTTPS_URL = `https://127.0.0.1:${PLACE.HTTPS_PORT}`;
/** Where the nodes are: `127.0` in the pages. */
export const LOOPBACK = PLACE.LAB_LOOPBACK;
const MAIN = join(repositoryRoot, 'cli/src/main.ts');

/** Engines whose servers the distribution has. */
export const NATIVE_ENGINES = ['mariadb', 'postgres'] as const;

/**
 * Why not, or null; `needs`: what the lab needs beside its servers. Said aloud: a suite that is silently smaller than it looks proves
 * nothing.
 */
export async function whyNot(
  engine: (typeof NATIVE_ENGINES)[number],
  needs: readonly Need[] = [],
): Promise<string | null> {
  if (process.platform !== 'linux') return 'the native runtime needs Linux';
  for (const need of needs) if (!(await need.present())) return `not installed: ${need.what}`;
  const { server } = engineOf(engine);
  if (!(await server.find())) return server.explainMissing;
  return (await findHaproxy()) ? null : 'HAProxy is not installed';
}

export interface Ran {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** `./lab` as a person would run it, on a state directory of its own. */
export class TestLab {
  readonly stateDir: string;
  readonly durability: Durability | null;

  /** Without a durability: the one that `./lab up` takes by itself. */
  static async make(durability: Durability | null = null): Promise<TestLab> {
    return new TestLab(await mkdtemp('/var/tmp/rl-test-'), durability);
  }

  private constructor(stateDir: string, durability: Durability | null) {
    this.stateDir = stateDir;
    this.durability = durability;
  }

  /** What makes any `./lab` work on this lab. */
  get env(): Readonly<Record<string, string>> {
    const wanted = { DB_ENGINE: '', TOPOLOGY: '', DURABILITY: this.durability ?? '' };
    return { ...PLACE, ...wanted, LAB_STATE_DIR: this.stateDir };
  }

  start(args: readonly string[], env: Readonly<Record<string, string>> = {}, timeoutMs = 170_000) {
    return execa(process.execPath, [MAIN, ...args], {
      env: { ...this.env, ...env },
      stdin: 'ignore',
      reject: false,
      all: true,
      timeout: timeoutMs,
    });
  }

  async run(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    timeoutMs?: number,
  ): Promise<Ran> {
    const { exitCode, stdout, stderr } = await this.start(args, env, timeoutMs);
    return { code: exitCode, stdout, stderr };
  }

  /** Throws with all that was said when it does not exit 0. */
  async must(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args);
    if (code !== 0) throw new Error(`./lab ${args.join(' ')} exited ${code}\n${stdout}\n${stderr}`);
    return stdout;
  }

  async status(): Promise<LabStatus> {
    return JSON.parse(await this.must('status', '--json'));
  }
}

/** Command lines of the processes on this machine that name the directory. */
export function processesNaming(directory: string): string[] {
  const commandOf = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    } catch {
      return ''; // it has ended
    }
  };
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .map(commandOf)
    .filter((command) => command.includes(directory));
}
