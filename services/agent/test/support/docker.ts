import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../../../../', import.meta.url));

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  /** Both outputs, for messages. */
  readonly all: string;
}

/** Runs docker and reports how it ended; throws only when there is no docker at all. */
export function docker(
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly timeoutMs?: number } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    execFile(
      'docker',
      args,
      {
        cwd: repository,
        env: { ...process.env, ...options.env },
        timeout: options.timeoutMs ?? 60_000,
        maxBuffer: 2 ** 24,
      },
      (error, stdout, stderr) => {
        if (error?.code === 'ENOENT') return reject(error);
        const code = typeof error?.code === 'number' ? error.code : error ? -1 : 0;
        resolve({ code, stdout, all: `${stdout}\n${stderr}` });
      },
    );
  });
}

/** Why a suite that needs these images cannot run here, or null when it can. */
export async function whyNot(images: readonly string[]): Promise<string | null> {
  try {
    const info = await docker(['info', '--format', '{{.ServerVersion}}'], { timeoutMs: 20_000 });
    if (info.code !== 0) return 'no Docker engine answers';
    const compose = await docker(['compose', 'version', '--short']);
    if (compose.code !== 0) return 'docker compose is not installed';
  } catch {
    return 'docker is not installed';
  }
  for (const image of images) {
    const { code } = await docker(['image', 'inspect', '--format', '{{.Id}}', image]);
    if (code !== 0 && (await docker(['pull', '--quiet', image], { timeoutMs: 600_000 })).code !== 0) {
      return `the image ${image} is not here and cannot be pulled`;
    }
  }
  return null;
}

/** The first of these images that is not here; none is asked for elsewhere. */
export async function missingOf(images: readonly string[]): Promise<string | null> {
  for (const image of images) {
    const { code } = await docker(['image', 'inspect', '--format', '{{.Id}}', image]).catch(() => ({
      code: -1,
    }));
    if (code !== 0) return image;
  }
  return null;
}

/** A suite that does not run must not look like one that passed. */
export function sayNotRun(suite: string, reason: string): void {
  console.error(`\n${'='.repeat(100)}\nNOT RUN: ${suite}: ${reason}\n${'='.repeat(100)}\n`);
}
