/**
 * Positions arrive inside tokens, so from strangers. A lab's own position has a few hundred characters; what is
 * longer than this is refused before it is looked at.
 */
export const MAX_POSITION_CHARS = 8192;

/**
 * Remembers the parsed form of the last few hundred position texts: a router compares the same few positions with
 * every read. Bounded: it is emptied when full, which costs one parse for each text still in use.
 */
export function memoised<T>(parse: (text: string) => T, capacity = 512): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const hit = known.get(text);
    if (hit !== undefined) return hit;
    const value = parse(text);
    if (known.size >= capacity) known.clear();
    known.set(text, value);
    return value;
  };
}
