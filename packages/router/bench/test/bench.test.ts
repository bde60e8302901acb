import { describe, expect, it } from 'vitest';
import { type Measured, rivalriesOf, rowsOf, verdictsOf } from '../src/figures.ts';
import { readOptions, UsageError } from '../src/options.ts';
import { blocksOf, chooseSubjects, planRounds } from '../src/plan.ts';
import { describeProfile } from '../src/profile-text.ts';
import type { Slice } from '../src/protocol.ts';
import { withBlock } from '../src/readme.ts';
import { nodeValue, statementsOf } from '../src/statements.ts';
import { judgements } from '../src/words.ts';

const sliceOf = (different: Partial<Slice>): Slice => ({
  operations: 100,
  wallMs: 100,
  cpuMs: 10,
  reads: 100,
  readsOnPrimary: 0,
  readYourWrites: { violations: 0, eligible: 0 },
  monotonicReads: { violations: 0, eligible: 0 },
  errors: 0,
  firstError: null,
  ...different,
});

/** The machine gets slower from block to block; `factor` of raw's speed throughout. */
const course = (subject: string, factor: number, blocks = 6): Measured[] =>
  Array.from({ length: blocks }, (_, block) => ({
    subject,
    block,
    slice: sliceOf({ operations: Math.round((factor * 10_000) / (block + 1)) }),
  }));

describe('the plan of a run', () => {
  const options = { blocks: 3, slices: 2, seed: 7 };

  it('gives every subject one turn a round, in orders that depend on the seed alone', () => {
    const names = ['raw', 'a', 'b', 'c', 'd'];
    const rounds = planRounds('reads', names, options);
    expect(rounds.map(({ block }) => block)).toEqual([0, 0, 1, 1, 2, 2]);
    for (const { order } of rounds) expect([...order].sort()).toEqual([...names].sort());
    expect(new Set(rounds.map(({ order }) => order.join())).size).toBeGreaterThan(1);
    expect(planRounds('reads', names, options)).toEqual(rounds);
  });

  it('always measures raw, and diagnostic subjects only when they are named', () => {
    const names = (subjects: string[] | null, engine: 'mysql' | 'postgres' = 'mysql') =>
      chooseSubjects({ subjects, workloads: ['reads'] }, engine).map(({ name }) => name);
    expect(names(['router-session'])).toEqual(['raw', 'router-session']);
    expect(names(['engine-pool'])).toEqual(['raw', 'engine-pool']);
    expect(names(null)).not.toContain('engine-pool');
    expect(names(null)).toContain('pool-cluster');
    expect(names(null, 'postgres')).not.toContain('pool-cluster');
  });

  it('counts anomalies in half of the blocks, but in enough for an interval', () => {
    expect([12, 8, 5, 2].map((blocks) => blocksOf('mixed', blocks))).toEqual([6, 5, 5, 2]);
    expect(blocksOf('reads', 12)).toBe(12);
  });
});

describe('the figures', () => {
  it('pair each block with the same block of raw, so that a slow block does not count against anybody', () => {
    const measured = [...course('raw', 1), ...course('router-eventual', 0.98)];
    const rows = rowsOf(measured, new Map(), 1);
    expect(rows.map(({ subject }) => subject)).toEqual(['raw', 'router-eventual']);
    expect(rows[0]?.ratio).toMatchObject({ median: 1, low: 1, high: 1 });
    expect(rows[1]?.ratio.median).toBeCloseTo(0.98, 3);
    expect(rows[1]?.ratio.low).toBeCloseTo(0.98, 3);
  });

  it('weigh slices of one block by their length', () => {
    const slow = { subject: 'raw', block: 0, slice: sliceOf({ operations: 100, wallMs: 900 }) };
    const fast = { subject: 'raw', block: 0, slice: sliceOf({ operations: 100, wallMs: 100 }) };
    const [row] = rowsOf([slow, fast], new Map(), 1);
    expect(row?.operationsPerSecond.median).toBe(200);
  });

  it('are judged by the median, firmly when the whole interval agrees', () => {
    const verdict = (factor: number) => {
      const rows = rowsOf([...course('raw', 1), ...course('router-eventual', factor)], new Map(), 1);
      return verdictsOf('postgres', 'writes', rows).map(({ met, firm }) => ({ met, firm }));
    };
    expect(verdict(0.9)).toEqual([{ met: true, firm: true }]);
    expect(verdict(0.5)).toEqual([{ met: false, firm: true }]);
  });

  it('say who is ahead of a library only when the interval excludes a tie', () => {
    const measured = [...course('raw', 1), ...course('router-eventual', 0.8), ...course('typeorm', 0.6)];
    expect(rivalriesOf('reads', measured, 1)).toMatchObject([
      { subject: 'router-eventual', library: 'typeorm', standing: 'ahead' },
    ]);
    const even = [...course('router-eventual', 0.8, 2), ...course('typeorm', 0.6, 2)];
    expect(rivalriesOf('reads', even, 1)).toMatchObject([{ standing: 'level' }]);
  });

  it('become sentences: the targets, then one for each router subject', () => {
    const measured = [...course('raw', 1), ...course('router-eventual', 0.8), ...course('typeorm', 0.6)];
    const rows = rowsOf(measured, new Map(), 1);
    const verdicts = verdictsOf('mysql', 'reads', rows);
    const rivalries = rivalriesOf('reads', measured, 1);
    expect(judgements({ workload: 'reads', blocks: 6, rows, verdicts, rivalries })).toEqual([
      'router: eventual, reads, at least 0.97 of raw: missed: 0.800 (0.800 to 0.800)',
      'router: eventual, reads: ahead of TypeORM 1.33',
    ]);
  });

  it('need raw, and leave out a subject that finished nothing', () => {
    expect(rowsOf(course('typeorm', 1), new Map(), 1)).toEqual([]);
    const silent = { subject: 'typeorm', block: 0, slice: sliceOf({ operations: 0 }) };
    expect(rowsOf([...course('raw', 1), silent], new Map(), 1)).toHaveLength(1);
  });
});

describe('the options', () => {
  it('keep the order of the lists, and add the profiled subject', () => {
    const options = readOptions(['--only', 'writes,reads', '--subjects', 'typeorm', '--profile', 'raw']);
    expect(options.workloads).toEqual(['reads', 'writes']);
    expect(options.subjects).toEqual(['typeorm', 'raw']);
    expect(readOptions([]).subjects).toBeNull();
  });

  it.each([
    ['--engine', 'oracle'],
    ['--subjects', 'nobody'],
    ['--blocks', '0'],
    ['--seed', '-1'],
    ['--nonsense'],
    ['--quick', '--update-readme'],
  ])('refuse %s %s', (...args) => {
    expect(() => readOptions(args.filter((arg) => arg !== undefined))).toThrow(UsageError);
  });
});

describe('a profile as text', () => {
  it('leaves waiting out, and counts what ours call to ours', () => {
    const frame = (functionName: string, url = '') => ({
      functionName,
      url,
      scriptId: '0',
      lineNumber: 0,
      columnNumber: 0,
    });
    const text = describeProfile({
      nodes: [
        { id: 1, callFrame: frame('(root)'), children: [2, 3] },
        { id: 2, callFrame: frame('(idle)') },
        { id: 3, callFrame: frame('read', 'file:///x/packages/router/src/reads.ts'), children: [4] },
        { id: 4, callFrame: frame('writeBuffer') },
      ],
      startTime: 0,
      endTime: 100,
      samples: [2, 3, 4],
      timeDeltas: [60, 10, 30],
    });
    expect(text).toContain('75.0 %  writeBuffer');
    expect(text).toContain('100.0 %  read router/src/reads.ts:1');
    expect(text).not.toContain('(idle)');
  });
});

describe('the README', () => {
  it('changes between the marks only, and a second time in the same place', () => {
    const before = '# Title\n\nText.\n';
    const once = withBlock(before, 'first');
    expect(once.startsWith(before)).toBe(true);
    const twice = withBlock(`${once}\n## After\n`, 'second');
    expect(twice).toContain('second');
    expect(twice).not.toContain('first');
    expect(twice.endsWith('\n## After\n')).toBe(true);
  });
});

describe('the statements', () => {
  it('use the placeholders of the engine and say which node answered', () => {
    expect(statementsOf('mysql').read).toContain('@@server_id AS node FROM users WHERE id = ?');
    expect(statementsOf('postgres').write).toBe('UPDATE users SET version = $1 WHERE id = $2');
    expect(nodeValue('mariadb', '127.0.44.3')).toBe('3');
    expect(nodeValue('postgres', '127.0.44.3')).toBe('127.0.44.3');
  });
});
