import { type Estimate, estimate, randomOf, shuffled } from '@replication-lab/load-tests';

/** What every bench with arms in turns shares: the order of the turns, and the words for the ratio of two of them. */

export interface Turns {
  readonly blocks: number;
  readonly seed: number;
}

/** Blocks that are measured again, at most, for each that is wanted. */
const AGAIN_MAX = 1;

/**
 * Measures every arm once a block, in an order that the seed draws anew for each block: a machine that grows slower meanwhile
 * favours none of them. A block that does not `count` is told, left out, and another one measured; at last there may be fewer
 * than were wanted.
 */
export async function inTurns<A extends string, T>(
  arms: readonly A[],
  { blocks, seed }: Turns,
  measure: (arm: A, counted: number) => Promise<T>,
  counts: (block: Readonly<Record<A, T>>) => boolean = () => true,
): Promise<Readonly<Record<A, T>>[]> {
  const random = randomOf(seed, 0);
  const counted: Record<A, T>[] = [];
  for (let turn = 0; counted.length < blocks && turn < blocks * (1 + AGAIN_MAX); turn++) {
    const figures: Partial<Record<A, T>> = {};
    for (const arm of shuffled(arms, random)) figures[arm] = await measure(arm, counted.length + 1);
    const block = figures as Record<A, T>;
    if (counts(block)) counted.push(block);
  }
  return counted;
}

/** `0.97 (95 % interval 0.95 to 0.99)`; the median alone where there are too few blocks for an interval. */
export function wordRatio(ratio: Estimate | null): string {
  if (ratio === null) return 'unknown';
  const { median, low, high } = ratio;
  const interval =
    low === null || high === null ? '' : ` (95 % interval ${low.toFixed(2)} to ${high.toFixed(2)})`;
  return `${median.toFixed(2)}${interval}`;
}

/** Of each block the figure of one arm over that of the other; their median and interval. */
export const pairedRatio = <B>(
  blocks: readonly B[],
  above: (block: B) => number,
  below: (block: B) => number,
  seed: number,
): Estimate | null =>
  estimate(
    blocks.map((block) => above(block) / below(block)),
    seed,
  );
