import type { Site } from './types.ts';

/**
 * What is written in one go has to be on the disk before the next commit is: file systems keep an order among them (ext4 does,
 * data=ordered). Beside a writer without limit a disk that made 7,000 commits a second made 300 to 1,000, and beside one of 8 MiB a
 * second still 7,000. A low priority does not help: the commit waits for what has the low priority.
 */
export const DEFAULT_MAX_MIB_PER_SECOND = 16;

/** How fast copies are stored at most, and made where the tool can be held back, in MiB a second; null: as fast as it goes. */
export function paceOf({ maxMibPerSecond }: Pick<Site, 'maxMibPerSecond'>): number | null {
  const rate = maxMibPerSecond ?? DEFAULT_MAX_MIB_PER_SECOND;
  return rate === 0 ? null : rate;
}
