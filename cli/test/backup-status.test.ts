import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { backupStatusFile, noteAttempt, readBackupStatus, statusAfter } from '../src/native/backup-status.ts';

const proved = { atMs: Date.UTC(2026, 10, 29, 5), bytes: 42, node: 'db-3' };
const first = { engine: 'postgres', startedMs: proved.atMs - 60_000, proved } as const;
const failed = { ...first, startedMs: proved.atMs + 60_000, proved: null };

let stateDir: string;
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'rl-status-'));
});
afterEach(() => rm(stateDir, { recursive: true, force: true }));

test('a backup that was proved is written down, and nothing else lies beside it', async () => {
  expect(await readBackupStatus(stateDir)).toBeNull();
  await noteAttempt(stateDir, first);
  expect(JSON.parse(await readFile(join(stateDir, 'backup-status.json'), 'utf8'))).toEqual({
    ...{ engine: 'postgres', lastProvenAt: '2026-11-29T05:00:00.000Z', lastOutcome: 'proved' },
    ...{ lastAttemptAt: '2026-11-29T04:59:00.000Z', bytes: 42, node: 'db-3' },
  });
  expect(await readdir(stateDir)).toEqual(['backup-status.json']);
});

test('one that failed moves only the attempt', async () => {
  await noteAttempt(stateDir, first);
  await noteAttempt(stateDir, failed);
  expect(await readBackupStatus(stateDir)).toMatchObject({
    ...{ lastProvenAt: '2026-11-29T05:00:00.000Z', lastAttemptAt: '2026-11-29T05:01:00.000Z' },
    ...{ lastOutcome: 'failed', bytes: 42, node: 'db-3' },
  });
});

test("another engine's proof says nothing of this one", () => {
  const status = statusAfter(statusAfter(null, first), { ...failed, engine: 'mariadb' });
  expect(status).toMatchObject({ engine: 'mariadb', lastProvenAt: null, lastOutcome: 'failed', bytes: null });
});

test('what cannot be read is no proof, and is written anew', async () => {
  await writeFile(backupStatusFile(stateDir), '{"engine":"postgres","lastProvenAt":');
  expect(await readBackupStatus(stateDir)).toBeNull();
  await noteAttempt(stateDir, failed);
  expect(await readBackupStatus(stateDir)).toMatchObject({ lastProvenAt: null, lastOutcome: 'failed' });
});
