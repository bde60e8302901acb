import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CapResult, Usage } from '@replication-lab/load-tests';
import { messageOf } from '../errors.ts';
import { processTree, treeCpuSeconds } from '../processes.ts';

/**
 * CPU caps and CPU accounting of the native runtime: one control group a process of the lab, below a group of the
 * lab's own. Version 1 has two trees for it (cpu, cpuacct), version 2 one. Where neither is writable, caps are refused
 * with the reason and usage comes from /proc.
 */

/** The period of the cap. With the kernel's usual 100 ms a node at 0.2 CPU would freeze for 80 ms at a time. */
const PERIOD_US = 10_000;
const GROUP = 'replication-lab';

export interface CgroupRoots {
  readonly version: 1 | 2;
  readonly cpu: string;
  readonly cpuacct: string;
}

/** Where the trees are mounted, from /proc/mounts; null when there is none. A v2 tree without `cpu` does not count. */
export async function findCgroups(mounts?: string): Promise<CgroupRoots | null> {
  const text = mounts ?? (await readFile('/proc/mounts', 'utf8').catch(() => ''));
  const points = text.split('\n').map((line) => line.split(' '));
  const v1 = (controller: string) =>
    points.find((p) => p[2] === 'cgroup' && (p[3] ?? '').split(',').includes(controller))?.[1];
  const cpu = v1('cpu');
  const cpuacct = v1('cpuacct');
  if (cpu && cpuacct) return { version: 1, cpu, cpuacct };
  for (const [, point, type] of points) {
    if (type !== 'cgroup2' || !point) continue;
    const controllers = await readFile(join(point, 'cgroup.controllers'), 'utf8').catch(() => '');
    if (controllers.split(/\s+/).includes('cpu')) return { version: 2, cpu: point, cpuacct: point };
  }
  return null;
}

const unavailable = (why: string): CapResult => ({ applied: false, reason: why });

/** The groups of one lab: `name` tells labs with different state directories apart. */
export class LabCgroups {
  readonly #roots: CgroupRoots | null;
  readonly #name: string;
  #broken: string | null = null;

  constructor(roots: CgroupRoots | null, name: string) {
    this.#roots = roots;
    this.#name = name;
    if (!roots) this.#broken = 'this machine has no cgroup tree with the cpu controller';
  }

  #group(tree: 'cpu' | 'cpuacct', node?: string): string {
    return join(this.#roots![tree], GROUP, this.#name, node ?? '');
  }

  get #trees(): ('cpu' | 'cpuacct')[] {
    return this.#roots?.version === 1 && this.#roots.cpu !== this.#roots.cpuacct
      ? ['cpu', 'cpuacct']
      : ['cpu'];
  }

  /** Makes the node's group. False (and `reason`) where this machine does not let us. */
  async ensure(node: string): Promise<boolean> {
    if (this.#broken) return false;
    try {
      for (const tree of this.#trees) await mkdir(this.#group(tree, node), { recursive: true });
      if (this.#roots!.version === 2) await this.#delegateCpu();
      return true;
    } catch (error) {
      this.#broken = `cgroups cannot be written here (${messageOf(error)})`;
      return false;
    }
  }

  /** Version 2 gives a controller to a group only when each group above hands it down. */
  async #delegateCpu(): Promise<void> {
    const root = this.#roots!.cpu;
    for (const dir of [root, join(root, GROUP), this.#group('cpu')]) {
      const control = join(dir, 'cgroup.subtree_control');
      if (!(await readFile(control, 'utf8')).split(/\s+/).includes('cpu')) await writeFile(control, '+cpu');
    }
  }

  /** Moves the process and all its children into the node's group; later children are born there. */
  async place(node: string, rootPid: number): Promise<boolean> {
    if (!(await this.ensure(node))) return false;
    const placed = new Set<number>();
    for (let round = 0; round < 5; round++) {
      const fresh = processTree(rootPid).filter(({ pid }) => !placed.has(pid));
      if (fresh.length === 0) return true;
      for (const { pid } of fresh) {
        placed.add(pid);
        for (const tree of this.#trees) {
          await writeFile(join(this.#group(tree, node), 'cgroup.procs'), String(pid)).catch(() => {});
        }
      }
    }
    return true;
  }

  /** Sets the cap, or lifts it with null, and reads it back. */
  async cap(node: string, cpus: number | null): Promise<CapResult> {
    if (!(await this.ensure(node))) return unavailable(this.#broken ?? 'cgroups cannot be written here');
    const quota = cpus === null ? null : Math.max(1000, Math.round(cpus * PERIOD_US));
    const dir = this.#group('cpu', node);
    try {
      if (this.#roots!.version === 2) {
        await writeFile(join(dir, 'cpu.max'), `${quota ?? 'max'} ${PERIOD_US}`);
      } else {
        // A parent's quota must never be below a child's, and ours has none; the order period-then-quota is always legal.
        await writeFile(join(dir, 'cpu.cfs_period_us'), String(PERIOD_US));
        await writeFile(join(dir, 'cpu.cfs_quota_us'), String(quota ?? -1));
      }
    } catch (error) {
      return unavailable(`the kernel refused the cap (${messageOf(error)})`);
    }
    const effective = await this.#readQuota(dir);
    return effective === quota
      ? { applied: true, reason: null }
      : unavailable(`asked for a quota of ${quota}, the kernel says ${effective}`);
  }

  async #readQuota(dir: string): Promise<number | null> {
    const file = this.#roots!.version === 2 ? 'cpu.max' : 'cpu.cfs_quota_us';
    const value = (await readFile(join(dir, file), 'utf8')).split(' ')[0]!.trim();
    return value === 'max' || value === '-1' ? null : Number(value);
  }

  /** CPU seconds of the node so far; from /proc, without throttling, where its group does not exist. */
  async usage(node: string, rootPid: number): Promise<Usage> {
    const fromGroup = await this.#groupUsage(node).catch(() => null);
    return fromGroup ?? { cpuSeconds: treeCpuSeconds(rootPid), throttledMs: null };
  }

  async #groupUsage(node: string): Promise<Usage | null> {
    if (!this.#roots || this.#broken || !existsSync(this.#group('cpu', node))) return null;
    const stat = parseKeyValues(await readFile(join(this.#group('cpu', node), 'cpu.stat'), 'utf8'));
    if (this.#roots.version === 2) {
      return { cpuSeconds: (stat.usage_usec ?? 0) / 1e6, throttledMs: (stat.throttled_usec ?? 0) / 1000 };
    }
    const usedNs = Number(await readFile(join(this.#group('cpuacct', node), 'cpuacct.usage'), 'utf8'));
    return { cpuSeconds: usedNs / 1e9, throttledMs: (stat.throttled_time ?? 0) / 1e6 };
  }

  /** Removes the lab's empty groups; one that still holds a process stays. */
  async remove(): Promise<void> {
    if (!this.#roots) return;
    for (const tree of this.#trees) {
      const lab = this.#group(tree);
      for (const entry of await readdir(lab, { withFileTypes: true }).catch(() => [])) {
        if (entry.isDirectory()) await rmdir(join(lab, entry.name)).catch(() => {});
      }
      await rmdir(lab).catch(() => {});
      await rmdir(join(this.#roots[tree], GROUP)).catch(() => {});
    }
  }
}

function parseKeyValues(text: string): Record<string, number> {
  const pairs = text
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  return Object.fromEntries(pairs.map(([key, value]) => [key, Number(value)]));
}
