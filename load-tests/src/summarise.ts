import { limitOf, servesReads } from './gates.ts';
import type { Arm } from './lab-under-test.ts';
import { type Demands, demandsOf, type Prediction, predictSpeedUp } from './model.ts';
import { SETTLE_SECONDS } from './plateau.ts';
import { ARMS, type Profile } from './profile.ts';
import {
  type AnomalyRecord,
  counts,
  type IdleRecord,
  type LatencyRecord,
  type RunOrIdle,
  type ThroughputRecord,
} from './records.ts';
import { type Estimate, estimate, median, type Percentiles, percentilesOf } from './statistics.ts';
import type {
  AnomalyFigures,
  ArmFigures,
  CompareSummary,
  LatencyFigures,
  RampFigures,
  RatioName,
  RunFigures,
  UtilisationFigures,
} from './summary.ts';
import { RATIO_NAMES } from './summary.ts';

export interface Circumstances {
  readonly profile: Profile;
  readonly capCpus: number | null;
  readonly hostCpus: number;
}

export type Figures = Pick<
  CompareSummary,
  | 'arms'
  | 'ratios'
  | 'anomalies'
  | 'utilisation'
  | 'rejected'
  | 'latency'
  | 'ramps'
  | 'demands'
  | 'prediction'
  | 'runs'
>;

/** All figures of a comparison from its records. Only runs that passed their gates count; the others are listed. */
export function summarise(records: readonly RunOrIdle[], around: Circumstances): Figures {
  const { profile } = around;
  const runs = records.filter((record) => record.kind !== 'idle');
  const throughput = runs.filter((run) => run.kind === 'throughput');
  const latency = runs.filter((run) => run.kind === 'latency');
  const headline = latency.filter((run) => run.share === profile.latencyShares.at(-1));
  const perBlock = (block: number, arm: Arm): ArmFigures => {
    const of = <R extends ThroughputRecord | LatencyRecord>(list: readonly R[]) =>
      list.filter((run) => run.block === block && run.arm === arm && counts(run));
    return armFigures(of(throughput), of(headline));
  };
  const figuresOf = (arm: Arm): ArmFigures =>
    armFigures(
      throughput.filter((run) => run.arm === arm && counts(run)),
      headline.filter((run) => run.arm === arm && counts(run)),
    );
  const demands = demandsFrom(throughput, records);
  return {
    arms: { single: figuresOf('single'), replicated: figuresOf('replicated') },
    ratios: ratiosOf(profile, around.capCpus, perBlock),
    anomalies: anomalyFigures(runs.filter((run) => run.kind === 'anomalies')),
    utilisation: ARMS.flatMap((arm) => utilisationFigures(throughput, arm, around)),
    rejected: runs.flatMap(({ name, rejected }) => rejected.map((reason) => ({ run: name, reason }))),
    latency: latencyFigures(latency.filter(counts), profile),
    ramps: ARMS.flatMap((arm) => rampOf(throughput.find((run) => run.arm === arm && counts(run)))),
    demands,
    prediction: demands && predictionFrom(demands, throughput),
    runs: runs.map(runFigures),
  };
}

function armFigures(throughput: readonly ThroughputRecord[], latency: readonly LatencyRecord[]): ArmFigures {
  const plateaus = throughput.flatMap(({ plateau }) => (plateau ? [plateau] : []));
  const reads = percentilesOf(latency.flatMap(({ readsMs }) => readsMs));
  const writes = percentilesOf(latency.flatMap(({ writesMs }) => writesMs));
  const middle = (values: number[]) => (values.length === 0 ? null : median(values));
  return {
    readRps: middle(plateaus.map((p) => p.readsPerSecond)),
    requestRps: middle(plateaus.map((p) => p.readsPerSecond + p.writesPerSecond)),
    readP50Ms: reads?.p50 ?? null,
    readP95Ms: reads?.p95 ?? null,
    readP99Ms: reads?.p99 ?? null,
    writeP50Ms: writes?.p50 ?? null,
    writeP95Ms: writes?.p95 ?? null,
  };
}

/** Without a cap the arms do not have the same hardware per node, and a ratio would be of nothing. */
function ratiosOf(
  profile: Profile,
  capCpus: number | null,
  perBlock: (block: number, arm: Arm) => ArmFigures,
): Record<RatioName, Estimate | null> {
  const blocks = Array.from({ length: profile.blocks }, (_, i) => ({
    single: perBlock(i + 1, 'single'),
    replicated: perBlock(i + 1, 'replicated'),
  }));
  const ratio = (name: RatioName) => {
    const values = blocks.flatMap(({ single, replicated }) => {
      const [before, after] = [single[name], replicated[name]];
      return before && after ? [after / before] : [];
    });
    return capCpus === null ? null : estimate(values, profile.seed);
  };
  return Object.fromEntries(RATIO_NAMES.map((name) => [name, ratio(name)])) as Record<
    RatioName,
    Estimate | null
  >;
}

function latencyFigures(runs: readonly LatencyRecord[], profile: Profile): LatencyFigures[] {
  return profile.latencyShares.flatMap((share) =>
    ARMS.flatMap((arm): LatencyFigures[] => {
      const of = runs.filter((run) => run.share === share && run.arm === arm);
      if (of.length === 0) return [];
      const pooled = (pick: (run: LatencyRecord) => readonly number[]): Percentiles | null =>
        percentilesOf(of.flatMap(pick));
      return [
        {
          arm,
          share,
          offeredPerSecond: of[0]!.offeredPerSecond,
          reads: pooled((run) => run.readsMs),
          writes: pooled((run) => run.writesMs),
        },
      ];
    }),
  );
}

/** Counts of the same level under the same fault are added up over the blocks. */
function anomalyFigures(runs: readonly AnomalyRecord[]): AnomalyFigures[] {
  const valid = runs.filter(counts);
  const faults = [...new Set(valid.map(({ fault }) => fault.name))];
  const levels = [...new Set(valid.flatMap((run) => run.levels.map(({ level }) => level)))];
  return faults.flatMap((fault) =>
    levels.map((level): AnomalyFigures => {
      const of = valid
        .filter((run) => run.fault.name === fault)
        .flatMap((run) => run.levels.filter((record) => record.level === level));
      const sum = (value: (record: (typeof of)[number]) => number) =>
        of.reduce((total, record) => total + value(record), 0);
      const reads = percentilesOf(of.flatMap(({ readsMs }) => readsMs));
      return {
        level,
        fault,
        readYourWrites: {
          violations: sum((r) => r.readYourWrites.violations),
          eligible: sum((r) => r.readYourWrites.eligible),
        },
        monotonicReads: {
          violations: sum((r) => r.monotonicReads.violations),
          eligible: sum((r) => r.monotonicReads.eligible),
        },
        sessions: sum((r) => r.sessions),
        failedRequests: sum((r) => r.failedRequests),
        primaryReadShare: reads === null ? null : sum((r) => r.primaryReads) / reads.samples,
        readP50Ms: reads?.p50 ?? null,
        readP95Ms: reads?.p95 ?? null,
      };
    }),
  );
}

/** Medians over the blocks; of the runs that count, or of all when none does (the reader then sees why). */
function utilisationFigures(
  runs: readonly ThroughputRecord[],
  arm: Arm,
  { capCpus, hostCpus }: Circumstances,
): UtilisationFigures[] {
  const ofArm = runs.filter((run) => run.arm === arm && run.use !== null);
  const chosen = ofArm.some(counts) ? ofArm.filter(counts) : ofArm;
  const uses = chosen.map((run) => run.use!);
  if (uses.length === 0) return [];
  const nodes = [...new Set(uses.flatMap((use) => use.nodes.map(({ node }) => node)))].sort();
  const row = (
    node: string,
    values: readonly number[],
    limitCpus: number | null,
    throttled: number[] = [],
  ): UtilisationFigures[] => {
    if (values.length === 0) return [];
    const cpus = median([...values]);
    return [
      {
        arm,
        node,
        cpuShareOfCap: limitCpus === null ? null : cpus / limitCpus,
        cpus,
        limitCpus,
        // The kernel adds up over all CPUs for how long it held the group back on each.
        throttledShare: throttled.length === 0 ? null : median(throttled) / hostCpus,
        servesReads: servesReads(arm, node),
      },
    ];
  };
  return [
    ...nodes.flatMap((node) => {
      const of = uses.flatMap((use) => use.nodes.filter((entry) => entry.node === node));
      const throttled = of.flatMap(({ throttledPerSecond }) =>
        throttledPerSecond === null ? [] : [throttledPerSecond],
      );
      return row(
        node,
        of.map(({ cpus }) => cpus),
        limitOf(node, capCpus),
        throttled,
      );
    }),
    ...row(
      'k6',
      uses.flatMap((use) => (use.generatorCpus === null ? [] : [use.generatorCpus])),
      hostCpus,
    ),
    ...row(
      'machine',
      uses.map((use) => hostCpus - use.hostIdleCpus),
      hostCpus,
    ),
  ];
}

function rampOf(run: ThroughputRecord | undefined): RampFigures[] {
  if (!run?.plateau) return [];
  const { kneeAtSeconds, readsPerSecond, fromMs, toMs } = run.plateau;
  const fromSecond = kneeAtSeconds + SETTLE_SECONDS;
  return [
    {
      arm: run.arm,
      readsPerSecond: run.seconds.map(({ reads }) => reads),
      plateau: { fromSecond, toSecond: fromSecond + (toMs - fromMs) / 1000, readsPerSecond },
    },
  ];
}

/** Demands without what the nodes use at rest: health checks and the router's questions are no part of a request. */
function demandsFrom(throughput: readonly ThroughputRecord[], records: readonly RunOrIdle[]): Demands | null {
  const idle = records.filter((record) => record.kind === 'idle');
  const work = (arm: Arm) => {
    const of = throughput.flatMap((run) => {
      const db1 = run.use?.nodes.find(({ node }) => node === 'db-1');
      return run.arm === arm && counts(run) && run.plateau && db1 ? [{ ...run.plateau, cpus: db1.cpus }] : [];
    });
    if (of.length === 0) return null;
    return {
      cpus: median(of.map(({ cpus }) => cpus)) - restOf(idle, arm),
      readsPerSecond: median(of.map((p) => p.readsPerSecond)),
      writesPerSecond: median(of.map((p) => p.writesPerSecond)),
    };
  };
  const [single, replicated] = [work('single'), work('replicated')];
  return single && replicated && demandsOf(single, replicated);
}

function restOf(idle: readonly IdleRecord[], arm: Arm): number {
  const values = idle
    .filter((record) => record.arm === arm)
    .flatMap(({ use }) => use?.nodes.filter(({ node }) => node === 'db-1').map(({ cpus }) => cpus) ?? []);
  return values.length === 0 ? 0 : median(values);
}

const REPLICAS = 2;

function predictionFrom(demands: Demands, throughput: readonly ThroughputRecord[]): Prediction {
  const plateaus = throughput.filter(counts).flatMap(({ plateau }) => (plateau ? [plateau] : []));
  const sum = (value: (p: (typeof plateaus)[number]) => number) => plateaus.reduce((s, p) => s + value(p), 0);
  const writes = sum((p) => p.writesPerSecond);
  return predictSpeedUp(demands, writes / (writes + sum((p) => p.readsPerSecond)), REPLICAS);
}

function runFigures(run: ThroughputRecord | LatencyRecord | AnomalyRecord): RunFigures {
  const plateau = run.kind === 'throughput' ? run.plateau : null;
  return {
    run: run.name,
    kind: run.kind,
    directory: run.directory,
    valid: counts(run),
    readRps: plateau?.readsPerSecond ?? null,
    writeRps: plateau?.writesPerSecond ?? null,
    hostIdleCpus: run.use?.hostIdleCpus ?? null,
    generatorCpus: run.use?.generatorCpus ?? null,
  };
}
