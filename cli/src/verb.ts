import type { Argument, Option } from 'commander';
import type { Output } from './output.ts';

/** 0 done, 1 failed, 2 wrong usage, 3 unknown: not enough evidence (checks only). */
export type ExitCode = 0 | 1 | 2 | 3;

export const exitCode = { done: 0, failed: 1, usage: 2, unknown: 3 } as const satisfies Record<
  string,
  ExitCode
>;

/** What a verb gets from the command line around it. */
export interface VerbContext<O extends object = Record<string, unknown>> {
  /** Results: to stdout. With `--json` only `out.json` may reach stdout; `out.line` then goes to stderr. */
  readonly out: Output;
  /** One finished or begun step of long work, one line, to stderr. For a line that changes in place: `out.live`. */
  readonly progress: (message: string) => void;
  readonly json: boolean;
  /** Aborts on Ctrl-C and SIGTERM. A verb stops soon after and cleans up; a second Ctrl-C ends the process at once. */
  readonly signal: AbortSignal;
  /** Somebody is at the terminal and can answer a question. */
  readonly interactive: boolean;
  /** `--yes` was given, or nobody can answer: go on with what was announced. */
  readonly yes: boolean;
  /** The options as commander parsed them: camelCase names of the long flags. */
  readonly options: O;
  /** Positional arguments, in the order of `arguments`. */
  readonly args: readonly string[];
}

/**
 * One verb of `./lab`: a module in `verbs/` with one of these as its export, listed in `verbs/index.ts`.
 * `run` returns the exit code, or throws: a LabError becomes its text, its mend and exit code 1.
 */
export interface Verb<O extends object = Record<string, unknown>> {
  readonly name: string;
  /** One line for the list of verbs. */
  readonly summary: string;
  /** More for `--help`: what it promises, examples. */
  readonly details?: string;
  /** commander's own: `new Argument('<node>', '…').choices([…])`. */
  readonly arguments?: readonly Argument[];
  /** commander's own: `new Option('--engine <name>', '…').choices([…])`. `--json`, `--yes` and `--help` come by themselves. */
  readonly options?: readonly Option[];
  /** Prints data: has `--json`. */
  readonly printsData?: boolean;
  /** May ask before it installs something: has `--yes`. */
  readonly mayAsk?: boolean;
  run(context: VerbContext<O>): Promise<ExitCode>;
}

/** A verb with its options typed; hides the type where verbs are listed. */
export function defineVerb<O extends object>(verb: Verb<O>): Verb {
  return verb as unknown as Verb;
}
