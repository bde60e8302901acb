export type MeasureErrorCode =
  | 'k6-missing' //    no k6 here, and none could be built or fetched
  | 'k6-failed' //     k6 ended with an error of its own
  | 'bad-option'
  | 'no-capacity'; //  the single node's capacity could not be measured, so nothing can be set in relation to it

/** A failure of a measurement that a person can understand: what happened, and what mends it. */
export class MeasureError extends Error {
  override readonly name = 'MeasureError';
  readonly code: MeasureErrorCode;
  readonly mend: string | null;
  constructor(code: MeasureErrorCode, message: string, mend: string | null = null, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.mend = mend;
  }
}
