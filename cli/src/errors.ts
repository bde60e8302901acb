/**
 * A failure the person at the keyboard can understand: a stable code for scripts, what happened, and what mends it.
 * Everything the command refuses or gives up on is one of these; anything else that is thrown is a defect of ours.
 */
export class LabError extends Error {
  override readonly name = 'LabError';
  readonly code: string;
  /** A command or an action, in one line or a few; null where nobody knows one. */
  readonly mend: string | null;
  constructor(code: string, message: string, mend: string | null = null, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.mend = mend;
  }
}

/** The person (or a parent process) stopped the work: exit code 1, no stack, no mend. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** `EADDRINUSE`, `ENOENT` … when the error came from the system, else null. */
export function systemCode(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}
