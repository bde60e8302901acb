import type { Endpoint, Position } from '@replication-lab/engines';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Cluster, TICK_MS } from '../src/cluster.ts';
import { decideRoute } from '../src/decide.ts';
import { Emitter } from '../src/events.ts';
import { afterRead, afterWrite, emptySession, type SessionState } from '../src/session.ts';
import { probeOf, setPositions, toSet } from './pictures.ts';

/**
 * A replicated database made of sets of transaction numbers, two routers that see it late, and a few sessions that
 * wander between the routers. Replicas apply in any order, fall behind, crash, and come back older than they left. They
 * may show a commit before the primary does: its log leaves before the row becomes visible there.
 * Nothing here waits or guesses: time is a number, and the random choices are fast-check's.
 */
const NAMES = ['db-1', 'db-2', 'db-3'] as const;
const REPLICAS = ['db-2', 'db-3'] as const;
type Name = (typeof NAMES)[number];

interface SimulatedNode {
  readonly applied: Set<number>;
  up: boolean;
  /** Routers whose watchers have met the crash: a restart takes longer than the 200 ms between two probes. */
  readonly noticedBy: Set<number>;
}

interface Client {
  state: SessionState;
  /** All that session reads have shown, and all that was written. */
  readonly shown: Set<number>;
  readonly written: Set<number>;
}

class World {
  nowMs = 0;
  readonly nodes = new Map<Name, SimulatedNode>(
    NAMES.map((name) => [name, { applied: new Set(), up: true, noticedBy: new Set() }]),
  );
  /** When the primary showed each commit. */
  readonly committedAtMs = new Map<number, number>();
  /** All that is in the primary's log: what replicas may have, and what its position names. */
  readonly log = new Set<number>();
  readonly routers = [newCluster(), newCluster()];
  readonly connectedAtMs = this.routers.map(() => new Map<Name, number>());
  readonly clients: Client[] = Array.from({ length: 3 }, () => ({
    state: emptySession(0, setPositions.empty),
    shown: new Set(),
    written: new Set(),
  }));

  get primary(): SimulatedNode {
    return this.nodes.get('db-1')!;
  }

  /** In the log, and not visible on the primary yet. */
  write(): number {
    const id = this.log.size + 1;
    this.log.add(id);
    return id;
  }

  show(id: number): void {
    if (!this.committedAtMs.has(id)) this.committedAtMs.set(id, this.nowMs);
    this.primary.applied.add(id);
  }

  commit(): number {
    const id = this.write();
    this.show(id);
    return id;
  }

  positionOf(name: Name): Position {
    return toSet(name === 'db-1' ? this.log : this.nodes.get(name)!.applied);
  }
}

const endpoints: Endpoint[] = NAMES.map((name) => ({ name, host: name, port: 1 }));
const newCluster = () =>
  new Cluster({
    engine: 'mysql',
    nodes: endpoints,
    positions: setPositions,
    settings: { maxLagMs: 3_000, pollMs: 200 },
    events: new Emitter(),
    onSilent: () => {},
    random: () => 0.5,
  });

type Step = (world: World) => void;

/** A step that fast-check can print when it finds a counterexample. */
const named = (text: string, run: Step): Step =>
  Object.assign((world: World) => run(world), { [fc.toStringMethod]: () => text });

/** Replicas take any transactions they lack, not the oldest first: MySQL may be set to commit out of order. */
const apply = (name: Name, share: number): Step =>
  named(`apply ${name} ${share}`, (world) => {
    const node = world.nodes.get(name)!;
    if (!node.up) return;
    const missing = [...world.log].filter((id) => !node.applied.has(id));
    for (const [index, id] of missing.entries())
      if (((index * 7 + id * 13) % 10) / 10 < share) node.applied.add(id);
  });

const crash = (name: Name): Step =>
  named(`crash ${name}`, (world) => {
    const node = world.nodes.get(name)!;
    if (!node.up) return;
    node.up = false;
    node.noticedBy.clear();
  });

/** Like a PostgreSQL standby that opens before it has replayed all it once showed. */
const comeBack = (name: Name, forgets: number): Step =>
  named(`back ${name} -${forgets}`, (world) => {
    const node = world.nodes.get(name)!;
    if (node.up || node.noticedBy.size < world.routers.length) return;
    for (const id of [...node.applied].slice(-forgets)) node.applied.delete(id);
    node.up = true;
  });

const probe = (router: number, name: Name): Step =>
  named(`probe ${router} ${name}`, (world) => {
    const cluster = world.routers[router]!;
    const connected = world.connectedAtMs[router]!;
    if (!world.nodes.get(name)!.up) {
      connected.delete(name);
      world.nodes.get(name)!.noticedBy.add(router);
      cluster.probeFailed(name, { error: 'refused', refused: true }, world.nowMs);
      return;
    }
    if (!connected.has(name)) connected.set(name, world.nowMs);
    const role = name === 'db-1' ? 'primary' : 'replica';
    const times = { startedAtMs: world.nowMs, endedAtMs: world.nowMs, connectedAtMs: connected.get(name)! };
    cluster.probed(name, { probe: probeOf(role, world.positionOf(name), 0), ...times });
  });

/** A crash that both routers met, and a return that both have seen. */
const restart = (name: Name, forgets: number): Step =>
  named(`restart ${name} -${forgets}`, (world) => {
    crash(name)(world);
    for (const at of [0, 1]) probe(at, name)(world);
    world.nowMs += 300;
    comeBack(name, forgets)(world);
    for (const at of [0, 1]) probe(at, name)(world);
  });

const pass = (ms: number): Step =>
  named(`pass ${ms}`, (world) => {
    for (let left = ms; left > 0; left -= TICK_MS) {
      world.nowMs += Math.min(left, TICK_MS);
      for (const cluster of world.routers) cluster.tick(world.nowMs);
    }
  });

const write = (who: number, kind: 'known' | 'none' | 'unknown'): Step =>
  named(`write ${who} ${kind}`, (world) => {
    const client = world.clients[who]!;
    const captured = () => {
      if (kind === 'none') return { kind };
      const id = world.commit();
      client.written.add(id);
      return kind === 'known' ? { kind, position: toSet([id]) } : { kind, why: 'RETURNING' };
    };
    if (kind === 'none') for (const id of world.primary.applied) client.shown.add(id);
    client.state = afterWrite(client.state, captured(), 'db-1', 0, setPositions);
  });

const read = (who: number, router: number, level: 'session' | 'primary' | 'eventual', tie: number): Step =>
  named(`read ${who} at ${router} ${level}`, (world) => {
    const client = world.clients[who]!;
    const tried = new Set<string>();
    let tosses = tie;
    const toss = () => {
      tosses = (tosses * 31 + 7) % 1;
      return tosses < 0.5;
    };
    let waited = false;
    for (;;) {
      const topology = world.routers[router]!.topology(world.nowMs);
      const route = decideRoute(
        {
          level,
          maxStalenessMs: 0,
          session: client.state,
          tried,
          sparePrimary: false,
          waitMs: waited ? 0 : 100,
        },
        topology,
        {
          positions: setPositions,
          order: (names) => (toss() ? names : [...names].reverse()),
          etaMs: () => (toss() ? 0 : 200),
          isStalled: toss,
        },
      );
      if (!route) return; // an honest error
      const { choice } = route;
      const node = world.nodes.get(choice.node as Name)!;
      if (!node.up) {
        world.routers[router]!.unreachable(choice.node, world.nowMs);
        tried.add(choice.node);
        continue;
      }
      if (choice.waitFor !== null) {
        // The node is asked where it is, and the wait succeeds or not.
        waited = true;
        const position = world.positionOf(choice.node as Name);
        world.routers[router]!.advanced(choice.node, position, world.nowMs, world.nowMs);
        if (!setPositions.covers(position, choice.waitFor)) continue;
      }
      // The primary is asked to show what the replica that was left can have shown; one that is gone, all there is.
      if (choice.settleFrom !== null) {
        const left = world.nodes.get(choice.settleFrom as Name)!;
        const view = topology.nodes.find(({ name }) => name === choice.settleFrom);
        const isWitness = left.up && view?.up && view.settled;
        for (const id of isWitness ? left.applied : world.log) world.show(id);
      }
      if (level !== 'eventual') {
        // The primary's own level promises what the primary has, and no more.
        const promised = level === 'session' ? [...client.written, ...client.shown] : client.written;
        for (const id of promised) expect(node.applied.has(id)).toBe(true);
        for (const id of node.applied) client.shown.add(id);
      }
      const upperBound = choice.withUpperBound ? world.positionOf(choice.node as Name) : undefined;
      const { role } = choice;
      client.state = afterRead(client.state, {
        level,
        node: choice.node,
        role,
        upperBound,
        epoch: topology.epoch,
      });
      return;
    }
  });

const who = fc.nat(2);
const router = fc.nat(1);
const replica = fc.constantFrom(...REPLICAS);
const tie = fc.double({ min: 0, max: 0.999, noNaN: true });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(replica, fc.constantFrom(0.3, 0.7, 1)).map(([name, share]) => apply(name, share)),
  },
  { weight: 8, arbitrary: fc.tuple(router, fc.constantFrom(...NAMES)).map(([at, name]) => probe(at, name)) },
  { weight: 3, arbitrary: fc.nat(400).map(pass) },
  { weight: 2, arbitrary: fc.constant(named('commit', (world) => void world.commit())) },
  { weight: 2, arbitrary: fc.constant(named('log', (world) => void world.write())) },
  {
    weight: 1,
    arbitrary: fc.constant(
      named('show', (world) => {
        for (const id of world.log) world.show(id);
      }),
    ),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(who, fc.constantFrom('known' as const, 'known' as const, 'none' as const, 'unknown' as const))
      .map(([client, kind]) => write(client, kind)),
  },
  {
    weight: 12,
    arbitrary: fc
      .tuple(
        who,
        router,
        fc.constantFrom('session' as const, 'session' as const, 'primary' as const, 'eventual' as const),
        tie,
      )
      .map(([client, at, level, toss]) => read(client, at, level, toss)),
  },
  { weight: 1, arbitrary: replica.map(crash) },
  { weight: 2, arbitrary: fc.tuple(replica, fc.nat(3)).map(([name, forgets]) => restart(name, forgets)) },
  { weight: 2, arbitrary: fc.tuple(replica, fc.nat(3)).map(([name, forgets]) => comeBack(name, forgets)) },
);

test('sessions read what they wrote and never go back, and staleness is an upper bound', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 250 }), (steps) => {
      const world = new World();
      for (const name of NAMES) for (const at of [0, 1]) probe(at, name)(world);
      for (const next of steps) {
        next(world);
        expectTrueStaleness(world);
      }
    }),
    { numRuns: 2_000 },
  );
}, 60_000);

/** All that was committed more than `stalenessMs` ago is there. */
function expectTrueStaleness(world: World): void {
  for (const cluster of world.routers) {
    for (const { name, stalenessMs, role } of cluster.topology(world.nowMs, true).nodes) {
      const node = world.nodes.get(name as Name)!;
      if (stalenessMs === null || role !== 'replica' || !node.up) continue;
      for (const [id, atMs] of world.committedAtMs) {
        if (atMs < world.nowMs - stalenessMs) expect(node.applied.has(id)).toBe(true);
      }
    }
  }
}
