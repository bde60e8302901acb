import { type Random, wholeBetween } from './random.ts';

/** One request of the default load. */
export type Operation =
  | { readonly kind: 'search'; readonly q: string; readonly after: number }
  | { readonly kind: 'page'; readonly after: number }
  | { readonly kind: 'write'; readonly id: number };

export interface Mix {
  /** Seeded users: their ids are 1 to this. */
  readonly users: number;
  /** Share of writes among all requests. */
  readonly writes: number;
  /** Share of searches among the reads; the rest are pages. */
  readonly searches: number;
}

export const DEFAULT_MIX: Omit<Mix, 'users'> = { writes: 0.05, searches: 0.9 };
export const PAGE_SIZE = 20;

/**
 * Searches start in the lower part of the table, so that each finds its page before the table ends and costs about the
 * same.
 */
const SEARCH_START_SHARE = 0.6;

/**
 * The request of an iteration. What kind it is follows from the iteration's number, spread as evenly as the shares allow:
 * drawn by lot, a short run would have a third more or fewer writes than the next, and that is what one would measure.
 * Rows and places come from the iteration's random numbers.
 */
export function operationOf(
  iteration: number,
  random: Random,
  mix: Mix,
  searches: readonly string[],
): Operation {
  if (isTurn(iteration, mix.writes)) return { kind: 'write', id: wholeBetween(random, 1, mix.users) };
  const read = iteration - turnsBefore(iteration, mix.writes);
  if (!isTurn(read, mix.searches)) {
    return { kind: 'page', after: wholeBetween(random, 0, mix.users - PAGE_SIZE) };
  }
  const q = searches[turnsBefore(read, mix.searches) % searches.length]!;
  return { kind: 'search', q, after: wholeBetween(random, 0, Math.floor(mix.users * SEARCH_START_SHARE)) };
}

/** How many of the first `index` things are of a kind that has this share. */
const turnsBefore = (index: number, share: number): number => Math.floor(index * share);

const isTurn = (index: number, share: number): boolean =>
  turnsBefore(index + 1, share) > turnsBefore(index, share);

export function pathOf(operation: Operation): string {
  switch (operation.kind) {
    case 'search':
      return `/users?q=${encodeURIComponent(operation.q)}&after=${operation.after}&limit=${PAGE_SIZE}`;
    case 'page':
      return `/users?after=${operation.after}&limit=${PAGE_SIZE}`;
    case 'write':
      return `/users/${operation.id}`;
  }
}
