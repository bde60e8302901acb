/**
 * Random numbers that a seed repeats. The whole state is one number, so that a client can take its generator along when it
 * moves to another process.
 */
export class Random {
  state: number;

  constructor(state: number) {
    this.state = state | 0;
  }

  /** A generator for one part of an experiment: neighbouring indexes do not resemble each other. */
  static of(seed: number, index: number): Random {
    return new Random(scramble(scramble(seed) + Math.imul(index + 1, 0x9e3779b1)));
  }

  /** In [0, 1). */
  next(): number {
    this.state = (this.state + 0x9e3779b9) | 0;
    return (scramble(this.state) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to `end` - 1. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** Time to the next of events that come `perSecond` on average, independently of each other (Poisson), in ms. */
  exponentialMs(perSecond: number): number {
    return (-Math.log(1 - this.next()) / perSecond) * 1_000;
  }

  /** The same items in random order. */
  shuffled<T>(items: readonly T[]): T[] {
    const copy = [...items];
    for (let i = copy.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [copy[i], copy[j]] = [copy[j]!, copy[i]!];
    }
    return copy;
  }
}

/** Spreads every bit of its input over the whole output (the finaliser of 32-bit murmur hashes). */
function scramble(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
