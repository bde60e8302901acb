import { type Estimate, estimate, randomOf, shuffled } from '@replication-lab/load-tests';

/** What every bench with arms in turns shares: the order of the turns, and the words for the ratio of two of them. */

export interface Turns {
  readonly blocks: number;
  readonly seed: number;
}

/**
 * Measures every arm once a block, in an order that the seed draws anew for each block: a machine that grows slower meanwhile
 * favours none of them. `told` is called after each block, with how many there were.
 */
export async function inTurns<A extends string, T>(
  arms: readonly A[],
  { blocks, seed }: Turns,
  measure: (arm: A, block: number) => Promise<T>,
  told: (block: Readonly<Record<A, T>>, count: number) => void = () => {},
): Promise<Readonly<Record<A, T>>[]> {
  const random = randomOf(seed, 0);
  const all: Record<A, T>[] = [];
  for (let block = 1; block <= blocks; block++) {
    const figures: Partial<Record<A, T>> = {};
    for (const arm of shuffled(arms, random)) figures[arm] = await measure(arm, block);
    all.push(figures as Record<A, T>);
    told(figures as Record<A, T>, block);
  }
  return all;
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
