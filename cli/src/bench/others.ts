import { readFileSync } from 'node:fs';
import { CLOCK_TICKS_PER_SECOND, treeCpuSeconds } from '../processes.ts';

/** A block is measured again when others used more cores than this in one of its arms: it would be their ratio. */
export const OTHERS_CORES_MAX = 0.25;

/** Of the first line of /proc/stat: what was used since boot, by anybody, and what the host of a virtual machine took away. */
export function busySeconds(stat: string): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = stat
    .split('\n')[0]!
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / CLOCK_TICKS_PER_SECOND;
}

/** The first of the kernel's own threads; all others are below it. In a container there is none, or another process has its number. */
const KTHREADD = 2;

function kernelSeconds(): number {
  try {
    const name = readFileSync(`/proc/${KTHREADD}/comm`, 'utf8').trim();
    return name === 'kthreadd' ? treeCpuSeconds(KTHREADD) : 0;
  } catch {
    return 0;
  }
}

/**
 * Seconds that those used so far who are no children of this command, nor the kernel, which writes for everybody; it never falls,
 * as ticks would have it. 0 where there is no /proc.
 */
export function othersClock(): () => number {
  let most = 0;
  return () => {
    try {
      const busy = busySeconds(readFileSync('/proc/stat', 'utf8'));
      most = Math.max(most, busy - treeCpuSeconds(process.pid) - kernelSeconds());
    } catch {
      // no /proc: macOS
    }
    return most;
  };
}
