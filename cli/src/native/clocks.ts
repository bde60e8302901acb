import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runDirectory } from './layout.ts';
import { findFaketime } from './packages.ts';

/** Where a process with a clock of its own reads, every second, by how many seconds that is wrong. */
const clockFile = (stateDir: string, name: string): string => join(runDirectory(stateDir), `${name}.clock`);

export const setClock = (stateDir: string, name: string, seconds: number): Promise<void> =>
  writeFile(clockFile(stateDir, name), `${seconds < 0 ? '' : '+'}${seconds}\n`);

/**
 * What a process is started with to have a clock of its own, which tells the right time at first. Of its two clocks only the one
 * for the time of day: the monotonic one never jumps on a real machine either. Null without libfaketime.
 */
export async function clockEnvironment(
  stateDir: string,
  name: string,
): Promise<Readonly<Record<string, string>> | null> {
  const library = await findFaketime();
  if (library === null) return null;
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: clockFile(stateDir, name),
    FAKETIME_CACHE_DURATION: '1',
    FAKETIME_DONT_RESET: '1',
    DONT_FAKE_MONOTONIC: '1',
  };
}
