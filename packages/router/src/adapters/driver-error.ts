import { EngineError } from '@replication-lab/engines';

/** What the driver says about a server's refusal: SQLSTATE with pg, an error number and SQLSTATE with mysql2. */
const isOfServer = (error: unknown): error is Error =>
  error instanceof Error && ('severity' in error || ('errno' in error && 'sqlState' in error));

/**
 * What the caller of a pool should see. A statement that the server refused fails as it does with the driver itself (same
 * class, `code`, `constraint`, `errno` …), because code written for the driver looks at those; the EngineError, which knows
 * the node, is its `cause`. Everything else (RouterError `outcome-unknown`, `no-primary`, `timeout` …) passes unchanged.
 */
export function asDriverError(error: unknown): unknown {
  if (!(error instanceof EngineError) || !isOfServer(error.cause) || !isStatements(error)) return error;
  const original = error.cause;
  // A copy: the original is the cause of our cause, and a circle would end in loggers.
  const copy = Object.setPrototypeOf(new Error(original.message), Object.getPrototypeOf(original));
  const { stack: _, ...fields } = Object.getOwnPropertyDescriptors(original);
  return Object.defineProperties(copy, {
    ...fields,
    cause: { value: error, configurable: true, writable: true, enumerable: false },
  });
}

/** A refusal that says something of the statement, not of the connection or of what became of a commit. */
function isStatements({ code }: EngineError): boolean {
  return code !== 'outcome-unknown' && code !== 'connection-lost' && code !== 'overloaded';
}
