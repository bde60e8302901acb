import type { Position, PositionOps } from '@replication-lab/engines';
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
  /** Do not burden the node that has to take the writes: replicas were overloaded, or the session has had its share. */
  readonly sparePrimary: boolean;
  /** How long this read may wait for a replica to catch up; 0: not at all. */
  readonly waitMs: number;
}

/** What is not in the topology: where positions and chances come from. */
export interface Chances {
  readonly positions: Pick<PositionOps, 'covers' | 'empty'>;
  /** Puts nodes that keep the same promise in the order in which they should be asked. */
  readonly order: (nodes: readonly string[]) => readonly string[];
  /** Milliseconds until a replica probably holds a position; infinite when it is not to be waited for. */
  readonly etaMs: (node: string, position: Position) => number;
  /** Reads wait there, and for a while nothing has been answered. */
  readonly isStalled: (node: string) => boolean;
}

export interface Candidate extends Decision {
  /** The read has to bring an upper bound of what it saw, for the session's next read. */
  readonly withUpperBound: boolean;
  /** Ask only once the node holds this. */
  readonly waitFor: Position | null;
  /** Ask only once the node shows all that this replica may have shown. */
  readonly settleFrom: string | null;
  /** The primary, for want of a replica that keeps the promise: counts against the budget. */
  readonly forced: boolean;
}

export interface Route {
  readonly choice: Candidate;
  /** Another node could answer as well, so this one need not have all the time there is. */
  readonly hasAlternative: boolean;
}

/** Where a read goes: the best of `listRoutes`, null when no node can keep the promise of its level. */
export function decideRoute(request: RouteRequest, topology: Topology, chances: Chances): Route | null {
  const [choice, alternative] = listRoutes(request, topology, chances, 2);
  return choice ? { choice, hasAlternative: alternative !== undefined } : null;
}

/**
 * Where a read may go, best first, until there are `enough`. A pure function of its arguments: every rule of the README's
 * table is a line here.
 */
export function listRoutes(
  request: RouteRequest,
  topology: Topology,
  chances: Chances,
  enough: number,
): Candidate[] {
  const decision: Deciding = { request, topology, chances, enough, found: [] };
  switch (request.level) {
    case 'primary':
      add(decision, 'level-primary', primaryOf(decision));
      break;
    case 'bounded':
      decideBounded(decision);
      break;
    case 'eventual':
      decideAny(decision, 'any-replica');
      break;
    case 'session':
      if (!request.session || isEmptySession(request.session, chances.positions.empty)) {
        decideAny(decision, 'no-token');
      } else decideSession(decision, request.session);
  }
  return decision.found;
}

interface Deciding {
  readonly request: RouteRequest;
  readonly topology: Topology;
  readonly chances: Chances;
  readonly enough: number;
  readonly found: Candidate[];
}

const isDone = ({ found, enough }: Deciding): boolean => found.length >= enough;

/** Nodes of one reason, the best first. */
function add(
  { request, topology, found }: Deciding,
  reason: RouteReason,
  nodes: readonly NodeView[],
  needs: { readonly waitFor?: Position; readonly forced?: boolean } = {},
): void {
  for (const { name, role } of nodes) {
    const ofSession = request.level === 'session' && role === 'primary';
    const left = request.session?.lastNode ?? null;
    found.push({
      node: name,
      role: role === 'primary' ? 'primary' : 'replica',
      reason: request.tried.size > 0 ? 'retry' : reason,
      // With one node there is nowhere to go back to: its name in the token is bound enough, and free.
      withUpperBound: ofSession && topology.nodes.length > 1,
      waitFor: needs.waitFor ?? null,
      settleFrom: ofSession && left !== name ? left : null,
      forced: needs.forced === true,
    });
  }
}

/**
 * Any healthy replica, else the primary. With no primary left, whatever still holds data: a dead primary must not
 * take reads with it that never asked for fresh data. A closed node that follows nobody may hold writes that were
 * lost, so no session starts there.
 */
function decideAny(decision: Deciding, reason: RouteReason): void {
  const { request } = decision;
  add(decision, reason, ordered(decision, usable(decision, isHealthyReplica)));
  if (isDone(decision)) return;
  const primary = primaryOf(decision);
  add(decision, 'no-replica', primary);
  if (primary.length > 0 || request.sparePrimary) return;
  const left = usable(decision, ({ role, excluded }) => role === 'replica' && excluded !== null);
  add(decision, 'primary-lost', ordered(decision, left));
  if (request.level === 'eventual')
    add(decision, 'primary-lost', ordered(decision, usable(decision, isClosed)));
}

function decideBounded(decision: Deciding): void {
  const { maxStalenessMs } = decision.request;
  // `lagging` is the default limit of levels that name none; this read named its own.
  const readable = usable(
    decision,
    ({ role, excluded }) => role === 'replica' && (excluded === null || excluded === 'lagging'),
  );
  const fresh = readable.filter(({ stalenessMs }) => stalenessMs !== null && stalenessMs <= maxStalenessMs);
  add(decision, 'replica-fresh', ordered(decision, fresh));
  add(decision, readable.length > 0 ? 'replica-stale' : 'no-replica', primaryOf(decision));
}

/**
 * A replica known to hold what the session needs; else the one that will hold it soonest, if that is soon enough; else
 * the primary.
 */
function decideSession(decision: Deciding, session: SessionState): void {
  const { chances, topology } = decision;
  const replicas = usable(decision, isReplica);
  const fallBack = (reason: RouteReason): boolean => {
    const primary = primaryOf(decision);
    const forced = replicas.length > 0;
    add(decision, forced ? reason : 'no-replica', primary, { forced });
    return primary.length > 0;
  };
  if (session.unknown) return void fallBack('position-unknown');
  // Of a reign that no node here knows of: nothing is proved about replicas, and nothing is waited for.
  if (session.epoch > topology.epoch) return void fallBack('replica-behind');

  const sticky = session.lastNode !== null;
  // A session that was shown something by `lastNode` may go on there, or to the primary. Another replica may hold
  // all the session wrote and still be behind what it was shown.
  const able = sticky
    ? replicas.filter(({ name, settled }) => name === session.lastNode && settled)
    : replicas;
  const proved = able.filter(
    ({ positionKnown, position }) =>
      positionKnown && position !== null && chances.positions.covers(position, session.position),
  );
  const reason: RouteReason = sticky ? 'replica-sticky' : 'replica-caught-up';
  // A node that has fallen silent would cost each of its sessions a whole timeout: the primary is kinder.
  const isBest = (node: NodeView) => isHealthyReplica(node) && !chances.isStalled(node.name);
  add(decision, reason, ordered(decision, proved.filter(isBest)));
  if (isDone(decision)) return;
  if (proved.length === 0) addNearest(decision, able, session.position);
  const hasPrimary = fallBack('replica-behind');
  // Old data is no broken promise: with no primary, a lagging replica that is proved to hold enough goes on.
  const rest = proved.filter((node) => !isBest(node) && (!hasPrimary || isHealthyReplica(node)));
  add(decision, reason, ordered(decision, rest));
}

/** The one replica that is nearest to catching up, if it is near enough. To wait for several would only add up. */
function addNearest(decision: Deciding, able: readonly NodeView[], position: Position): void {
  const { request, chances } = decision;
  if (request.waitMs <= 0) return;
  let nearest: NodeView | null = null;
  let nearestMs = request.waitMs;
  for (const node of able) {
    if (!node.positionKnown || !isHealthyReplica(node) || chances.isStalled(node.name)) continue;
    const etaMs = chances.etaMs(node.name, position);
    if (etaMs < nearestMs) [nearest, nearestMs] = [node, etaMs];
  }
  if (nearest) add(decision, 'replica-waited', [nearest], { waitFor: position });
}

const isPrimary = ({ role }: NodeView): boolean => role === 'primary';
const isReplica = ({ role }: NodeView): boolean => role === 'replica';
const isHealthyReplica = ({ role, excluded }: NodeView): boolean => role === 'replica' && excluded === null;

/** Up, read-only and following nobody. A writable node that is not the primary is an old one: never read. */
const isClosed = ({ role, readOnly, probe }: NodeView): boolean =>
  role === 'unknown' && readOnly && probe?.role === 'unknown';

/** Nodes of a kind that are up and have not failed this read. */
function usable({ request, topology }: Deciding, isWanted: (node: NodeView) => boolean): NodeView[] {
  const { tried } = request;
  return topology.nodes.filter(
    (node) => node.up && isWanted(node) && (tried.size === 0 || !tried.has(node.name)),
  );
}

const primaryOf = (decision: Deciding): readonly NodeView[] =>
  decision.request.sparePrimary ? [] : usable(decision, isPrimary);

function ordered({ chances }: Deciding, nodes: readonly NodeView[]): readonly NodeView[] {
  if (nodes.length < 2) return nodes;
  if (nodes.length === 2) return orderedPair(chances, nodes[0]!, nodes[1]!);
  const names = chances.order(nodes.map(({ name }) => name));
  return names.map((name) => nodes.find((node) => node.name === name)!);
}

/** The usual case, with less to do. An ejected one is left out. */
function orderedPair({ order }: Chances, a: NodeView, b: NodeView): readonly NodeView[] {
  const names = order([a.name, b.name]);
  const first = names[0] === a.name ? a : b;
  return names.length === 1 ? [first] : [first, first === a ? b : a];
}
