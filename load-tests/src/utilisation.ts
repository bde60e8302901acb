import type { Usage } from './lab-under-test.ts';
import { secondsOf, type Window } from './samples.ts';

/** CPU time of everything that takes part, at one moment. */
export interface UsageSample {
  readonly atMs: number;
  readonly nodes: Readonly<Record<string, Usage>>;
  /** CPU seconds of the load generator; null where it cannot be seen. */
  readonly generatorCpuSeconds: number | null;
  /** Idle CPU seconds of the whole machine since boot. */
  readonly hostIdleSeconds: number;
}

export interface NodeUtilisation {
  readonly node: string;
  /** CPUs used on average over the window. */
  readonly cpus: number;
  /** Seconds a second for which the cap held it back, added up over all CPUs; null where that cannot be read. */
  readonly throttledPerSecond: number | null;
}

export interface WindowUtilisation {
  readonly nodes: readonly NodeUtilisation[];
  readonly generatorCpus: number | null;
  readonly hostIdleCpus: number;
}

/**
 * Average use over a window, interpolated between the samples around its ends. Null when the samples do not cover it. A
 * node that came, went or was restarted in between (its counter fell) is left out.
 */
export function utilisationOver(samples: readonly UsageSample[], window: Window): WindowUtilisation | null {
  const first = samples[0];
  const last = samples.at(-1);
  if (!first || !last || first.atMs > window.fromMs || last.atMs < window.toMs) return null;
  const covering = samples.filter(
    (_, i) =>
      (samples[i + 1]?.atMs ?? Infinity) > window.fromMs && (samples[i - 1]?.atMs ?? -Infinity) < window.toMs,
  );
  const perSecond = (value: (sample: UsageSample) => number | null | undefined): number | null => {
    const values = covering.map(value);
    if (values.some((v, i) => v == null || (i > 0 && v < (values[i - 1] as number)))) return null;
    const at = (ms: number) => interpolate(covering, values as number[], ms);
    return (at(window.toMs) - at(window.fromMs)) / secondsOf(window);
  };
  const nodes = Object.keys(last.nodes).flatMap((node): NodeUtilisation[] => {
    const cpus = perSecond((sample) => sample.nodes[node]?.cpuSeconds);
    if (cpus === null) return [];
    const throttled = perSecond((sample) => sample.nodes[node]?.throttledMs);
    return [{ node, cpus, throttledPerSecond: throttled === null ? null : throttled / 1000 }];
  });
  return {
    nodes,
    generatorCpus: perSecond((sample) => sample.generatorCpuSeconds),
    hostIdleCpus: perSecond((sample) => sample.hostIdleSeconds) ?? 0,
  };
}

function interpolate(samples: readonly UsageSample[], values: readonly number[], ms: number): number {
  const after = samples.findIndex(({ atMs }) => atMs >= ms);
  if (after <= 0) return values[after === 0 ? 0 : values.length - 1]!;
  const [a, b] = [samples[after - 1]!, samples[after]!];
  const share = (ms - a.atMs) / (b.atMs - a.atMs);
  return values[after - 1]! + share * (values[after]! - values[after - 1]!);
}
