import type { NodeProbe, Position, PositionOps } from '@replication-lab/engines';
import { type Candidate, listRoutes, type RouteRequest } from '../src/decide.ts';
import type { SessionState } from '../src/session.ts';
import type { NodeView, Topology } from '../src/types.ts';

/** Positions for tests of pure rules: a set of transaction numbers, written `1,2,5`. Gaps are allowed, as in GTID sets. */
export const setPositions: PositionOps = {
  parse: (text) => (/^(\d+(,\d+)*)?$/.test(text) ? toSet(read(text)) : null),
  covers: (have, need) => {
    const held = new Set(read(have));
    return read(need).every((id) => held.has(id));
  },
  merge: (a, b) => toSet([...read(a), ...read(b)]),
  distance: (have, need) => {
    const held = new Set(read(have));
    return read(need).filter((id) => !held.has(id)).length;
  },
  empty: '' as Position,
};

const read = (text: string): number[] => (text === '' ? [] : text.split(',').map(Number));
export const toSet = (ids: Iterable<number>): Position =>
  [...new Set(ids)].sort((a, b) => a - b).join(',') as Position;
/** The history up to transaction `n`, without gaps. */
export const upTo = (n: number): Position => toSet(Array.from({ length: n }, (_, index) => index + 1));

export const probeOf = (role: NodeProbe['role'], position: Position, epoch = 1): NodeProbe => ({
  role,
  readOnly: role !== 'primary',
  position,
  received: position,
  replicating: role === 'replica' ? true : null,
  source: role === 'replica' ? 'somewhere' : null,
  engineLagMs: null,
  epoch,
  serverId: 'test',
});

/** A healthy node of a role, with whatever a test wants to be different. */
export function node(name: string, role: NodeView['role'], different: Partial<NodeView> = {}): NodeView {
  const position = different.position ?? upTo(5);
  return {
    name,
    address: `${name}:1`,
    role,
    up: true,
    readOnly: role !== 'primary',
    position,
    positionKnown: true,
    stalenessMs: role === 'primary' ? 0 : 100,
    settled: true,
    epoch: 1,
    excluded: role === 'unknown' ? 'role-unknown' : null,
    error: null,
    probe: probeOf(role, position),
    ...different,
  };
}

export const topologyOf = (...nodes: NodeView[]): Topology => ({
  engine: 'mysql',
  primary: nodes.find(({ role }) => role === 'primary')?.name ?? null,
  epoch: 1,
  nodes,
});

export const session = (different: Partial<SessionState> = {}): SessionState => ({
  id: 'session1',
  epoch: 1,
  position: setPositions.empty,
  lastNode: null,
  unknown: false,
  ...different,
});

export interface Guesses {
  /** Reads running on a node: the least burdened is asked first, ties go to the node that stands first. */
  readonly inFlight?: Readonly<Record<string, number>>;
  /** Milliseconds until a node catches up; never, where none is given. */
  readonly etaMs?: Readonly<Record<string, number>>;
  /** Nodes at which reads wait in vain. */
  readonly stalled?: readonly string[];
}

/** Candidates as text, `db-2 any-replica`, in order. */
export function routes(
  topology: Topology,
  request: Partial<RouteRequest>,
  { inFlight = {}, etaMs = {}, stalled = [] }: Guesses = {},
): string[] {
  return listRoutes(
    {
      level: 'session',
      maxStalenessMs: 0,
      session: null,
      tried: new Set(),
      sparePrimary: false,
      waitMs: 100,
      ...request,
    },
    topology,
    {
      positions: setPositions,
      order: (names) => [...names].sort((a, b) => (inFlight[a] ?? 0) - (inFlight[b] ?? 0)),
      etaMs: (name) => etaMs[name] ?? Number.POSITIVE_INFINITY,
      isStalled: (name) => stalled.includes(name),
    },
    Number.POSITIVE_INFINITY,
  ).map(describe);
}

const describe = (candidate: Candidate): string =>
  [
    candidate.node,
    candidate.reason,
    ...(candidate.waitFor === null ? [] : [`wait:${candidate.waitFor}`]),
    ...(candidate.settleFrom === null ? [] : [`settle:${candidate.settleFrom}`]),
    ...(candidate.withUpperBound ? ['+bound'] : []),
  ].join(' ');
