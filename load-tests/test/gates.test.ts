import { describe, expect, it } from 'vitest';
import { judgeAnomalies, judgeLatency, judgeThroughput, servesReads } from '../src/gates.ts';
import type { Plateau } from '../src/plateau.ts';
import { START_MS, useOf } from './builders.ts';

const plateau: Plateau = {
  fromMs: START_MS,
  toMs: START_MS + 10_000,
  readsPerSecond: 30,
  writesPerSecond: 1.5,
  failedShare: 0,
  kneeAtSeconds: 3,
};
const single = { arm: 'single', capCpus: 0.2, hostCpus: 2 } as const;
const replicated = { ...single, arm: 'replicated' } as const;
const busy = { 'db-1': 0.01, 'db-2': 0.195, 'db-3': 0.192, 'api-1': 0.05, haproxy: 0.02 };

describe('a throughput run', () => {
  it('counts when the nodes that serve the reads are at their cap and nothing else is near its limit', () => {
    expect(judgeThroughput(plateau, useOf({ 'db-1': 0.198, 'api-1': 0.1, haproxy: 0.02 }), single)).toEqual(
      [],
    );
    expect(judgeThroughput(plateau, useOf(busy), replicated)).toEqual([]);
  });

  it.each([
    ['never saturated', null, useOf(busy), /never passed the knee/],
    ['no accounting', plateau, null, /does not cover/],
    ['a replica not at its cap', plateau, useOf({ ...busy, 'db-3': 0.17 }), /db-3 .* only 85 %/],
    ['a replica unknown', plateau, useOf({ 'db-1': 0.01, 'db-2': 0.195 }), /not known/],
    ['a busy primary', plateau, useOf({ ...busy, 'db-1': 0.15 }), /db-1 used 75 %/],
    ['a busy API replica', plateau, useOf({ ...busy, 'api-1': 0.71 }), /api-1 used 71 %/],
    ['a busy proxy', plateau, useOf({ ...busy, haproxy: 0.9 }), /haproxy used 90 %/],
    ['a busy generator', plateau, useOf(busy, 1, 1.7), /k6 used 85 %/],
    ['a busy machine', plateau, useOf(busy, 0.1), /only 5 % idle/],
    ['failures', { ...plateau, failedShare: 0.02 }, useOf(busy), /2 % of the requests failed/],
  ])('does not with %s', (_, found, use, reason) => {
    const against = judgeThroughput(found, use, replicated);
    expect(against).toHaveLength(1);
    expect(against[0]).toMatch(reason);
  });

  it('says nothing about the bottleneck without a cap', () => {
    expect(judgeThroughput(plateau, useOf({ 'db-1': 0.9 }), { ...single, capCpus: null })).toEqual([]);
  });
});

describe('a latency run', () => {
  const facts = { offeredPerSecond: 20, achievedPerSecond: 20, dropped: 0, failedShare: 0 };
  it('counts when all of the load was offered', () => {
    expect(judgeLatency(facts, useOf(busy), replicated)).toEqual([]);
    expect(judgeLatency({ ...facts, achievedPerSecond: 19.81 }, useOf(busy), replicated)).toEqual([]);
  });

  it.each([
    ['one dropped iteration', { ...facts, dropped: 1 }, /1 iterations were dropped/],
    [
      'less than 99 % achieved',
      { ...facts, achievedPerSecond: 19.7 },
      /19\.7 requests\/s of the offered 20\.0/,
    ],
    ['failures', { ...facts, failedShare: 0.05 }, /5 % of the requests failed/],
  ])('does not with %s', (_, wrong, reason) => {
    expect(judgeLatency(wrong, useOf(busy), replicated)).toEqual([expect.stringMatching(reason)]);
  });

  it('does not on a busy machine', () => {
    expect(judgeLatency(facts, useOf(busy, 0.05), replicated)).toHaveLength(1);
    expect(judgeLatency(facts, null, replicated)).toHaveLength(1);
  });
});

describe('an anomaly run', () => {
  it('counts with sessions and without failures', () => {
    expect(judgeAnomalies({ sessions: 100, failedShare: 0 })).toEqual([]);
    expect(judgeAnomalies({ sessions: 0, failedShare: 0 })).toHaveLength(1);
    expect(judgeAnomalies({ sessions: 100, failedShare: 0.1 })).toHaveLength(1);
  });
});

it('reads go to the only node, or to the replicas', () => {
  expect(['db-1', 'db-2', 'api-1'].map((node) => servesReads('single', node))).toEqual([true, false, false]);
  expect(['db-1', 'db-2', 'db-3'].map((node) => servesReads('replicated', node))).toEqual([
    false,
    true,
    true,
  ]);
});
