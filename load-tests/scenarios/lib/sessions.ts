/** What one session saw of its own row. */
export interface SessionLog {
  /** Version the write was acknowledged with; null when it was not acknowledged. */
  readonly written: number | null;
  /** Versions of the reads that followed, in order; null for a read that failed. */
  readonly reads: readonly (number | null)[];
}

export interface Count {
  readonly violations: number;
  /** Reads (or pairs of reads) that could have shown a violation. */
  readonly eligible: number;
}

export interface SessionVerdict {
  readonly readYourWrites: Count;
  readonly monotonicReads: Count;
}

/**
 * Judges one session of a row that nobody else writes, by versions alone: which node answered plays no part.
 * Read-your-writes: every read after the acknowledged write is eligible, and one that shows an older version violates.
 * Monotonic reads: every pair of consecutive reads is eligible, and one that goes back violates. A failed read is
 * neither (Terry et al., "Session guarantees for weakly consistent replicated data", PDIS 1994).
 */
export function judgeSession({ written, reads }: SessionLog): SessionVerdict {
  const seen = reads.filter((version) => version !== null);
  const stale = written === null ? 0 : seen.filter((version) => version < written).length;
  const backwards = seen.slice(1).filter((version, i) => version < seen[i]!).length;
  return {
    readYourWrites: { violations: stale, eligible: written === null ? 0 : seen.length },
    monotonicReads: { violations: backwards, eligible: Math.max(0, seen.length - 1) },
  };
}

export const LEVELS = ['eventual', 'session', 'primary', 'delayed', 'version'] as const;
export type Level = (typeof LEVELS)[number];

/** The `Consistency-Level` header of a session's reads. The textbook's fixed wait is `delayedMs`. */
export function levelHeader(level: Level, delayedMs: number, written: number): string {
  if (level === 'delayed') return `delayed; ms=${delayedMs}`;
  if (level === 'version') return `version; min=${written}`;
  return level;
}

/**
 * The row of a session: each level has a share of the seeded users to itself, and each iteration takes the next row of
 * it, so that no two sessions of a run write the same row until the share is used up.
 */
export function rowOfSession(level: Level, iteration: number, users: number, offset: number): number {
  const share = Math.floor(users / LEVELS.length);
  return LEVELS.indexOf(level) * share + ((iteration + offset) % share) + 1;
}
