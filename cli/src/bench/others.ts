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

/**
 * From now until the answer is asked for: how many cores those used who are no children of this command. The kernel's own threads
 * are among them. 0 where there is no /proc.
 */
export function watchOthers(): () => number {
  const take = () => ({ atMs: performance.now(), seconds: othersSeconds() });
  const before = take();
  return () => {
    const after = take();
    return Math.max(0, ((after.seconds - before.seconds) / (after.atMs - before.atMs)) * 1000);
  };
}

function othersSeconds(): number {
  try {
    return busySeconds(readFileSync('/proc/stat', 'utf8')) - treeCpuSeconds(process.pid);
  } catch {
    return 0; // no /proc: macOS
  }
}
