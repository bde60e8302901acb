/** Counts since the last message. */
export interface Tally {
  readonly fromMs: number;
  toMs: number;
  session: number;
  eligible: number;
  eligibleForOwnWrites: number;
  eligibleForMonotonic: number;
  ownWriteMissing: number;
  wentBack: number;
  impossible: number;
  onReplica: number;
  eventual: number;
  eventualEligible: number;
  eventualStale: number;
  writes: number;
  hops: number;
  readonly reasons: Record<string, number>;
  readonly errors: Record<string, number>;
  /** The first reads that broke a promise, in words. */
  readonly examples: string[];
}

/** Nothing counted yet, from `fromMs` on. */
export const newTally = (fromMs: number): Tally => ({
  fromMs,
  toMs: 0,
  session: 0,
  eligible: 0,
  eligibleForOwnWrites: 0,
  eligibleForMonotonic: 0,
  ownWriteMissing: 0,
  wentBack: 0,
  impossible: 0,
  onReplica: 0,
  eventual: 0,
  eventualEligible: 0,
  eventualStale: 0,
  writes: 0,
  hops: 0,
  reasons: {},
  errors: {},
  examples: [],
});
