import { EngineError, type EngineErrorCode } from '@replication-lab/engines';
import { describe, expect, test } from 'vitest';
import { classifyReadFailure, readError, writeError } from '../src/failures.ts';
import { RouterError } from '../src/types.ts';

const engineError = (code: EngineErrorCode) => new EngineError(code, 'db-2 says so');
const seenAs = (error: unknown) => (error instanceof RouterError ? error.code : 'as it is');

test.each<[EngineErrorCode, boolean, string, string]>([
  ['connect-failed', false, 'unreachable', 'no-node'],
  ['connection-lost', false, 'unreachable', 'no-node'],
  ['timeout', false, 'slow', 'timeout'],
  ['overloaded', false, 'full', 'overloaded'],
  ['deadlock', false, 'conflict', 'as it is'],
  ['aborted', true, 'unreachable', 'no-node'],
  ['aborted', false, 'final', 'as it is'],
  ['bad-statement', false, 'final', 'as it is'],
  ['read-only', false, 'final', 'as it is'],
  ['access-denied', false, 'final', 'as it is'],
])(
  'a read that failed with %s (node silent: %s) is %s, and for the caller %s',
  (code, silent, failure, seen) => {
    const error = engineError(code);
    expect(classifyReadFailure(error, silent)).toBe(failure);
    expect(seenAs(readError(error, classifyReadFailure(error, silent)))).toBe(seen);
  },
);

describe('a write that failed', () => {
  test.each<[EngineErrorCode, string]>([
    ['outcome-unknown', 'outcome-unknown'],
    ['read-only', 'no-primary'],
    ['connect-failed', 'no-primary'],
    ['connection-lost', 'no-primary'],
    ['overloaded', 'overloaded'],
    ['timeout', 'timeout'],
    ['unique-violation', 'as it is'],
    ['deadlock', 'as it is'],
    ['aborted', 'as it is'],
    ['bad-statement', 'as it is'],
  ])('with %s is for the caller %s', (code, seen) => {
    const error = engineError(code);
    const told = writeError(error);
    expect(seenAs(told)).toBe(seen);
    if (told instanceof RouterError) expect(told.cause).toBe(error);
  });

  test("in the caller's own code passes unchanged", () => {
    const own = new Error('not enough money');
    expect(writeError(own)).toBe(own);
  });
});
