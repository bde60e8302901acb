import { describe, expect, it } from 'vitest';
import { isOurs } from '../src/bench-failover/children.ts';
import { parseContenders } from '../src/bench-failover/command.ts';
import { CONTENDERS } from '../src/bench-failover/contenders/index.ts';
import { isReady } from '../src/bench-failover/contenders/patroni.ts';
import { judgeTrial } from '../src/bench-failover/judge.ts';
import { planBlocks } from '../src/bench-failover/plan.ts';
import { withBlock } from '../src/bench-failover/results.ts';
import type { BenchFailover, Trial } from '../src/bench-failover/types.ts';
import { linesOf, renderMarkdown, renderText, renderTrial } from '../src/bench-failover/words.ts';
import type { Write } from '../src/bench-failover/writer.ts';

const write = (id: string, endedMs: number, more: Partial<Write> = {}): Write => ({
  ...{ id, node: 'db-1', connection: 1, sentMs: endedMs - 1, endedMs, outcome: 'ok' },
  ...more,
});
const trial = (more: Partial<Trial> = {}): Trial => ({
  ...{ contender: 'lab', fault: 'server', block: 1, primary: 'db-1', primaryAfter: 'db-2', outageMs: 500 },
  ...{ acknowledged: 100, lost: 0, duplicates: 0, unknown: 1, unknownDone: 0, failed: 0, failedDone: 0 },
  ...more,
});
const benchOf = (trials: Trial[], problems: string[] = []): BenchFailover => ({
  ...{
    format: 1,
    startedAt: '2026-11-28T14:00:00.000Z',
    seconds: 61,
    seed: 1,
    commit: 'abc',
    trials,
    problems,
  },
  machine: { cpuModel: 'CPU', cpus: 2, kernel: 'Linux', node: '24.0.0', loadBefore: 0.5 },
  versions: { PostgreSQL: '15.1' },
});

describe('what one trial shows', () => {
  const writes = [
    write('a', 0),
    write('b', 1000),
    write('c', 1020),
    write('d', 1100, { outcome: 'unknown' }),
    write('e', 1700, { node: 'db-2', connection: 2, outcome: 'failed' }),
    write('f', 1800, { node: 'db-2', connection: 2 }),
    write('g', 1820, { node: 'db-2', connection: 2 }),
  ];
  const rows = (...ids: string[]) => new Map(ids.map((id) => [id, 1]));

  it('takes the longest gap from the newest acknowledgement before the fault on', () => {
    const shown = judgeTrial(writes, rows('a', 'b', 'c', 'f', 'g'), 1030);
    expect(shown).toMatchObject({ outageMs: 780, primaryAfter: 'db-2', acknowledged: 5, lost: 0 });
  });

  it('counts an acknowledged write that is not in the table as lost, and one that is there twice', () => {
    const shown = judgeTrial(writes, new Map([...rows('a', 'b', 'f'), ['g', 2]]), 1030);
    expect(shown).toMatchObject({ lost: 1, duplicates: 1 });
  });

  it('tells which unknown and which refused writes were done', () => {
    const shown = judgeTrial(writes, rows('a', 'b', 'c', 'd', 'e', 'f', 'g'), 1030);
    expect(shown).toMatchObject({ unknown: 1, unknownDone: 1, failed: 1, failedDone: 1, lost: 0 });
  });

  it('claims nothing about the rows when nobody took writes again', () => {
    const shown = judgeTrial(writes.slice(0, 4), null, 1030);
    expect(shown).toMatchObject({ outageMs: null, primaryAfter: null, lost: null, duplicates: null });
    expect(shown).toMatchObject({ acknowledged: 3, unknown: 1, unknownDone: null });
  });
});

describe('the plan', () => {
  const contenders = Object.values(CONTENDERS);

  it('gives every contender its trials, in blocks of at most three', () => {
    const blocks = planBlocks(contenders, { server: 5, host: 2 }, 7);
    for (const { name, faults } of contenders) {
      const own = blocks.filter(({ contender }) => contender === name).flatMap(({ trials }) => trials);
      expect(own.filter(({ fault }) => fault === 'server')).toHaveLength(5);
      expect(own.filter(({ fault }) => fault === 'host')).toHaveLength(faults.includes('host') ? 2 : 0);
    }
    expect(Math.max(...blocks.map(({ trials }) => trials.length))).toBe(3);
  });

  it('spreads the moments of the faults evenly', () => {
    const blocks = planBlocks([CONTENDERS.patroni], { server: 10, host: 0 }, 3);
    const parts = blocks.flatMap(({ trials }) => trials).map(({ phase }) => Math.floor(phase * 10));
    expect(parts.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('is the same for the same seed, and goes round the contenders', () => {
    const plan = (seed: number) => planBlocks(contenders, { server: 6, host: 0 }, seed);
    expect(plan(1)).toEqual(plan(1));
    expect(plan(1)).not.toEqual(plan(2));
    const firstRound = plan(1).slice(0, contenders.length);
    expect(new Set(firstRound.map(({ contender }) => contender)).size).toBe(contenders.length);
  });
});

describe('the table', () => {
  it('has a line for each contender and fault that was measured', () => {
    const trials = [
      trial({ outageMs: 400 }),
      trial({ outageMs: 600, lost: 2 }),
      trial({ contender: 'patroni', fault: 'host', outageMs: null, lost: null, primaryAfter: null }),
    ];
    const [own, other] = linesOf(trials);
    expect(own).toMatchObject({ contender: 'lab', trials: 2, failovers: 2, acknowledged: 200, lost: 2 });
    expect(own?.outage).toMatchObject({ p50: 500, max: 600 });
    expect(other).toMatchObject({ contender: 'patroni', outage: null, notRecovered: 1, acknowledged: 0 });
  });

  it('does not call a restart in its place a failover', () => {
    expect(linesOf([trial({ primaryAfter: 'db-1' })])[0]).toMatchObject({ failovers: 0 });
    expect(renderTrial(trial({ primaryAfter: 'db-1' }))).toContain('started again in its place');
  });

  it('says what went wrong, what was not measured, and on what machine', () => {
    const text = renderMarkdown(benchOf([trial()], ['block 2, patroni: no etcd']));
    for (const part of ['0.50 s', 'Went wrong: block 2, patroni: no etcd', 'AWS RDS', '2 CPUs (CPU)'])
      expect(text).toContain(part);
    expect(renderText(benchOf([trial({ contender: 'textbook' })]))).not.toContain('`');
  });

  it('goes between the marks of the page', () => {
    const page =
      'before\n<!-- bench:begin (written by `./lab bench failover --update-readme`) -->\nold\n<!-- bench:end -->\nafter\n';
    const after = withBlock(page, 'new');
    expect(after).toMatch(/^before\n<!-- .* -->\n\nnew\n\n<!-- bench:end -->\nafter\n$/);
    expect(withBlock(after, 'new')).toBe(after);
    expect(() => withBlock('no marks', 'new')).toThrow('marks');
  });
});

describe('whose process it is', () => {
  it.each([
    [['/usr/lib/postgresql/15/bin/postgres', '-D', '/run/b/peer/db-1/data'], true],
    [['etcd', '--data-dir', '/run/b/peer/etcd'], true],
    [['/usr/bin/python3', '/usr/bin/patroni', '/run/b/peer/db-1.yml'], true],
    [['/usr/lib/postgresql/15/bin/postgres', '-D', '/run/other/data'], false],
    [['/usr/lib/postgresql/15/bin/postgres', '-D', '/run/b2/data'], false],
    [['tail', '-f', '/run/b/peer/db-1.log'], false],
    [[], false],
  ])('%j: %s', (command, ours) => {
    expect(isOurs(command, '/run/b')).toBe(ours);
  });
});

it('takes a Patroni cluster for ready only when it could replace its leader', () => {
  const members = [
    { name: 'db-1', role: 'leader', state: 'running' },
    { name: 'db-2', role: 'sync_standby', state: 'streaming' },
    { name: 'db-3', role: 'replica', state: 'running' },
  ];
  expect(isReady(members, 'db-1', true)).toBe(true);
  expect(isReady(members, 'db-2', true)).toBe(false);
  expect(isReady(members.slice(0, 2), 'db-1', true)).toBe(false);
  const without = members.map((member) => ({
    ...member,
    role: member.role.replace('sync_standby', 'replica'),
  }));
  expect(isReady(without, 'db-1', true)).toBe(false);
  expect(isReady(without, 'db-1', false)).toBe(true);
  expect(isReady([members[0]!, members[1]!, { ...members[2]!, state: 'starting' }], 'db-1', true)).toBe(
    false,
  );
});

it('knows its contenders, and names those that it does not know', () => {
  expect(parseContenders(undefined)).toEqual(['lab', 'patroni', 'patroni-tuned', 'textbook']);
  expect(parseContenders('textbook, lab')).toEqual(['lab', 'textbook']);
  expect(() => parseContenders('lab,oracle')).toThrow('oracle');
});
