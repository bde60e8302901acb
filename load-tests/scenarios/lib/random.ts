/** Numbers in [0, 1). */
export type Random = () => number;

/**
 * The random numbers of one iteration: the same for the same seed and index, whichever VU runs it.
 * k6 does not promise which VU takes which iteration, so a generator kept in a VU could not be repeated.
 */
export function randomOf(seed: number, index: number): Random {
  // mulberry32; seed and index are mixed first so that neighbouring iterations do not resemble each other.
  let state = mix(mix(seed | 0) ^ (index | 0));
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function mix(value: number): number {
  let x = value;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return x ^ (x >>> 15);
}

/** A whole number from `min` to `max`, both included. */
export const wholeBetween = (random: Random, min: number, max: number): number =>
  min + Math.floor(random() * (max - min + 1));

/** 0 to `maxMs`, every order of magnitude equally likely: short waits are where replicas are caught stale. */
export const logUniformMs = (random: Random, maxMs: number): number => (maxMs + 1) ** random() - 1;
