import type { Position } from '@replication-lab/engines';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideRoute, listRoutes, type RouteRequest } from '../src/decide.ts';
import type { NodeView, Topology } from '../src/types.ts';
import { node, routes, session, setPositions, topologyOf, upTo } from './pictures.ts';

const primary = node('db-1', 'primary', { position: upTo(9) });
const healthy = topologyOf(primary, node('db-2', 'replica'), node('db-3', 'replica'));
const primaryOnly = topologyOf(primary);
const down: Partial<NodeView> = { up: false, role: 'unknown', excluded: 'down', positionKnown: false };
const tried = (...names: string[]) => new Set(names);

/** Every rule of the README's table of reasons. What happens | topology | request | candidates, best first. */
const table: [string, Topology, Partial<RouteRequest>, string[]][] = [
  [
    'eventual: replicas first',
    healthy,
    { level: 'eventual' },
    ['db-2 any-replica', 'db-3 any-replica', 'db-1 no-replica'],
  ],
  ['eventual without a replica', primaryOnly, { level: 'eventual' }, ['db-1 no-replica']],
  [
    'eventual: a lagging replica is left out',
    topologyOf(primary, node('db-2', 'replica', { excluded: 'lagging' }), node('db-3', 'replica')),
    { level: 'eventual' },
    ['db-3 any-replica', 'db-1 no-replica'],
  ],
  [
    'eventual: all replicas lag, and the primary lives',
    topologyOf(primary, node('db-2', 'replica', { excluded: 'lagging' })),
    { level: 'eventual' },
    ['db-1 no-replica'],
  ],
  [
    'eventual: the primary died, replicas read on',
    topologyOf(node('db-1', 'unknown', down), node('db-2', 'replica'), node('db-3', 'replica')),
    { level: 'eventual' },
    ['db-2 any-replica', 'db-3 any-replica'],
  ],
  [
    'eventual: the primary died long ago, its replicas are old',
    topologyOf(node('db-1', 'unknown', down), node('db-2', 'replica', { excluded: 'lagging' })),
    { level: 'eventual' },
    ['db-2 primary-lost'],
  ],
  [
    'eventual: only a closed node is left',
    topologyOf(node('db-1', 'unknown', down), node('db-2', 'unknown')),
    { level: 'eventual' },
    ['db-2 primary-lost'],
  ],
  [
    'eventual: an old primary that came back writable is never read',
    topologyOf(
      node('db-1', 'unknown', { readOnly: false, probe: primary.probe }),
      node('db-2', 'unknown', down),
    ),
    { level: 'eventual' },
    [],
  ],
  [
    'eventual: the primary fails the read, an old replica is better than nothing',
    topologyOf(primary, node('db-2', 'replica', { excluded: 'lagging' })),
    { level: 'eventual', tried: tried('db-1') },
    ['db-2 retry'],
  ],
  [
    'eventual: full replicas do not pass their load on to the primary',
    healthy,
    { level: 'eventual', tried: tried('db-2'), sparePrimary: true },
    ['db-3 retry'],
  ],
  [
    'eventual: nothing but full replicas',
    healthy,
    { level: 'eventual', tried: tried('db-2', 'db-3'), sparePrimary: true },
    [],
  ],
  ['primary', healthy, { level: 'primary' }, ['db-1 level-primary']],
  ['primary without one', topologyOf(node('db-2', 'replica')), { level: 'primary' }, []],
  [
    'bounded: fresh replicas',
    healthy,
    { level: 'bounded', maxStalenessMs: 100 },
    ['db-2 replica-fresh', 'db-3 replica-fresh', 'db-1 replica-stale'],
  ],
  ['bounded: none is fresh', healthy, { level: 'bounded', maxStalenessMs: 99 }, ['db-1 replica-stale']],
  [
    'bounded: its own limit rules, not the default one',
    topologyOf(primary, node('db-2', 'replica', { excluded: 'lagging', stalenessMs: 20_000 })),
    { level: 'bounded', maxStalenessMs: 30_000 },
    ['db-2 replica-fresh', 'db-1 replica-stale'],
  ],
  [
    'bounded: unknown staleness is not fresh',
    topologyOf(primary, node('db-2', 'replica', { stalenessMs: null })),
    { level: 'bounded', maxStalenessMs: 1e9 },
    ['db-1 replica-stale'],
  ],
  ['bounded: no replica', primaryOnly, { level: 'bounded', maxStalenessMs: 1e9 }, ['db-1 no-replica']],
  [
    'bounded: no primary, and nothing fresh enough',
    topologyOf(node('db-2', 'replica')),
    { level: 'bounded', maxStalenessMs: 50 },
    [],
  ],
  ['session without a token', healthy, {}, ['db-2 no-token', 'db-3 no-token', 'db-1 no-replica +bound']],
  [
    'session with a token that has seen nothing',
    healthy,
    { session: session() },
    ['db-2 no-token', 'db-3 no-token', 'db-1 no-replica +bound'],
  ],
  [
    'session: no session starts on a closed node, it may hold writes that were lost',
    topologyOf(node('db-2', 'unknown')),
    {},
    [],
  ],
  [
    'session: caught-up replicas',
    topologyOf(primary, node('db-2', 'replica'), node('db-3', 'replica', { position: upTo(3) })),
    { session: session({ position: upTo(5) }) },
    ['db-2 replica-caught-up', 'db-1 replica-behind +bound'],
  ],
  [
    'session: none has caught up',
    healthy,
    { session: session({ position: upTo(6) }) },
    ['db-1 replica-behind +bound'],
  ],
  [
    'session: a position learned over a connection that is gone proves nothing',
    topologyOf(primary, node('db-2', 'replica', { positionKnown: false })),
    { session: session({ position: upTo(2) }) },
    ['db-1 replica-behind +bound'],
  ],
  [
    'session: stays where it was',
    healthy,
    { session: session({ position: upTo(5), lastNode: 'db-3' }) },
    ['db-3 replica-sticky', 'db-1 replica-behind settle:db-3 +bound'],
  ],
  [
    'session: its replica lacks the write, and the other one is not proved to be as new as its replica',
    topologyOf(primary, node('db-2', 'replica', { position: upTo(9) }), node('db-3', 'replica')),
    { session: session({ position: upTo(6), lastNode: 'db-3' }) },
    ['db-1 replica-behind settle:db-3 +bound'],
  ],
  [
    'session: its replica is down',
    topologyOf(primary, node('db-2', 'replica', { position: upTo(9) }), node('db-3', 'unknown', down)),
    { session: session({ position: upTo(2), lastNode: 'db-3' }) },
    ['db-1 replica-behind settle:db-3 +bound'],
  ],
  [
    'session: its replica came back and is not proved to hold what it showed',
    topologyOf(primary, node('db-2', 'replica', { settled: false })),
    { session: session({ lastNode: 'db-2' }) },
    ['db-1 replica-behind settle:db-2 +bound'],
  ],
  [
    'session: its replica lags, the primary is better',
    topologyOf(primary, node('db-2', 'replica', { excluded: 'lagging' })),
    { session: session({ lastNode: 'db-2' }) },
    ['db-1 replica-behind settle:db-2 +bound'],
  ],
  [
    'session: its replica lags, and there is no primary',
    topologyOf(node('db-2', 'replica', { excluded: 'lagging' })),
    { session: session({ lastNode: 'db-2' }) },
    ['db-2 replica-sticky'],
  ],
  [
    'session: last seen on the primary without a bound',
    healthy,
    { session: session({ position: upTo(2), lastNode: 'db-1' }) },
    ['db-1 replica-behind +bound'],
  ],
  [
    'session: a write ended nobody knows where',
    healthy,
    { session: session({ unknown: true }) },
    ['db-1 position-unknown +bound'],
  ],
  [
    'session: a token of a reign that nobody knows',
    healthy,
    { session: session({ epoch: 2, position: upTo(1) }) },
    ['db-1 replica-behind +bound'],
  ],
  [
    'session: no replica at all',
    topologyOf(primary, node('db-2', 'unknown', down)),
    { session: session({ position: upTo(9) }) },
    ['db-1 no-replica +bound'],
  ],
  [
    'session: a single node needs no bound',
    primaryOnly,
    { session: session({ position: upTo(9) }) },
    ['db-1 no-replica'],
  ],
  [
    'session: the promise cannot be kept',
    topologyOf(node('db-2', 'replica')),
    { session: session({ position: upTo(6) }) },
    [],
  ],
  [
    'session: a retry never goes to a replica that is not proved',
    topologyOf(primary, node('db-2', 'replica'), node('db-3', 'replica', { position: upTo(3) })),
    { session: session({ position: upTo(5) }), tried: tried('db-2') },
    ['db-1 retry +bound'],
  ],
];

describe('decideRoute', () => {
  test.each(table)('%s', (_, topology, request, expected) => {
    expect(routes(topology, request)).toEqual(expected);
  });

  test('prefers the replica with fewer reads in flight', () => {
    const inFlight = { 'db-2': 3, 'db-3': 1 };
    expect(routes(healthy, { level: 'eventual' }, { inFlight })[0]).toBe('db-3 any-replica');
  });

  test('sends no session after those that wait in vain, while the primary can serve it', () => {
    const request = { session: session({ position: upTo(2), lastNode: 'db-2' }) };
    const stalled = ['db-2'];
    expect(routes(healthy, request, { stalled })).toEqual([
      'db-1 replica-behind settle:db-2 +bound',
      'db-2 replica-sticky',
    ]);
    expect(routes(topologyOf(node('db-2', 'replica')), request, { stalled })).toEqual([
      'db-2 replica-sticky',
    ]);
  });

  test('waits for the one replica that will soon hold the position, before the primary', () => {
    const request = { session: session({ position: upTo(6) }) };
    const behind = 'db-1 replica-behind +bound';
    const soon = { etaMs: { 'db-2': 40, 'db-3': 20 } };
    expect(routes(healthy, request, soon)).toEqual(['db-3 replica-waited wait:1,2,3,4,5,6', behind]);
    expect(routes(healthy, { ...request, waitMs: 10 }, soon)).toEqual([behind]);
    expect(routes(healthy, { ...request, waitMs: 0 }, soon)).toEqual([behind]);
    const stuck = { ...request, session: session({ position: upTo(6), lastNode: 'db-2' }) };
    expect(routes(healthy, stuck, soon)).toEqual([
      'db-2 replica-waited wait:1,2,3,4,5,6',
      'db-1 replica-behind settle:db-2 +bound',
    ]);
    expect(routes(healthy, request, { ...soon, stalled: ['db-3'] })[0]).toBe(
      'db-2 replica-waited wait:1,2,3,4,5,6',
    );
    const unknown = { session: session({ position: upTo(6), unknown: true }) };
    expect(routes(healthy, unknown, soon)).toEqual(['db-1 position-unknown +bound']);
  });
});

const anyPosition = fc.subarray([1, 2, 3, 4, 5, 6]).map((ids) => ids.join(',') as Position);
const anyNode = (name: string) =>
  fc
    .record({
      role: fc.constantFrom('replica', 'replica', 'unknown') as fc.Arbitrary<NodeView['role']>,
      up: fc.boolean(),
      position: anyPosition,
      positionKnown: fc.boolean(),
      settled: fc.boolean(),
      readOnly: fc.boolean(),
      stalenessMs: fc.option(fc.nat(1000)),
      excluded: fc.constantFrom(null, null, 'lagging', 'banned', 'not-replicating') as fc.Arbitrary<
        NodeView['excluded']
      >,
    })
    .map(({ role, ...rest }) => node(name, role, rest));
const anyTopology = fc
  .tuple(anyNode('db-1'), anyNode('db-2'), anyNode('db-3'), fc.boolean())
  .map(([a, b, c, hasPrimary]) =>
    topologyOf(hasPrimary ? node('db-1', 'primary', { position: upTo(6) }) : a, b, c),
  );
const anySession = fc.record({
  id: fc.constant('session1'),
  epoch: fc.constantFrom(0, 1, 2),
  position: anyPosition,
  lastNode: fc.option(fc.constantFrom('db-1', 'db-2', 'db-3', 'gone')),
  unknown: fc.boolean(),
});
const anyRequest: fc.Arbitrary<RouteRequest> = fc.record({
  level: fc.constantFrom('eventual', 'bounded', 'session', 'primary'),
  maxStalenessMs: fc.nat(1000),
  session: fc.option(anySession),
  tried: fc.subarray(['db-1', 'db-2', 'db-3']).map((names) => new Set(names)),
  sparePrimary: fc.boolean(),
  waitMs: fc.constantFrom(0, 100),
});

describe('whatever the picture', () => {
  const property = (check: (nodes: NodeView[], request: RouteRequest, topology: Topology) => void) =>
    fc.assert(
      fc.property(anyTopology, anyRequest, (topology, request) => {
        const chances = {
          positions: setPositions,
          order: (names: readonly string[]) => names,
          etaMs: (name: string) => (name === 'db-2' ? 10 : 1_000),
          isStalled: (name: string) => name === 'db-3',
        };
        const candidates = listRoutes(request, topology, chances, Number.POSITIVE_INFINITY);
        expect(decideRoute(request, topology, chances)).toEqual(
          candidates[0] ? { choice: candidates[0], hasAlternative: candidates.length > 1 } : null,
        );
        const nodes = candidates
          // What is waited for holds the position when it is asked.
          .map((choice) => ({ choice, node: topology.nodes.find((n) => n.name === choice.node)! }))
          .map(({ choice, node: view }) => ({ ...view, position: choice.waitFor ?? view.position }));
        check(nodes, request, topology);
      }),
      { numRuns: 5_000 },
    );

  test('a session read goes only where it is known to be covered', () => {
    property((nodes, { level, session: state }) => {
      if (level !== 'session' || !state) return;
      for (const { role, name, position, positionKnown, settled } of nodes) {
        if (role === 'primary') continue;
        expect(state.unknown).toBe(false);
        expect(positionKnown || state.position === '').toBe(true);
        expect(setPositions.covers(position!, state.position)).toBe(true);
        if (state.lastNode !== null) expect([name, settled]).toEqual([state.lastNode, true]);
      }
    });
  });

  test('no node that is down, was tried, or is an old primary', () => {
    property((nodes, { tried: gone }) => {
      for (const { up, name, role, readOnly } of nodes) {
        expect(up && !gone.has(name)).toBe(true);
        if (role === 'unknown') expect(readOnly).toBe(true);
      }
      expect(new Set(nodes.map(({ name }) => name)).size).toBe(nodes.length);
    });
  });

  test('bounded reads keep their bound', () => {
    property((nodes, { level, maxStalenessMs }) => {
      if (level !== 'bounded') return;
      for (const { role, stalenessMs } of nodes) {
        expect(role === 'primary' || (stalenessMs ?? Infinity) <= maxStalenessMs).toBe(true);
      }
    });
  });

  test('an eventual read finds whatever can be read', () => {
    property((nodes, { level, tried: gone, sparePrimary }, topology) => {
      if (level !== 'eventual' || sparePrimary) return;
      const readable = topology.nodes.some(
        ({ up, name, role }) => up && !gone.has(name) && role !== 'unknown',
      );
      if (readable) expect(nodes.length).toBeGreaterThan(0);
    });
  });
});
