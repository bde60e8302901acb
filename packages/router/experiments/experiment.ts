import type { EngineName } from '@replication-lab/engines';

/** `held` and `violated` are claims; `not-enough` means that the run was too short or too disturbed to claim anything. */
export type Verdict = 'held' | 'violated' | 'not-enough';

export const EXIT_CODE: Readonly<Record<Verdict, number>> = { held: 0, violated: 1, 'not-enough': 3 };
export const EXIT_WRONG_USAGE = 2;

/** One promise, put to the test: what was measured, what it had to be, and what it was. */
export interface Criterion {
  readonly measured: string;
  readonly wanted: string;
  readonly figure: string;
  readonly verdict: Verdict;
}

export interface ExperimentOptions {
  readonly engine: EngineName;
  /** Longest time to measure; null: the experiment's own default. */
  readonly seconds: number | null;
  /** How many reads are enough; null: the experiment's own default. */
  readonly reads: number | null;
  readonly seed: number;
  /** Break the promise on purpose in this way, to see that the check can fail; null: do not. */
  readonly control: string | null;
  /** How the slow replica is held back (`sessions`); null: the experiment's own default. */
  readonly lag: string | null;
  /** Ends the experiment early; what was started is stopped all the same. */
  readonly signal: AbortSignal;
  /** One line for the person who waits. */
  readonly progress: (line: string) => void;
}

export interface ExperimentResult {
  readonly criteria: readonly Criterion[];
  /** Lines below the table that belong to no criterion: the mix, histograms, charts. */
  readonly notes: readonly string[];
  /** Everything that was measured, for the results file. */
  readonly figures: Readonly<Record<string, unknown>>;
}

export interface Experiment {
  readonly name: string;
  readonly summary: string;
  /** Names for `--control`. */
  readonly controls: readonly string[];
  run(options: ExperimentOptions): Promise<ExperimentResult>;
}

/** A promise that was broken once is broken, however little else is known. */
export function verdictOf(criteria: readonly Criterion[]): Verdict {
  const verdicts = criteria.map(({ verdict }) => verdict);
  if (verdicts.includes('violated')) return 'violated';
  return verdicts.length === 0 || verdicts.includes('not-enough') ? 'not-enough' : 'held';
}

/** The measurement was made and either keeps to what was wanted or does not. */
export const criterion = (measured: string, wanted: string, figure: string, held: boolean): Criterion => ({
  measured,
  wanted,
  figure,
  verdict: held ? 'held' : 'violated',
});

/** A condition without which the other criteria prove nothing. Failing it breaks no promise. */
export const evidence = (measured: string, wanted: string, figure: string, enough: boolean): Criterion => ({
  measured,
  wanted,
  figure,
  verdict: enough ? 'held' : 'not-enough',
});
