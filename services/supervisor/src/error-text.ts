import { EngineError } from '@replication-lab/engines';

/** A procedure or function of the lab that is not there (mysql, mariadb: a number; postgres: a state). */
const MISSING: ReadonlySet<unknown> = new Set([1305, '42883']);

/**
 * What went wrong, for people. Where the account is missing, or lacks something that it is given when a lab is made, with
 * what mends it.
 */
export function errorText(error: unknown, user: string): string {
  const text = error instanceof Error ? error.message : String(error);
  if (!(error instanceof EngineError && lacksRight(error))) return text;
  return `${text}. The account ${user} lacks what the lab gives it: was this lab made by an older version, or DB_SUPERVISOR_PASSWORD changed? Make it anew (./lab down --volumes), or see docs/reference/accounts.md`;
}

function lacksRight({ code, cause }: EngineError): boolean {
  if (code === 'access-denied') return true;
  const { errno, code: state } = (cause ?? {}) as { errno?: number; code?: string };
  return MISSING.has(errno) || MISSING.has(state);
}
