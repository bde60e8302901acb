import { pick, type Random, wholeBetween } from './random.ts';

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

/** The next request, from this iteration's random numbers alone. */
export function nextOperation(random: Random, mix: Mix, searches: readonly string[]): Operation {
  if (random() < mix.writes) return { kind: 'write', id: wholeBetween(random, 1, mix.users) };
  if (random() < mix.searches) {
    const after = wholeBetween(random, 0, Math.floor(mix.users * SEARCH_START_SHARE));
    return { kind: 'search', q: pick(random, searches), after };
  }
  return { kind: 'page', after: wholeBetween(random, 0, mix.users - PAGE_SIZE) };
}

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
