import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type } from 'node:os';

/** Clock ticks of /proc are hundredths of a second on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Idle CPU seconds of the whole machine since boot, waiting for disks included: it could have worked. */
export function hostIdleSeconds(): number {
  try {
    const [idle, iowait] = readFileSync('/proc/stat', 'utf8').split('\n')[0]!.trim().split(/\s+/).slice(4, 6);
    return (Number(idle) + Number(iowait)) / TICKS_PER_SECOND;
  } catch {
    return cpus().reduce((sum, { times }) => sum + times.idle / 1000, 0); // no /proc: macOS
  }
}

/** CPU seconds of one process; null when it is gone or there is no /proc. */
export function processCpuSeconds(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return null;
  }
}

export interface Environment {
  readonly cpuModel: string;
  readonly cpus: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly k6: string;
  /** Of the last minute before the measurement: what else the machine was doing. */
  readonly loadAverage: number;
}

export function readEnvironment(k6: string): Environment {
  return {
    cpuModel: cpus()[0]?.model ?? 'unknown',
    cpus: cpus().length,
    memoryGiB: Math.round((totalmem() / 2 ** 30) * 10) / 10,
    kernel: `${type()} ${release()}`,
    node: process.version,
    k6,
    loadAverage: loadavg()[0] ?? 0,
  };
}
