import type { ClassifyReason } from '../../../src/classify/types.ts';

/** A statement whose nature is known. */
export interface Case {
  readonly sql: string;
  /** True: any node may answer it. False: only the primary may. */
  readonly pure: boolean;
  /** For some that are not pure: the reason the classifier has to name. */
  readonly reason?: ClassifyReason;
  /** Values for its parameters, as the tests that run it send them. */
  readonly params?: readonly string[];
}

/** The lines of a text that hold a statement; indentation and empty lines do not count. */
export const lines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('-- '));

export const pure = (sql: string): Case => ({ sql, pure: true });

export const impure =
  (reason?: ClassifyReason) =>
  (sql: string): Case => ({ sql, pure: false, ...(reason && { reason }) });
