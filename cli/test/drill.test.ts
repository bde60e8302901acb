import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoggedEvent } from '@replication-lab/supervisor';
import { describe, expect, it } from 'vitest';
import {
  answersOf,
  audit,
  doubleAcknowledgements,
  judgeReads,
  longestGapMs,
  type NodeTables,
} from '../src/drill/judge.ts';
import type { Outcome, Read, Write } from '../src/drill/load.ts';
import { firstFailover } from '../src/drill/moments.ts';
import { appendTrial, readRecordFile } from '../src/drill/record.ts';
import { SCENARIOS } from '../src/drill/scenarios.ts';
import { renderSummary, renderTable, renderTrial, summarise } from '../src/drill/summary.ts';
import { readTables } from '../src/drill/tables.ts';
import type { Trial } from '../src/drill/types.ts';

const write = (email: string, outcome: Outcome, more: Partial<Write> = {}): Write => ({
  ...{ kind: 'create', email, outcome, existed: false, node: 'db-1', detail: '' },
  ...{ sentMs: 0, endedMs: 1 },
  ...more,
});
const change = (email: string, outcome: Outcome) => write(email, outcome, { kind: 'update' });

const node = (name: string, versions: Record<string, number>): NodeTables => ({
  node: name,
  versions: new Map(Object.entries(versions)),
  reigns: [],
});

describe('the tables of a trial', () => {
  const parts = ['db-1', 'db-2', 'api-1'];
  const lab = (...silent: string[]) => ({
    parts,
    queryAsAdmin: async (name: string) => {
      if (silent.includes(name)) throw new Error(`${name} is empty`);
      return [[{ email: 'a', version: '2' }], [{ epoch: 1, node: 'db-1' }]];
    },
  });

  it('are those of all nodes of a lab that is whole', async () => {
    const versions = new Map([['a', 2]]);
    const reigns = [{ epoch: 1, node: 'db-1' }];
    const tables = [
      { node: 'db-1', versions, reigns },
      { node: 'db-2', versions, reigns },
    ];
    expect(await readTables(lab(), 'p', true)).toEqual({ tables, unread: [] });
    await expect(readTables(lab('db-2'), 'p', true)).rejects.toThrow('db-2 is empty');
  });

  it('are those that can be read of one that is not', async () => {
    const { tables, unread } = await readTables(lab('db-1'), 'p', false);
    expect(tables.map((of) => of.node)).toEqual(['db-2']);
    expect(unread).toEqual(['the tables of db-1 could not be read: db-1 is empty']);
    await expect(readTables(lab('db-1', 'db-2'), 'p', false)).rejects.toThrow('db-1 is empty');
  });
});

describe('the audit of a trial', () => {
  it('finds nothing where every node has what was acknowledged', () => {
    const writes = [write('a', 'ok'), write('b', 'failed'), write('c', 'unknown'), write('d', 'unknown')];
    const tables = [node('db-1', { a: 1, c: 1 }), node('db-2', { a: 1, c: 1 })];
    expect(audit(writes, tables)).toEqual({
      ...{ ackedWrites: 1, failedWrites: 1, unknownWrites: 2 },
      ...{ lostWrites: 0, duplicates: 0, refusedButDone: 0 },
    });
  });

  it('calls a write lost when one node lacks it; before the nodes have converged, when all do', () => {
    const writes = [write('a', 'ok'), write('b', 'ok')];
    const tables = [node('db-1', { a: 1 }), node('db-2', {})];
    expect(audit(writes, tables).lostWrites).toBe(2);
    expect(audit(writes, tables, false).lostWrites).toBe(1);
  });

  it('sees a write that was refused and done, and one that was executed before it was answered', () => {
    const writes = [write('a', 'failed'), write('b', 'failed', { existed: true })];
    expect(audit(writes, [node('db-1', { a: 1, b: 1 })])).toMatchObject({ refusedButDone: 1, duplicates: 1 });
  });

  it.each([
    { version: 3, lostWrites: 0, duplicates: 0 },
    { version: 4, lostWrites: 0, duplicates: 0 },
    { version: 5, lostWrites: 0, duplicates: 1 },
    { version: 2, lostWrites: 1, duplicates: 0 },
  ])('counts the changes of a row: two acknowledged, one unknown, version $version', (seen) => {
    const writes = [change('a', 'ok'), change('a', 'ok'), change('a', 'unknown'), change('a', 'failed')];
    const { version, ...expected } = seen;
    expect(audit(writes, [node('db-1', { a: version })])).toMatchObject(expected);
  });
});

describe('acknowledgements of a reign that was over', () => {
  const reigns = [
    { epoch: 1, node: 'db-1' },
    { epoch: 2, node: 'db-2' },
    { epoch: 3, node: 'db-1' },
  ];
  const ack = (by: string, sentMs: number, endedMs: number) =>
    write(`${by}${sentMs}`, 'ok', { node: by, sentMs, endedMs });

  it('are none while each reign acknowledges only what was sent before the next one did', () => {
    const writes = [ack('db-1', 0, 5), ack('db-2', 3, 20), ack('db-1', 15, 21), ack('db-1', 30, 31)];
    const { count, epochOf } = doubleAcknowledgements(writes, reigns);
    expect(count).toBe(0);
    expect(writes.map((one) => epochOf.get(one))).toEqual([1, 2, 1, 3]);
  });

  it('are counted: sent to the old primary after the new one had acknowledged', () => {
    const two = reigns.slice(0, 2);
    expect(doubleAcknowledgements([ack('db-2', 3, 20), ack('db-1', 21, 22)], two).count).toBe(1);
  });

  it('are counted when a node acknowledges that never had a reign', () => {
    expect(doubleAcknowledgements([ack('db-3', 3, 20)], reigns).count).toBe(1);
  });
});

describe('an outage', () => {
  const at = (endedMs: number, outcome: Outcome = 'ok') => write('a', outcome, { endedMs });

  it('lasts from the last success before the fault to the next one', () => {
    expect(longestGapMs([at(90), at(150, 'failed'), at(400), at(420)], 100, 430)).toBe(310);
  });

  it('lasts to the end when nothing succeeds any more', () => {
    expect(longestGapMs([at(90), at(500)], 100, 300)).toBe(210);
  });
});

describe('reads', () => {
  const read = (outcome: Outcome, violation = false, detail = ''): Read => ({
    ...{ sentMs: 0, endedMs: 1, node: 'db-2', level: 'session' },
    ...{ outcome, violation, detail },
  });

  it('that missed their own write are no errors but violations', () => {
    const reads = [read('ok'), read('failed'), read('failed', true)];
    expect(judgeReads(reads)).toEqual({ readErrors: 1, sessionViolations: 1 });
  });

  it('and writes that went wrong are counted by what was answered', () => {
    const reads = [read('ok'), read('failed', false, '503 no-node')];
    const writes = [write('a', 'ok'), write('b', 'unknown', { detail: 'ECONNRESET' })];
    expect(answersOf(writes, reads)).toEqual({ 'session read 503 no-node': 1, 'create ECONNRESET': 1 });
  });
});

describe('the moments of a failover', () => {
  const event = (seconds: number, what: object) =>
    ({ at: new Date(seconds * 1000).toISOString(), seq: 1, text: '', ...what }) as LoggedEvent;

  it('are those of the first one since the fault, whoever told them', () => {
    const events = [
      event(9, { what: 'opened', node: 'db-1' }),
      event(13, { what: 'opened', node: 'db-2' }),
      event(11, { what: 'confirmed', evidence: 'hard' }),
      event(20, { what: 'confirmed', evidence: 'soft' }),
    ];
    expect(firstFailover(events, 10_000)).toEqual({
      ...{ confirmedAtMs: 11_000, evidence: 'hard', openedAtMs: 13_000 },
    });
  });

  it('are unknown when nobody tells of them', () => {
    expect(firstFailover([], 0)).toEqual({ confirmedAtMs: null, evidence: null, openedAtMs: null });
  });
});

const TRIAL: Trial = {
  ...{ version: 1, fault: 'kill-primary', engine: 'mariadb', runtime: 'native', seed: 1 },
  ...{ at: '2026-11-28T13:00:00.000Z', commit: 'abc', failover: true, promoted: 'db-2', evidence: 'hard' },
  ...{ detectMs: 150, promoteMs: 200, rerouteMs: 30, writeOutageMs: 400, readOutageMs: 20 },
  ...{ ackedWrites: 100, failedWrites: 0, unknownWrites: 1, lostWrites: 0, doubleAcks: 0, duplicates: 0 },
  ...{ refusedButDone: 0, reads: 900, readErrors: 0, sessionViolations: 0, rejoinMs: 900 },
  ...{ answers: {}, problems: [] },
};

describe('the summary', () => {
  it('counts all trials alike and leaves out what did not happen', () => {
    const never = { ...TRIAL, failover: false, promoted: null, detectMs: null, writeOutageMs: 200 };
    const summary = summarise([TRIAL, never, { ...TRIAL, problems: ['1 acknowledged writes lost'] }]);
    expect(summary).toMatchObject({ trials: 3, failed: 1, failovers: 2, ackedWrites: 300 });
    expect(summary.percentiles.detectMs).toEqual({ p50: 150, p95: 150, max: 150, trials: 2 });
    expect(summary.percentiles.writeOutageMs).toMatchObject({ p50: 400, max: 400 });
    expect(renderSummary('kill-primary', summary)).toMatch(
      /3 trials, 2 failovers, 1 failed[\s\S]*write outage +0\.40 s/,
    );
  });

  it('of a record is a table, a row an engine, runtime and fault', () => {
    const lines = renderTable([TRIAL, { ...TRIAL, engine: 'mysql' }, TRIAL]).split('\n');
    expect(lines[2]).toBe(
      '| mariadb, native | `kill-primary` | 2 | 2 | 0 | 200 | 0 / 0 / 0 / 0 | 0 / 2 | 0 of 1800 | 0.40 / 0.40 / 0.40 | 0.90 / 0.90 / 0.90 |',
    );
    expect(lines).toHaveLength(6);
    expect(lines[5]).toMatch(/^3 trials, 3 failovers, 0 failed trials; 300 acknowledged writes, 0 lost/);
  });

  it('names what failed in the line of its trial', () => {
    const text = renderTrial({ ...TRIAL, problems: ['no failover'] }, 2, 5);
    expect(text).toMatch(
      /^\[2\/5\] kill-primary \(seed 1\): db-2 promoted.*FAILED: no failover \(answers: all as wished\)$/,
    );
  });
});

describe('a record file', () => {
  it('gives back what was appended, and says which line is no trial', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'drill-record-'));
    try {
      const file = join(dir, 'sub', 'record.jsonl');
      expect(await readRecordFile(file)).toEqual([]);
      await appendTrial(file, TRIAL);
      await appendTrial(file, { ...TRIAL, seed: 2 });
      await appendTrial(file, { ...TRIAL, seed: 3, commit: 'beef123+' });
      await appendTrial(file, { ...TRIAL, seed: 4, commit: 'beef123' });
      const seeds = async (commit?: string) => (await readRecordFile(file, commit)).map(({ seed }) => seed);
      expect(await seeds()).toEqual([1, 2, 3, 4]);
      expect(await seeds('beef')).toEqual([4]);
      await writeFile(file, `${JSON.stringify(TRIAL)}\n{"half":`);
      await expect(readRecordFile(file)).rejects.toMatchObject({
        code: 'record-unreadable',
        message: expect.stringContaining('record.jsonl:2'),
      });
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});

describe('the scenarios', () => {
  it('have names of their own, and thaw or start nobody whom they have not broken', () => {
    expect(new Set(SCENARIOS.map(({ name }) => name)).size).toBe(SCENARIOS.length);
    for (const { name, steps } of SCENARIOS) {
      const broken = new Set<string>();
      for (const step of steps) {
        if (!('do' in step) || step.do === 'wait') continue;
        if (step.do === 'start' || step.do === 'thaw')
          expect(broken, `${name}: ${step.who}`).toContain(step.who);
        broken.add(step.who);
      }
    }
  });
});
