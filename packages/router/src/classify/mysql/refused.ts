import type { ClassifyReason } from '../types.ts';

export type RefusalReason = Exclude<ClassifyReason, 'pure-read'>;

/**
 * Thrown inside the classifier when a text is not proved to be a pure read; never leaves it. Not an Error: nobody reads its
 * stack, and taking one costs more than reading the statement.
 */
export class Refused {
  readonly reason: RefusalReason;
  constructor(reason: RefusalReason) {
    this.reason = reason;
  }
}

export function refuse(reason: RefusalReason): never {
  throw new Refused(reason);
}
