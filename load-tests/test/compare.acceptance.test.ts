import { existsSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CompareSummary } from '../src/summary.ts';

/** The whole of `./lab compare --quick` on a native lab of its own: what the README promises, measured. */
const LAB = resolve(import.meta.dirname, '../../cli/src/main.ts');
const QUICK_MS = 400_000;

/** Away from the addresses and ports of a lab that may be up on this machine. */
const PLACE = { LAB_LOOPBACK: '127.65', HTTP_PORT: '18081', STATS_PORT: '18405' };

let stateDir: string;

const lab = (...args: string[]) =>
  execa(process.execPath, [LAB, ...args], {
    env: { ...PLACE, LAB_STATE_DIR: stateDir },
    reject: false,
    timeout: QUICK_MS,
  });

beforeAll(async () => {
  // Short, and open to the servers' unprivileged users: not below the system's private temporary directories.
  stateDir = await mkdtemp('/var/tmp/rl-test-');
});

afterAll(async () => {
  await lab('down', '--volumes');
  expect(existsSync(stateDir)).toBe(false);
});

/**
 * The figures themselves are a benchmark's business, and the machine's: they are printed here, not judged. What a test
 * can judge is that the comparison ran whole, owns up to what it could not prove, and that only eventual reads are stale.
 */
it('runs whole, says what it could prove, and finds only eventual reads stale', {
  timeout: QUICK_MS + 60_000,
}, async () => {
  const { stdout, stderr, exitCode } = await lab('compare', '--quick', '--runtime', 'native', '--json');
  expect(exitCode, stderr).toBe(0);
  const summary: CompareSummary = JSON.parse(stdout);
  console.info(stderr);
  console.info(
    `read throughput, replicated / single: ${summary.ratios.readRps?.median.toFixed(2) ?? 'not proved'}`,
  );

  // A figure without its proof is no figure: what was not proved is listed, with the reason.
  if (summary.conclusion.bottleneckProved) expect(summary.ratios.readRps!.median).toBeGreaterThan(1);
  else expect(summary.rejected.length).toBeGreaterThan(0);
  expect(summary.prediction === null || summary.prediction.high > 1).toBe(true);

  const late = summary.anomalies.filter(({ fault }) => fault.startsWith('both replicas'));
  const staleAt = (level: string) => late.find((row) => row.level === level)!.readYourWrites;
  expect(staleAt('eventual').violations).toBeGreaterThan(0);
  for (const level of ['session', 'primary']) {
    expect(staleAt(level).eligible).toBeGreaterThan(100);
    expect(staleAt(level).violations, level).toBe(0);
  }
  const report = stderr.match(/Report +(\S+report\.html)/)?.[1];
  expect(await readFile(report!, 'utf8')).toMatch(/^<!doctype html>/);
  expect(await readFile(join(stateDir, 'state.json'), 'utf8').catch(() => null)).toBeNull(); // it was not up before
});
