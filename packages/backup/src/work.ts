import { mkdir, readdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { own } from '@replication-lab/engines/local';
import { BackupError } from './errors.ts';
import type { Site } from './types.ts';

/** Left free at least, beside what is copied. */
const AIR_BYTES = 256 * 2 ** 20;

/** Where copies lie until they are in the repository. What an earlier call has left, cut off, is removed. */
export async function freshWork(site: Site): Promise<string> {
  const work = join(site.directory, 'work');
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  await own(site.scratch, work, 0o700);
  return work;
}

export async function makeOwned(site: Site, path: string): Promise<string> {
  await mkdir(path, { recursive: true });
  await own(site.scratch, path, 0o700);
  return path;
}

/** BackupError `disk-full` unless `bytes` and some air are free there. Asked before anything is written. */
export async function requireSpace(directory: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  if (free >= bytes + AIR_BYTES) return;
  const mib = (n: number) => `${Math.round(n / 2 ** 20)} MiB`;
  throw new BackupError(
    'disk-full',
    `${directory} has ${mib(free)} free, ${mib(bytes + AIR_BYTES)} are needed`,
    'make room, or keep fewer backups (./lab backup --keep 1); the backups that are there are untouched',
  );
}

/** Of all files below. */
export async function bytesBelow(directory: string): Promise<number> {
  const { stat } = await import('node:fs/promises');
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const sizes = entries
    .filter((entry) => entry.isFile())
    // A running server removes files meanwhile.
    .map((entry) =>
      stat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0,
      ),
    );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
