import { describe, expect, it } from 'vitest';
import { add, countLine, countsOf, failuresOf, filesNotRun, vitestReport } from '../src/test-run/counts.ts';

const report = (over: object) =>
  vitestReport.parse({
    ...{ success: true, numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, testResults: [] },
    ...over,
  });
const file = (name: string, status: string, ...tests: string[]) => ({
  ...{ name, status },
  assertionResults: tests.map((test) => ({ status: test, fullName: test })),
});

describe('test counts', () => {
  it('adds kinds up to one line', () => {
    const a = countsOf(report({ numPassedTests: 3, numPendingTests: 1, numTodoTests: 1 }));
    const b = countsOf(report({ success: false, numPassedTests: 1, numFailedTests: 2 }));
    expect(countLine(add(a, b))).toBe('4 passed, 2 failed, 2 skipped');
  });

  it('counts a file that broke before its first test', () => {
    const broken = report({
      success: false,
      numPassedTests: 5,
      testResults: [file('a', 'failed'), file('b', 'passed')],
    });
    expect(countsOf(broken)).toEqual({ passed: 5, failed: 1, skipped: 0 });
  });

  it('never lets an unsuccessful run look like a pass', () => {
    expect(countsOf(report({ success: false })).failed).toBe(1);
  });

  it('names files of which nothing ran', () => {
    const results = [file('ran', 'passed', 'passed', 'skipped'), file('not', 'passed', 'skipped', 'pending')];
    expect(filesNotRun(report({ testResults: results }))).toEqual(['not']);
  });

  it('says of each failure where it was and why, in a line', () => {
    const failing = {
      ...file('a', 'failed', 'passed'),
      assertionResults: [{ status: 'failed', fullName: 'adds', failureMessages: ['\nno 3 of 4\n  at x'] }],
    };
    const broken = { ...file('b', 'failed'), message: 'no server\n at y' };
    expect(failuresOf(report({ testResults: [failing, broken] }))).toEqual([
      'a: adds: no 3 of 4',
      'b: no server',
    ]);
  });
});
