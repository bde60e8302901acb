import { EngineError, type EngineErrorCode } from '@replication-lab/engines';
import { describe, expect, test } from 'vitest';
import { classifyReadFailure, classifyWriteFailure, readError, writeError } from '../src/failures.ts';
import { RouterError } from '../src/types.ts';

const engineError = (code: EngineErrorCode) => new EngineError(code, 'db-2 says so');
const seenAs = (error: unknown) => (error instanceof RouterError ? error.code : 'as it is');

test.each<[EngineErrorCode, boolean, string, string]>([
  ['connect-failed', false, 'not-sent', 'no-node'],
  ['connection-lost', false, 'read-failed', 'no-node'],
  ['timeout', false, 'read-failed', 'timeout'],
  ['overloaded', false, 'full', 'overloaded'],
  ['deadlock', false, 'read-failed', 'as it is'],
  ['aborted', true, 'read-failed', 'no-node'],
  ['aborted', false, 'final', 'as it is'],
  ['bad-statement', false, 'final', 'as it is'],
  ['read-only', false, 'final', 'as it is'],
  ['access-denied', false, 'final', 'as it is'],
])(
  'a read that failed with %s (node silent: %s) is %s, and for the caller %s',
  (code, silent, kind, seen) => {
    const error = engineError(code);
    expect(classifyReadFailure(error, silent)).toBe(kind);
    // What is final passes by the translation.
    expect(kind === 'final' ? 'as it is' : seenAs(readError(error))).toBe(seen);
  },
);

describe('a write that failed', () => {
  test.each<[EngineErrorCode, string, string]>([
    ['outcome-unknown', 'outcome-unknown', 'outcome-unknown'],
    ['read-only', 'demoted', 'no-primary'],
    ['connect-failed', 'not-sent', 'no-primary'],
    ['connection-lost', 'not-sent', 'no-primary'],
    ['overloaded', 'full', 'overloaded'],
    ['timeout', 'final', 'timeout'],
    ['unique-violation', 'final', 'as it is'],
    ['deadlock', 'final', 'as it is'],
    ['aborted', 'final', 'as it is'],
    ['bad-statement', 'final', 'as it is'],
  ])('with %s is %s, and for the caller %s', (code, kind, seen) => {
    const error = engineError(code);
    expect(classifyWriteFailure(error)).toBe(kind);
    const told = writeError(error);
    expect(seenAs(told)).toBe(seen);
    if (told instanceof RouterError) expect(told.cause).toBe(error);
  });

  test("in the caller's own code passes unchanged", () => {
    const own = new Error('not enough money');
    expect(writeError(own)).toBe(own);
  });
});
