import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_DELAY_MS, MAX_STALENESS_MS, parseConsistencyLevel } from '../src/consistency.ts';
import { Problem } from '../src/problems.ts';

describe('the Consistency-Level header', () => {
  test.each([
    [undefined, { kind: 'session' }],
    ['session', { kind: 'session' }],
    [' Eventual ', { kind: 'eventual' }],
    ['primary', { kind: 'primary' }],
    ['bounded; max-staleness=500', { kind: 'bounded', maxStalenessMs: 500 }],
    ['bounded;max-staleness=0', { kind: 'bounded', maxStalenessMs: 0 }],
    ['delayed; ms=2000', { kind: 'delayed', delayMs: 2000 }],
    ['version; MIN = 7', { kind: 'version', min: 7 }],
  ])('%j is understood', (header, level) => {
    expect(parseConsistencyLevel(header)).toEqual(level);
  });

  test.each([
    '',
    'strong',
    'constructor',
    '__proto__',
    'session; x=1',
    'session;',
    'bounded',
    'bounded;',
    'bounded; max-staleness',
    'bounded; max-staleness=',
    'bounded; max-staleness=-1',
    'bounded; max-staleness=1e3',
    'bounded; max-staleness=1.5',
    'bounded; ms=5',
    `bounded; max-staleness=${MAX_STALENESS_MS + 1}`,
    'bounded; max-staleness=99999999999999999999',
    'bounded; max-staleness=1; max-staleness=2',
    `delayed; ms=${MAX_DELAY_MS + 1}`,
    'delayed; ms=NaN',
    'version; min=0',
    'eventual, primary',
    `eventual${' '.repeat(200)}`,
  ])('%j is refused', (header) => {
    expect(() => parseConsistencyLevel(header)).toThrow(
      expect.objectContaining({ code: 'invalid-consistency-level' }),
    );
  });

  test('any text is either a level within its bounds or a problem', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z]+; ?[a-z-]+=\d*$/)), (header) => {
        try {
          const level = parseConsistencyLevel(header);
          if (level.kind === 'delayed') expect(level.delayMs).toBeLessThanOrEqual(MAX_DELAY_MS);
        } catch (error) {
          expect(error).toBeInstanceOf(Problem);
        }
      }),
    );
  });
});
