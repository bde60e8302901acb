import type { PositionOps } from '@replication-lab/engines';
import { isEmptySession, type SessionState } from './session.ts';
import type { ConsistencyLevel, Decision, NodeView, RouteReason, Topology } from './types.ts';

export interface RouteRequest {
  readonly level: ConsistencyLevel;
  /** For `bounded`. */
  readonly maxStalenessMs: number;
  /** For `session`: what the token holds; null without a token. */
  readonly session: SessionState | null;
  /** Nodes that already failed this read. */
  readonly tried: ReadonlySet<string>;
  /** Replicas were overloaded: do not pass their load on to the node that has to take the writes. */
  readonly sparePrimary: boolean;
}

export interface RouteContext {
  readonly topology: Topology;
  readonly positions: Pick<PositionOps, 'covers' | 'empty'>;
  /** Reads running on a node now, of this router. */
  readonly inFlight: (node: string) => number;
  /** In [0, 1); breaks ties, so that idle replicas share alike. */
  readonly random: () => number;
}

export interface Candidate extends Decision {
  /** The read has to bring an upper bound of what it saw, for the session's next read. */
  readonly withUpperBound: boolean;
}

/** Nodes of one reason, best first. */
interface Tier {
  readonly reason: RouteReason;
  readonly nodes: readonly NodeView[];
}

/**
 * Where a read may go, best first; empty when no node can keep the promise of its level. A pure function of its
 * arguments: every rule of the README's table is a line here.
 */
export function decideRoute(request: RouteRequest, context: RouteContext): Candidate[] {
  const usable = new Set<NodeView>(
    context.topology.nodes.filter(
      ({ name, role, up }) => up && !request.tried.has(name) && !(request.sparePrimary && role === 'primary'),
    ),
  );
  const several = context.topology.nodes.length > 1;
  return tiersOf(request, context, usable).flatMap(({ reason, nodes }) =>
    nodes.map(
      (node): Candidate => ({
        node: node.name,
        role: node.role === 'primary' ? 'primary' : 'replica',
        reason: request.tried.size > 0 ? 'retry' : reason,
        // With one node there is nowhere to go back to: its name in the token is bound enough, and free.
        withUpperBound: request.level === 'session' && node.role === 'primary' && several,
      }),
    ),
  );
}

function tiersOf(request: RouteRequest, context: RouteContext, usable: ReadonlySet<NodeView>): Tier[] {
  const nodes = [...usable];
  const primary = nodes.filter(({ role }) => role === 'primary');
  switch (request.level) {
    case 'primary':
      return [{ reason: 'level-primary', nodes: primary }];
    case 'bounded':
      return boundedTiers(request, context, nodes, primary);
    case 'eventual':
      return anyTiers('any-replica', request, context, nodes);
    case 'session': {
      const { session } = request;
      if (!session || isEmptySession(session, context.positions.empty)) {
        return anyTiers('no-token', request, context, nodes);
      }
      return sessionTiers(session, context, nodes, primary);
    }
  }
}

/**
 * Any healthy replica, else the primary. With no primary left, whatever still holds data: a dead primary must not
 * take reads with it that never asked for fresh data. A closed node that follows nobody may hold writes that were
 * lost, so no session starts there.
 */
function anyTiers(
  reason: RouteReason,
  request: RouteRequest,
  context: RouteContext,
  nodes: readonly NodeView[],
): Tier[] {
  const primary = nodes.filter(({ role }) => role === 'primary');
  const tiers: Tier[] = [
    { reason, nodes: spread(nodes.filter(isHealthyReplica), context) },
    { reason: 'no-replica', nodes: primary },
  ];
  if (primary.length > 0 || request.sparePrimary) return tiers;
  const left = nodes.filter((node) => node.role === 'replica' && node.excluded !== null);
  const closed = request.level === 'eventual' ? nodes.filter(isClosed) : [];
  return [
    ...tiers,
    { reason: 'primary-lost', nodes: spread(left, context) },
    { reason: 'primary-lost', nodes: spread(closed, context) },
  ];
}

function boundedTiers(
  request: RouteRequest,
  context: RouteContext,
  nodes: readonly NodeView[],
  primary: readonly NodeView[],
): Tier[] {
  // `lagging` is the default limit of levels that name none; this read named its own.
  const readable = nodes.filter(
    ({ role, excluded }) => role === 'replica' && (excluded === null || excluded === 'lagging'),
  );
  const fresh = readable.filter(
    ({ stalenessMs }) => stalenessMs !== null && stalenessMs <= request.maxStalenessMs,
  );
  return [
    { reason: 'replica-fresh', nodes: spread(fresh, context) },
    { reason: readable.length > 0 ? 'replica-stale' : 'no-replica', nodes: primary },
  ];
}

function sessionTiers(
  session: SessionState,
  context: RouteContext,
  nodes: readonly NodeView[],
  primary: readonly NodeView[],
): Tier[] {
  const replicas = nodes.filter(({ role }) => role === 'replica');
  const fallback = (reason: RouteReason): Tier => ({
    reason: replicas.length > 0 ? reason : 'no-replica',
    nodes: primary,
  });
  if (session.unknown) return [fallback('position-unknown')];
  // Of a reign that no node here knows of: nothing is proved about replicas, and nothing is waited for.
  if (session.epoch > context.topology.epoch) return [fallback('replica-behind')];

  const holds = (node: NodeView) =>
    node.positionKnown && node.position !== null && context.positions.covers(node.position, session.position);
  const sticky = session.lastNode !== null;
  // A session that was shown something by `lastNode` may go on there, or to the primary. Another replica may hold
  // all the session wrote and still be behind what it was shown.
  const proved = sticky
    ? replicas.filter((node) => node.name === session.lastNode && node.settled && holds(node))
    : replicas.filter(holds);
  const reason: RouteReason = sticky ? 'replica-sticky' : 'replica-caught-up';
  const tiers: Tier[] = [
    { reason, nodes: spread(proved.filter(isHealthyReplica), context) },
    fallback('replica-behind'),
  ];
  // Old data is no broken promise: with no primary, a lagging replica that is proved to hold enough goes on.
  const rest = proved.filter((node) => !isHealthyReplica(node));
  return primary.length > 0 ? tiers : [...tiers, { reason, nodes: spread(rest, context) }];
}

const isHealthyReplica = ({ role, excluded }: NodeView): boolean => role === 'replica' && excluded === null;

/** Up, read-only and following nobody. A writable node that is not the primary is an old one: never read. */
const isClosed = ({ role, readOnly, probe }: NodeView): boolean =>
  role === 'unknown' && readOnly && probe?.role === 'unknown';

/** Least in flight first, ties at random. */
function spread(nodes: readonly NodeView[], context: RouteContext): NodeView[] {
  return nodes
    .map((node) => ({ node, load: context.inFlight(node.name), tie: context.random() }))
    .sort((a, b) => a.load - b.load || a.tie - b.tie)
    .map(({ node }) => node);
}
