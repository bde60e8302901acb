import { Recent } from './recent.ts';

/**
 * Positions arrive inside tokens, so from strangers. A lab's own position has a few hundred characters; what is
 * longer than this is refused before it is looked at.
 */
export const MAX_POSITION_CHARS = 8192;

/** Of each engine's positions. A busy router compares those of thousands of sessions, each another one. */
const REMEMBERED = 8_192;
const REMEMBERED_CHARS = 4_000_000;

/** `parse` with a bounded memory of what it answered lately. A position is compared with every read of its session. */
export function memoised<T>(parse: (text: string) => T): (text: string) => T {
  const known = new Recent<T>(REMEMBERED, REMEMBERED_CHARS);
  return (text) => {
    const hit = known.get(text);
    if (hit !== undefined) return hit;
    const value = parse(text);
    known.set(text, value);
    return value;
  };
}
