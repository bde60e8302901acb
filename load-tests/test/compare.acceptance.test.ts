import { existsSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CompareSummary } from '../src/summary.ts';

/** The whole of `./lab compare --quick` on a native lab of its own: what the README promises, measured. */
const LAB = resolve(import.meta.dirname, '../../cli/src/main.ts');
const QUICK_MS = 400_000;

let stateDir: string;

const lab = (...args: string[]) =>
  execa(process.execPath, [LAB, ...args], {
    env: { LAB_STATE_DIR: stateDir },
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

it('two replicas serve at least 1.8 times the reads, proved at the bottleneck, and only eventual reads are stale', {
  timeout: QUICK_MS + 60_000,
  retry: 1,
}, async () => {
  const { stdout, stderr, exitCode } = await lab('compare', '--quick', '--runtime', 'native', '--json');
  expect(exitCode, stderr).toBe(0);
  const summary: CompareSummary = JSON.parse(stdout);
  expect(summary.conclusion, JSON.stringify(summary.rejected)).toMatchObject({ bottleneckProved: true });
  expect(summary.ratios.readRps!.median).toBeGreaterThanOrEqual(1.8);
  expect(summary.prediction!.high).toBeGreaterThan(1.9);

  const serving = summary.utilisation.filter(({ servesReads }) => servesReads);
  expect(serving.map(({ arm, node }) => `${arm} ${node}`)).toEqual([
    'single db-1',
    'replicated db-2',
    'replicated db-3',
  ]);
  for (const { cpuShareOfCap, node } of serving) expect(cpuShareOfCap, node).toBeGreaterThanOrEqual(0.9);

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
