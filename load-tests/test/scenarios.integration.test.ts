import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureK6 } from '../src/k6-binary.ts';
import { countLevel } from '../src/measure.ts';
import { readSamples, total } from '../src/samples.ts';

/**
 * The scenarios run in the real k6, against an endpoint that lies in a known way. It stands in for no database: a
 * checker that does not flag a known liar is not to be believed, so the lie is the point.
 */
const scenario = (name: string) => resolve(import.meta.dirname, '../scenarios', `${name}.ts`);

interface Seen {
  readonly method: string;
  readonly path: string;
  readonly level: string | undefined;
  readonly token: string | undefined;
}

let k6: string;
let directory: string;
let baseUrl: string;
const seen: Seen[] = [];
const versions = new Map<string, number>();
/** Reads of a row since its last write: the liar shows the first one fresh and the second one stale. */
const readsSince = new Map<string, number>();

const server = createServer((request, response) => {
  const path = request.url ?? '';
  const level = header(request, 'consistency-level');
  seen.push({ method: request.method ?? '', path, level, token: header(request, 'consistency-token') });
  request.resume().on('end', () => {
    const version = answer(request.method ?? '', path, level);
    response.writeHead(200, {
      'content-type': 'application/json',
      'consistency-token': `token-${version}`,
      'data-role': level === 'primary' ? 'primary' : 'replica',
    });
    response.end(JSON.stringify({ version, items: [] }));
  });
});

function answer(method: string, path: string, level: string | undefined): number {
  const current = versions.get(path) ?? 1;
  if (method === 'PATCH') {
    versions.set(path, current + 1);
    readsSince.set(path, 0);
    return current + 1;
  }
  const reads = (readsSince.get(path) ?? 0) + 1;
  readsSince.set(path, reads);
  return level === 'eventual' && reads > 1 ? current - 1 : current;
}

const header = (request: IncomingMessage, name: string): string | undefined => {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
};

beforeAll(async () => {
  k6 = await ensureK6();
  directory = await mkdtemp(join(tmpdir(), 'rl-scenarios-'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.37.10', resolve));
  baseUrl = `http://127.0.37.10:${(server.address() as AddressInfo).port}`;
}, 600_000);

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(directory, { recursive: true, force: true });
});

async function run(name: string, env: Readonly<Record<string, string>>) {
  const raw = join(directory, `${name}.json.gz`);
  const args = ['run', scenario(name), '--quiet', '--no-color', '--out', `json=${raw}`];
  const result = await execa(k6, args, {
    env: { ...env, BASE_URL: baseUrl, OUT_DIR: directory },
    reject: false,
    timeout: 50_000,
  });
  expect(result.stderr).not.toContain('level=error');
  expect(result.exitCode).toBe(0);
  const summary = JSON.parse(await readFile(join(directory, 'summary.json'), 'utf8'));
  return { samples: await readSamples(raw), summary, stdout: result.stdout };
}

describe('the k6 scenarios', () => {
  it.each(['throughput', 'latency', 'anomalies'])('%s is understood by k6', async (name) => {
    const { stdout } = await execa(k6, ['inspect', scenario(name)]);
    expect(Object.keys(JSON.parse(stdout).scenarios).length).toBeGreaterThan(0);
  });

  it('anomalies: counts the lies of the liar, and none where nobody lied', async () => {
    seen.length = 0;
    const { samples } = await run('anomalies', {
      LEVELS: 'eventual,session,primary,version',
      RATE: '10',
      DURATION_S: '3',
      MAX_WAIT_MS: '50',
      USERS: '1000',
    });
    const eventual = countLevel(samples, 'eventual');
    expect(eventual.sessions).toBeGreaterThanOrEqual(29);
    expect(eventual.readYourWrites).toEqual({
      violations: eventual.sessions,
      eligible: 2 * eventual.sessions,
    });
    expect(eventual.monotonicReads).toEqual({ violations: eventual.sessions, eligible: eventual.sessions });
    for (const level of ['session', 'primary', 'version'] as const) {
      const { sessions, readYourWrites, monotonicReads } = countLevel(samples, level);
      expect(readYourWrites).toEqual({ violations: 0, eligible: 2 * sessions });
      expect(monotonicReads).toEqual({ violations: 0, eligible: sessions });
    }
    expect(countLevel(samples, 'primary').primaryReads).toBe(2 * countLevel(samples, 'primary').sessions);
    const reads = seen.filter(({ method, level }) => method === 'GET' && level !== undefined);
    expect(
      reads.filter(({ level }) => level === 'session').every(({ token }) => token?.startsWith('token-')),
    ).toBe(true);
    expect(reads.filter(({ level }) => level === 'eventual').every(({ token }) => token === undefined)).toBe(
      true,
    );
    expect(reads.some(({ level }) => /^version; min=\d+$/.test(level ?? ''))).toBe(true);
  });

  it('latency: offers the rate it was told, nine in ten as reads and more, none dropped', async () => {
    seen.length = 0;
    const { samples, stdout } = await run('latency', { RATE: '40', DURATION_S: '3', USERS: '1000' });
    const done = samples.read_ms.length + samples.write_ms.length;
    expect(done).toBeGreaterThanOrEqual(119);
    expect(done).toBeLessThanOrEqual(121);
    expect(samples.read_ms.length / done).toBeGreaterThan(0.9);
    expect(total(samples.dropped_iterations)).toBe(0);
    expect(stdout).toMatch(/^\d+ iterations, 0 dropped, 0\.00 % of requests failed/m);
    expect(seen.filter(({ level }) => level === 'eventual').length).toBeGreaterThanOrEqual(done);
  });

  it('throughput: drops what it cannot start, and goes on', async () => {
    const { samples, summary } = await run('throughput', {
      CONCURRENCY: '1',
      START_RATE: '3000',
      TOP_RATE: '6000',
      RAMP_S: '1',
      HOLD_S: '1',
      USERS: '1000',
    });
    expect(total(samples.dropped_iterations)).toBeGreaterThan(0);
    expect(samples.read_ms.length).toBeGreaterThan(0);
    expect(summary.metrics.read_ms.values.count).toBe(samples.read_ms.length);
  });

  it('says at once when the users are not there', async () => {
    const { exitCode, stderr } = await execa(k6, ['run', '--quiet', scenario('latency')], {
      env: { BASE_URL: 'http://127.0.37.11:9', RATE: '10', DURATION_S: '3' },
      reject: false,
      timeout: 40_000,
    });
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain('seed 100000 users first');
  });
});
