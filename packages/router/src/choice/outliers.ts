import type { ChoiceOptions } from './options.ts';

/** What one node's reads met since it was judged last. */
export interface NodeReads {
  /** Failures since the last success. */
  readonly failuresInRow: number;
  /** Share of failures in the window that ends now; null while it goes on. */
  readonly failureShare: number | null;
  /** What the node's fast reads took in the window that ends now (a low quantile); null while it goes on. */
  readonly fastMs: number | null;
}

export interface Ejection {
  /** Left out until then; -Infinity: never was. */
  readonly untilMs: number;
  /** Ejections that count towards the length of the next one. */
  readonly times: number;
  /** Windows in a row in which the node was far slower than the others. */
  readonly slowWindows: number;
}

export const NEVER_EJECTED: Ejection = { untilMs: Number.NEGATIVE_INFINITY, times: 0, slowWindows: 0 };

export interface Judged {
  readonly reads: NodeReads;
  readonly ejection: Ejection;
}

export interface Judgement {
  readonly nowMs: number;
  /** In [0, 1). */
  readonly random: () => number;
  /** So many of `nodes` have to stay: see `healthyFloor`. */
  readonly floor: number;
}

type OutlierOptions = Pick<
  ChoiceOptions,
  | 'failuresInRow'
  | 'failureShare'
  | 'slowFactor'
  | 'slowMarginMs'
  | 'slowWindows'
  | 'ejectMs'
  | 'maxEjectMs'
  | 'ejectJitter'
  | 'calmMs'
>;

/** How many replicas have to stay in use: ejecting more would pass the load of the sick on to the last healthy. */
export const healthyFloor = (replicas: number, healthyShare: number): number =>
  Math.max(1, Math.ceil(replicas * healthyShare));

export const isEjected = ({ untilMs }: Ejection, nowMs: number): boolean => nowMs < untilMs;

/**
 * The next state of every node, in the order of `nodes`: the replicas that could be read now, the ejected among them
 * included. A pure function.
 *
 * Two ways out: failures, and being far slower than the others. "Slow" compares the *fast* reads of the nodes. A sick
 * node is slow with everything, so its fast reads are slow too. A healthy one that happens to run the long reports
 * answers its point reads as fast as ever, whatever its mean says. Comparing nodes with each other also means that
 * a cluster that slows down as a whole ejects nobody.
 *
 * When more nodes deserve it than may go, those that fail go first, then the slowest. At the floor nobody goes.
 */
export function stepOutliers(
  nodes: readonly Judged[],
  { nowMs, random, floor }: Judgement,
  options: OutlierOptions,
): Ejection[] {
  const slowness = slownessOf(nodes, nowMs, options);
  const next = nodes.map(({ reads, ejection }, index): Ejection => {
    if (reads.fastMs === null || isEjected(ejection, nowMs)) return ejection;
    return { ...ejection, slowWindows: slowness[index]! > 0 ? ejection.slowWindows + 1 : 0 };
  });
  const ejectedNow = nodes.filter(({ ejection }) => isEjected(ejection, nowMs)).length;
  const quota = Math.max(0, nodes.length - floor - ejectedNow);
  const guilty = nodes
    .map(({ reads }, index) => ({ index, guilt: guiltOf(reads, next[index]!, slowness[index]!, options) }))
    .filter(({ index, guilt }) => guilt > 0 && !isEjected(next[index]!, nowMs))
    .sort((a, b) => b.guilt - a.guilt)
    .slice(0, quota);
  for (const { index } of guilty) next[index] = eject(next[index]!, nowMs, random, options);
  return next;
}

/** For each node: how many times as slow as the others when it is far slower, else 0. */
function slownessOf(nodes: readonly Judged[], nowMs: number, options: OutlierOptions): number[] {
  const inUse = nodes.filter(({ ejection }) => !isEjected(ejection, nowMs));
  return nodes.map((node) => {
    const { fastMs } = node.reads;
    const others = inUse.flatMap((other) =>
      other === node || other.reads.fastMs === null ? [] : [other.reads.fastMs],
    );
    if (fastMs === null || others.length === 0) return 0;
    const usualMs = lowerMedian(others);
    const far = fastMs >= usualMs * options.slowFactor && fastMs >= usualMs + options.slowMarginMs;
    return far ? fastMs / usualMs : 0;
  });
}

/** 0 is innocent. Failures weigh more than any slowness: a slow answer is an answer. */
function guiltOf(reads: NodeReads, next: Ejection, slowness: number, options: OutlierOptions): number {
  const fails =
    reads.failuresInRow >= options.failuresInRow ||
    (reads.failureShare !== null && reads.failureShare >= options.failureShare);
  if (fails) return Number.MAX_VALUE;
  return next.slowWindows >= options.slowWindows ? slowness : 0;
}

function eject(before: Ejection, nowMs: number, random: () => number, options: OutlierOptions): Ejection {
  const { ejectMs, maxEjectMs, ejectJitter, calmMs } = options;
  const forgiven = before.times === 0 ? 0 : Math.floor((nowMs - before.untilMs) / calmMs);
  const times = Math.max(0, before.times - forgiven);
  const fullMs = Math.min(maxEjectMs, ejectMs * 2 ** times);
  return { untilMs: nowMs + fullMs * (1 - ejectJitter * random()), times: times + 1, slowWindows: 0 };
}

/**
 * Of an even number the lower one: where two of three replicas are sick, the mean of a well one and a sick one would
 * hide them both.
 */
function lowerMedian(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[(values.length - 1) >> 1]!;
}
