import { describe, expect, test } from 'vitest';
import {
  afterFailedProbe,
  afterGoodProbe,
  choosePrimary,
  type NodeFacts,
  toTopology,
  unknownNode,
  type ViewLimits,
} from '../src/view.ts';
import { probeOf, upTo } from './pictures.ts';

const NOW = 100_000;
const UNCONFIRMED = 5_000;
const limits: ViewLimits = {
  maxLagMs: 10_000,
  primaryUnconfirmedMs: UNCONFIRMED,
  notReplicatingGraceMs: 2_000,
};
type Role = Parameters<typeof probeOf>[0];

function facts(name: string, role: Role, epoch = 1, different: Partial<NodeFacts> = {}): NodeFacts {
  const seen = {
    probe: probeOf(role, upTo(5), epoch),
    startedAtMs: NOW - 100,
    endedAtMs: NOW - 99,
    connectedAtMs: NOW - 50_000,
  };
  const good = afterGoodProbe(unknownNode({ name, host: 'h', port: 1 }), seen);
  return { ...good, provenAtMs: NOW - 100, lagging: false, ...different };
}

const primaryOf = (nodes: NodeFacts[], highestEpoch: number) =>
  choosePrimary(nodes, highestEpoch, NOW, UNCONFIRMED)?.endpoint.name ?? null;
const excluded = (nodes: NodeFacts[]) =>
  toTopology('mysql', nodes, 1, NOW, limits).nodes.map(
    (view) => `${view.name} ${view.role} ${view.excluded}`,
  );

describe('the primary', () => {
  const closed = facts('db-2', 'replica');
  test.each<[string, NodeFacts[], number, string | null]>([
    ['is the writable node', [facts('db-1', 'primary'), closed], 1, 'db-1'],
    ['is nobody when none is writable', [closed], 1, null],
    ['is nobody when two are writable', [facts('db-1', 'primary'), facts('db-3', 'primary')], 1, null],
    ['is the newer of two reigns', [facts('db-1', 'primary'), facts('db-3', 'primary', 2)], 2, 'db-3'],
    ['is nobody when only an old reign is writable', [facts('db-1', 'primary')], 2, null],
    ['needs no epoch where nobody writes one', [facts('db-1', 'primary', 0)], 0, 'db-1'],
    ['is nobody when it is down', [facts('db-1', 'primary', 1, { up: false })], 1, null],
    [
      'is nobody when nothing confirmed it for too long',
      [facts('db-1', 'primary', 1, { confirmedAtMs: NOW - UNCONFIRMED - 1 })],
      1,
      null,
    ],
    [
      'stays while it acknowledges writes, though its probes are late',
      [facts('db-1', 'primary', 1, { confirmedAtMs: NOW - 10, aliveAtMs: NOW - 10, current: false })],
      1,
      'db-1',
    ],
    [
      'is nobody after it refused a write',
      [facts('db-1', 'primary', 1, { refusedWriteAtMs: NOW - 50 })],
      1,
      null,
    ],
  ])('%s', (_, nodes, highestEpoch, expected) => {
    expect(primaryOf(nodes, highestEpoch)).toBe(expected);
  });
});

describe('who is left out', () => {
  const primary = facts('db-1', 'primary');
  test.each<[string, NodeFacts[], string[]]>([
    [
      'nobody',
      [primary, facts('db-2', 'replica'), facts('db-3', 'replica')],
      ['db-1 primary null', 'db-2 replica null', 'db-3 replica null'],
    ],
    [
      'a node that is down, and one of no role',
      [primary, facts('db-2', 'replica', 1, { up: false }), facts('db-3', 'unknown')],
      ['db-1 primary null', 'db-2 unknown down', 'db-3 unknown role-unknown'],
    ],
    [
      'an old primary',
      [facts('db-1', 'primary', 0), facts('db-2', 'primary', 1)],
      ['db-1 unknown role-unknown', 'db-2 primary null'],
    ],
    [
      'one that lags, one that is banned, and then the ban does not stand: it would leave nobody',
      [
        primary,
        facts('db-2', 'replica', 1, { lagging: true }),
        facts('db-3', 'replica', 1, { bannedUntilMs: NOW + 1 }),
      ],
      ['db-1 primary null', 'db-2 replica lagging', 'db-3 replica null'],
    ],
    [
      'one that is banned',
      [primary, facts('db-2', 'replica'), facts('db-3', 'replica', 1, { bannedUntilMs: NOW + 1 })],
      ['db-1 primary null', 'db-2 replica null', 'db-3 replica banned'],
    ],
    [
      'one that stands still beside a primary',
      [primary, facts('db-2', 'replica', 1, { notReplicatingSinceMs: NOW - 2_001 })],
      ['db-1 primary null', 'db-2 replica not-replicating'],
    ],
    [
      'nobody for standing still within the grace',
      [primary, facts('db-2', 'replica', 1, { notReplicatingSinceMs: NOW - 1_999 })],
      ['db-1 primary null', 'db-2 replica null'],
    ],
    [
      'nobody for standing still when the primary is gone',
      [facts('db-2', 'replica', 1, { notReplicatingSinceMs: NOW - 60_000 })],
      ['db-2 replica null'],
    ],
  ])('%s', (_, nodes, expected) => {
    expect(excluded(nodes)).toEqual(expected);
  });
});

describe('what a probe changes', () => {
  const replica = facts('db-2', 'replica');

  test('a refused write counts until a probe that began later says otherwise', () => {
    const refused = facts('db-1', 'primary', 1, { refusedWriteAtMs: NOW });
    const answer = (startedAtMs: number) =>
      afterGoodProbe(refused, { probe: refused.probe!, startedAtMs, endedAtMs: NOW + 20, connectedAtMs: 0 });
    expect(primaryOf([answer(NOW - 1)], 1)).toBe(null);
    expect(primaryOf([answer(NOW + 1)], 1)).toBe('db-1');
  });

  test('an answer within a second counts from when it came, a later one from when it was asked', () => {
    const answer = (tookMs: number) =>
      afterGoodProbe(replica, {
        probe: replica.probe!,
        startedAtMs: NOW,
        endedAtMs: NOW + tookMs,
        connectedAtMs: 0,
      });
    expect(answer(1_000).confirmedAtMs).toBe(NOW + 1_000);
    expect(answer(1_001).confirmedAtMs).toBe(NOW);
  });

  test('silence leaves a node up, but ends what its position proves', () => {
    const after = afterFailedProbe(replica, { error: 'no answer', refused: false });
    expect(after).toMatchObject({ up: true, current: false });
  });

  test('a refusal takes it down at once, and what it said is kept for people', () => {
    const after = afterFailedProbe(replica, { error: 'refused', refused: true });
    expect(after).toMatchObject({ up: false, current: false, probe: replica.probe });
  });

  test('a replica that is back is settled only when proved anew', () => {
    const back = {
      probe: probeOf('replica', upTo(5)),
      startedAtMs: NOW - 5,
      endedAtMs: NOW,
      connectedAtMs: NOW - 5,
    };
    const settled = (node: NodeFacts) => toTopology('mysql', [node], 1, NOW, limits).nodes[0]!.settled;
    const returned = afterGoodProbe(replica, back);
    expect([settled(replica), settled(returned)]).toEqual([true, false]);
    expect(settled({ ...returned, provenAtMs: NOW - 4 })).toBe(true);
  });
});
