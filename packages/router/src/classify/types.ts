/** Why a statement was classified as it was. One closed list, for logs, tests and `explain`. */
export const CLASSIFY_REASONS = [
  'pure-read', //           proved to read and nothing else
  'empty', //               no statement at all
  'not-a-read', //          a statement that writes, defines, locks, calls, sets, prepares …
  'writing-cte', //         WITH … that inserts, updates, deletes or merges
  'locking-clause', //      FOR UPDATE, FOR SHARE, LOCK IN SHARE MODE and their kin
  'select-into', //         INTO a table, a file or a variable
  'user-variable', //       @x read or assigned
  'system-variable', //     a setting or status of a session or server: each node has its own
  'session-function', //    answers for this connection or transaction: LAST_INSERT_ID, FOUND_ROWS, lastval, txid_current …
  'lock-function', //       GET_LOCK, pg_advisory_lock and their kin
  'sequence', //            nextval, setval, NEXT VALUE FOR …
  'unsafe-function', //     a built-in that writes, sleeps, reads files, signals, or differs from node to node
  'unknown-function', //    on no list: declare it with `safeFunctions` if it only reads
  'temporary-table', //     names a place where only one connection looks
  'system-catalog', //      what differs from node to node (pg_stat_…, information_schema.processlist …)
  'explain-analyze', //     runs the statement that it explains
  'executable-comment', //  a comment that some server executes, or an optimizer hint that sets something
  'ambiguous-text', //      quoting, escapes or encoding that servers may read in more than one way
  'unparsable', //          not understood: never guessed
  'too-long', //            longer than the classifier looks at
] as const;
export type ClassifyReason = (typeof CLASSIFY_REASONS)[number];

export interface Classification {
  /** `any`: a pure read, which any node may answer. `primary`: everything else. */
  readonly target: 'any' | 'primary';
  readonly reason: ClassifyReason;
}

export interface ClassifyOptions {
  /** Functions of the user's own that only read: `name` or `schema.name`, any case. */
  readonly safeFunctions?: readonly string[];
}

/** One engine's classifier, without a cache: it may take its time and must never throw. */
export type Classifier = (sql: string, options: Required<ClassifyOptions>) => Classification;

export const ANY: Classification = { target: 'any', reason: 'pure-read' };
export const toPrimary = (reason: Exclude<ClassifyReason, 'pure-read'>): Classification => ({
  target: 'primary',
  reason,
});
