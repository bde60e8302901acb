/** A check of what the repository is made of, beside its tests. `why` may have many lines. */
export type Checked =
  | { readonly result: 'passed' }
  | { readonly result: 'failed' | 'not run'; readonly why: string };

export interface Check {
  readonly name: string;
  run(signal: AbortSignal): Promise<Checked>;
}
