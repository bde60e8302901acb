import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { archiveName, cachedK6, ensureK6, majorOf } from '../src/k6-binary.ts';

describe('a k6 binary', () => {
  it.each([
    ['k6 v2.2.0 (go1.26.8, linux/amd64)', 2],
    ['k6.exe v2.2.0 (commit/abc, go1.25.12, windows/amd64)', 2],
    ['k6 v1.8.1 (go1.25.12, linux/amd64)', 1],
    ['v2.2.0', null],
    ['', null],
  ])('%s', (output, major) => {
    expect(majorOf(output)).toBe(major);
  });

  it('has an archive where k6 publishes one', () => {
    expect(archiveName('linux', 'x64')).toBe('k6-v2.2.0-linux-amd64.tar.gz');
    expect(archiveName('darwin', 'arm64')).toBe('k6-v2.2.0-macos-arm64.zip');
    expect(archiveName('linux', 'riscv64')).toBeNull();
    expect(archiveName('win32', 'x64')).toBeNull();
  });

  it('is kept where caches are kept', () => {
    expect(cachedK6({ XDG_CACHE_HOME: '/c' })).toBe('/c/replication-lab/k6-v2.2.0/k6');
  });

  it('that cannot be had is an error that says what was tried and what mends it', async () => {
    const cache = await mkdtemp(join(tmpdir(), 'rl-k6-'));
    try {
      // An empty PATH: no k6, no Go.
      const env = { PATH: '', HOME: cache, XDG_CACHE_HOME: cache };
      await expect(
        ensureK6({ env, fetch: async () => Promise.reject(new Error('offline')) }),
      ).rejects.toMatchObject({
        code: 'k6-missing',
        message: expect.stringMatching(/no k6 .* in PATH[\s\S]*build: [\s\S]*download: offline/),
        mend: expect.stringContaining('Go 1.25'),
      });
    } finally {
      await rm(cache, { recursive: true, force: true });
    }
  });
});
