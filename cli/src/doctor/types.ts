/** One line of the doctor's report. */
export interface Check {
  readonly name: string;
  /** `missing` stops something from working; `note` is worth knowing and stops nothing. */
  readonly status: 'ok' | 'missing' | 'note';
  readonly detail: string;
  /** The command that would mend it. */
  readonly mend: string | null;
}

export const ok = (name: string, detail: string): Check => ({ name, status: 'ok', detail, mend: null });
export const note = (name: string, detail: string, mend: string | null = null): Check => ({
  ...{ name, status: 'note', detail, mend },
});
export const missing = (name: string, detail: string, mend: string | null): Check => ({
  ...{ name, status: 'missing', detail, mend },
});
