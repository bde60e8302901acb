import { describe, expect, it } from 'vitest';
import { judgeSession, LEVELS, levelHeader, rowOfSession } from '../scenarios/lib/sessions.ts';

const none = { violations: 0, eligible: 0 };

describe('one session', () => {
  it.each([
    ['fresh twice', [5, 5], { violations: 0, eligible: 2 }, { violations: 0, eligible: 1 }],
    ['stale twice', [4, 4], { violations: 2, eligible: 2 }, { violations: 0, eligible: 1 }],
    ['stale, then caught up', [4, 5], { violations: 1, eligible: 2 }, { violations: 0, eligible: 1 }],
    ['fresh, then back in time', [5, 4], { violations: 1, eligible: 2 }, { violations: 1, eligible: 1 }],
    ['both stale and backwards', [4, 3], { violations: 2, eligible: 2 }, { violations: 1, eligible: 1 }],
    ['newer than written', [6, 6], { violations: 0, eligible: 2 }, { violations: 0, eligible: 1 }],
    ['the first read failed', [null, 4], { violations: 1, eligible: 1 }, none],
    [
      'a failed read between two',
      [5, null, 4],
      { violations: 1, eligible: 2 },
      { violations: 1, eligible: 1 },
    ],
    ['both reads failed', [null, null], none, none],
    ['no read', [], none, none],
  ])('%s', (_, reads, readYourWrites, monotonicReads) => {
    expect(judgeSession({ written: 5, reads })).toEqual({ readYourWrites, monotonicReads });
  });

  it('judges no read-your-writes where the write was not acknowledged', () => {
    expect(judgeSession({ written: null, reads: [5, 4] })).toEqual({
      readYourWrites: none,
      monotonicReads: { violations: 1, eligible: 1 },
    });
  });
});

describe('rows of sessions', () => {
  it('no two levels and no two iterations share one, until the share is used up', () => {
    const rows = LEVELS.flatMap((level) =>
      Array.from({ length: 200 }, (_, i) => rowOfSession(level, i, 1000, 777)),
    );
    expect(new Set(rows).size).toBe(1000);
    expect(Math.min(...rows)).toBe(1);
    expect(Math.max(...rows)).toBe(1000);
    expect(rowOfSession('session', 200, 1000, 777)).toBe(rowOfSession('session', 0, 1000, 777));
  });

  it('ask for their level in the API’s words', () => {
    expect(LEVELS.map((level) => levelHeader(level, 500, 7))).toEqual([
      'eventual',
      'session',
      'primary',
      'delayed; ms=500',
      'version; min=7',
    ]);
  });
});
