import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { MeasureError } from './errors.ts';

export const K6_VERSION = 'v2.2.0';
const MODULE_DIR = resolve(import.meta.dirname, '../k6');
const RELEASES = `https://github.com/grafana/k6/releases/download/${K6_VERSION}`;
const BUILD_TIMEOUT_MS = 15 * 60_000;
const DOWNLOAD_TIMEOUT_MS = 3 * 60_000;
const SAY_EVERY_MS = 15_000;

export interface EnsureOptions {
  readonly progress?: (message: string) => void;
  readonly signal?: AbortSignal;
  readonly env?: NodeJS.ProcessEnv;
  /** How the release archive is fetched. */
  readonly fetch?: typeof fetch;
}

/** `k6 v2.2.0 (go1.26.8, linux/amd64)` → 2; null for anything else. */
export function majorOf(versionOutput: string): number | null {
  const match = /^k6(?:\.exe)? v(\d+)\.\d+\.\d+/.exec(versionOutput.trim());
  return match ? Number(match[1]) : null;
}

/** The release's archive for a platform as Node names it; null where k6 publishes none. */
export function archiveName(platform: string, arch: string): string | null {
  const cpu = { x64: 'amd64', arm64: 'arm64' }[arch];
  if (cpu === undefined) return null;
  if (platform === 'linux') return `k6-${K6_VERSION}-linux-${cpu}.tar.gz`;
  if (platform === 'darwin') return `k6-${K6_VERSION}-macos-${cpu}.zip`;
  return null;
}

/** Where a k6 of our own lives; below XDG_CACHE_HOME when that is set. */
export function cachedK6(env: NodeJS.ProcessEnv = process.env): string {
  const cache = env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(cache, 'replication-lab', `k6-${K6_VERSION}`, 'k6');
}

/**
 * The path of a k6 of version 2 or newer: from PATH, from the cache, compiled from the pinned Go module (minutes, once),
 * or from k6's release archive. @throws MeasureError `k6-missing` saying what was tried.
 */
export async function ensureK6(options: EnsureOptions = {}): Promise<string> {
  const env = options.env ?? process.env;
  const cached = cachedK6(env);
  for (const file of ['k6', cached]) if (await isUsable(file, env)) return file;

  const tried: string[] = ['no k6 of version 2 or newer in PATH'];
  for (const obtain of [build, download]) {
    try {
      await install(cached, (directory) => obtain(directory, { ...options, env }));
      if (await isUsable(cached, env)) return cached;
      tried.push(`${obtain.name}: the binary does not run here`);
    } catch (error) {
      options.signal?.throwIfAborted();
      tried.push(`${obtain.name}: ${firstLines(error)}`);
    }
  }
  throw new MeasureError(
    'k6-missing',
    `there is no k6 to make load with:\n  ${tried.join('\n  ')}`,
    'install Go 1.25 or newer (k6 is then compiled here), or k6 2.x itself: https://grafana.com/docs/k6/latest/set-up/install-k6/',
  );
}

async function isUsable(file: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const { stdout } = await execa(file, ['version'], { reject: false, env, timeout: 20_000 });
  return (majorOf(stdout ?? '') ?? 0) >= 2;
}

/** Into a directory beside the target first: a build that was interrupted must never look like a binary. */
async function install(target: string, obtain: (directory: string) => Promise<string>): Promise<void> {
  const home = resolve(target, '..');
  await mkdir(home, { recursive: true });
  const directory = await mkdtemp(join(home, 'new-'));
  try {
    await rename(await obtain(directory), target);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** `go install go.k6.io/k6/v2@…` needs a module proxy that lists versions; a module with its own go.sum does not. */
async function build(directory: string, { progress, signal, env }: EnsureOptions): Promise<string> {
  const file = join(directory, 'k6');
  progress?.(`compiling k6 ${K6_VERSION} with Go: 2 to 3 minutes on two cores, once`);
  const startMs = performance.now();
  const timer = setInterval(() => {
    progress?.(`compiling k6: ${Math.round((performance.now() - startMs) / 1000)} s so far`);
  }, SAY_EVERY_MS);
  try {
    await execa('go', ['build', '-trimpath', '-ldflags=-s -w', '-o', file, 'go.k6.io/k6/v2'], {
      cwd: MODULE_DIR,
      env: { ...env, CGO_ENABLED: '0' },
      timeout: BUILD_TIMEOUT_MS,
      cancelSignal: signal,
      stdin: 'ignore',
    });
  } finally {
    clearInterval(timer);
  }
  return file;
}

async function download(directory: string, options: EnsureOptions): Promise<string> {
  const { progress, signal } = options;
  const name = archiveName(process.platform, process.arch);
  if (name === null) throw new Error(`k6 publishes no archive for ${process.platform} ${process.arch}`);
  progress?.(`fetching k6 ${K6_VERSION} from its releases`);
  const [archive, checksums] = await Promise.all([
    fetchBytes(`${RELEASES}/${name}`, options),
    fetchBytes(`${RELEASES}/k6-${K6_VERSION}-checksums.txt`, options),
  ]);
  const sum = createHash('sha256').update(archive).digest('hex');
  if (!checksums.toString('utf8').includes(sum))
    throw new Error(`${name}: the checksum is not the published one`);
  await writeFile(join(directory, name), archive);
  await execa('tar', ['-xf', name, '--strip-components=1'], { cwd: directory, cancelSignal: signal });
  return join(directory, 'k6');
}

async function fetchBytes(url: string, options: EnsureOptions): Promise<Buffer> {
  const { signal, fetch: get = fetch } = options;
  const deadline = AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS);
  const response = await get(url, { signal: signal ? AbortSignal.any([signal, deadline]) : deadline });
  if (!response.ok) throw new Error(`GET ${url} answered ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}

function firstLines(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n').slice(0, 4).join('\n    ');
}
