import { type Random, randomOf, shuffled } from '@replication-lab/load-tests';
import type { Contender, ContenderName, Fault } from './types.ts';

/** One contender is started, gets these faults one after the other, and is ended. */
export interface Block {
  readonly number: number;
  readonly contender: ContenderName;
  readonly trials: readonly { readonly fault: Fault; readonly phase: number }[];
}

/** Of one contender: starting it takes longer than most trials, and what the machine does changes. */
const TRIALS_A_BLOCK = 3;

/**
 * Blocks in rounds, each round those contenders that have trials left, in an order of its own. `phase`, from 0 to 1, is the
 * fault's place within the time in which the contender looks once: over all trials of a contender and fault it is spread
 * evenly, so that few trials do not all fall early or late by chance. Pure: the same for the same seed.
 */
export function planBlocks(
  contenders: readonly Pick<Contender, 'name' | 'faults'>[],
  trials: Readonly<Record<Fault, number>>,
  seed: number,
): Block[] {
  const random = randomOf(seed, 0);
  const left = new Map(
    contenders.map(({ name, faults }) => {
      const all = faults.flatMap((fault) =>
        spreadEvenly(trials[fault], random).map((phase) => ({ fault, phase })),
      );
      return [name, shuffled(all, random)] as const;
    }),
  );
  const blocks: Block[] = [];
  for (;;) {
    const names = [...left].filter(([, wanted]) => wanted.length > 0).map(([name]) => name);
    if (names.length === 0) return blocks;
    for (const contender of shuffled(names, random)) {
      const now = left.get(contender)!.splice(0, TRIALS_A_BLOCK);
      blocks.push({ number: blocks.length + 1, contender, trials: now });
    }
  }
}

/** One from each of `count` equal parts of 0 to 1. */
const spreadEvenly = (count: number, random: Random): number[] =>
  Array.from({ length: count }, (_, part) => (part + random()) / count);
