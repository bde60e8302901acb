import type { Endpoint, EngineName, NodeProbe } from '@replication-lab/engines';
import { nextLagging } from './staleness.ts';
import type { ExclusionReason, NodeView, Topology } from './types.ts';

/** All that is known of one node. Times are monotonic ms of this process; -Infinity is "never". */
export interface NodeFacts {
  readonly endpoint: Endpoint;
  /** Asked at least once, whatever came of it. */
  readonly asked: boolean;
  readonly up: boolean;
  readonly error: string | null;
  /** The last good answer; kept while the node is away, for people to look at. */
  readonly probe: NodeProbe | null;
  /** Nothing has gone wrong on the way to the node since `probe`, so it has not been restarted since. */
  readonly current: boolean;
  /** When that connection was established. */
  readonly connectedAtMs: number;
  /** Last sign of life: a good probe, or a statement that was answered. */
  readonly aliveAtMs: number;
  /** Last sign that it is what `probe` says: a prompt answer, or an acknowledged write. */
  readonly confirmedAtMs: number;
  /** It refused a write as read-only at this moment, and no probe that began later has said otherwise. */
  readonly refusedWriteAtMs: number | null;
  /** Newest moment at which the primary's position was already held here, proved over the present connection. */
  readonly provenAtMs: number | null;
  readonly lagging: boolean;
  readonly notReplicatingSinceMs: number | null;
  /** Traffic met connection errors here: no reads until then. */
  readonly bannedUntilMs: number;
}

export interface ViewLimits {
  readonly maxLagMs: number;
  /** A primary that neither answered a probe promptly nor acknowledged a write for so long is none any more. */
  readonly primaryUnconfirmedMs: number;
  /** How long a replica may stand still beside a living primary before it is left out. */
  readonly notReplicatingGraceMs: number;
}

export const unknownNode = (endpoint: Endpoint): NodeFacts => ({
  endpoint,
  asked: false,
  up: false,
  error: null,
  probe: null,
  current: false,
  connectedAtMs: Number.NEGATIVE_INFINITY,
  aliveAtMs: Number.NEGATIVE_INFINITY,
  confirmedAtMs: Number.NEGATIVE_INFINITY,
  refusedWriteAtMs: null,
  provenAtMs: null,
  lagging: true,
  notReplicatingSinceMs: null,
  bannedUntilMs: Number.NEGATIVE_INFINITY,
});

export interface GoodProbe {
  readonly probe: NodeProbe;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly connectedAtMs: number;
}

export function afterGoodProbe(facts: NodeFacts, seen: GoodProbe): NodeFacts {
  const still = seen.probe.replicating === false;
  return {
    ...facts,
    asked: true,
    up: true,
    error: null,
    probe: seen.probe,
    current: true,
    connectedAtMs: seen.connectedAtMs,
    aliveAtMs: seen.endedAtMs,
    confirmedAtMs: Math.max(facts.confirmedAtMs, confirmedAt(seen)),
    refusedWriteAtMs:
      seen.startedAtMs > (facts.refusedWriteAtMs ?? seen.startedAtMs) ? null : facts.refusedWriteAtMs,
    // A new connection may lead to a restarted server, which may be older than the one that was proved.
    provenAtMs: seen.connectedAtMs === facts.connectedAtMs ? facts.provenAtMs : null,
    notReplicatingSinceMs: still ? (facts.notReplicatingSinceMs ?? seen.endedAtMs) : null,
  };
}

/** An answer that took longer says what was true when it was asked, and no more: the node may have been frozen. */
const PROMPT_ANSWER_MS = 1_000;

const confirmedAt = ({ startedAtMs, endedAtMs }: GoodProbe): number =>
  endedAtMs - startedAtMs <= PROMPT_ANSWER_MS ? endedAtMs : startedAtMs;

export interface FailedProbe {
  readonly error: string;
  /** The node answered "nobody here": it is down now. Else it was merely silent, and may be busy. */
  readonly refused: boolean;
}

export function afterFailedProbe(facts: NodeFacts, failed: FailedProbe): NodeFacts {
  return {
    ...facts,
    asked: true,
    current: false,
    error: failed.error,
    up: failed.refused ? false : facts.up,
  };
}

/**
 * The one node that takes writes, or null.
 *
 * It is the writable node of the highest epoch ever seen on any node. Two of them are none: guessing would split the
 * history. A writable node of a lower epoch is an old primary that came back.
 *
 * A primary that is only slow keeps its office: nobody can stand in for it, and a successor would show itself by a
 * higher epoch. One that gives no sign of life at all is down, and then "no primary" at once is a better answer than
 * a write that hangs until its deadline and has an unknown outcome.
 */
export function choosePrimary(
  nodes: readonly NodeFacts[],
  highestEpoch: number,
  nowMs: number,
  primaryUnconfirmedMs: number,
): NodeFacts | null {
  const writable = nodes.filter(
    ({ up, probe, confirmedAtMs, refusedWriteAtMs }) =>
      up &&
      probe?.role === 'primary' &&
      !probe.readOnly &&
      probe.epoch >= highestEpoch &&
      refusedWriteAtMs === null &&
      nowMs - confirmedAtMs <= primaryUnconfirmedMs,
  );
  return writable.length === 1 ? writable[0]! : null;
}

export const highestEpochOf = (nodes: readonly NodeFacts[], known: number): number =>
  Math.max(known, ...nodes.map(({ probe }) => probe?.epoch ?? 0));

export const stalenessMs = (facts: NodeFacts, nowMs: number): number | null =>
  facts.provenAtMs === null ? null : Math.max(0, nowMs - facts.provenAtMs);

/**
 * Brings the hysteresis of `lagging` up to date. To be called regularly, not only when a probe arrives. It keeps its
 * last opinion of a node whose monitor connection is gone: that alone says nothing of its lag.
 */
export const withLagging = (facts: NodeFacts, nowMs: number, maxLagMs: number): NodeFacts => {
  const lagging = nextLagging(facts.lagging, stalenessMs(facts, nowMs), maxLagMs);
  return lagging === facts.lagging ? facts : { ...facts, lagging };
};

/** See `NodeView.settled`. */
export const isSettled = ({ current, provenAtMs, connectedAtMs }: NodeFacts): boolean =>
  current && provenAtMs !== null && provenAtMs > connectedAtMs;

function roleOf(facts: NodeFacts, primary: NodeFacts | null): NodeView['role'] {
  if (!facts.up || !facts.probe) return 'unknown';
  if (facts === primary) return 'primary';
  return facts.probe.role === 'replica' ? 'replica' : 'unknown';
}

function exclusionOf(
  facts: NodeFacts,
  role: NodeView['role'],
  hasPrimary: boolean,
  nowMs: number,
  limits: ViewLimits,
): ExclusionReason | null {
  if (!facts.up) return 'down';
  if (role === 'unknown') return 'role-unknown';
  if (role === 'primary') return null;
  if (facts.bannedUntilMs > nowMs) return 'banned';
  if (facts.lagging) return 'lagging';
  // When the primary dies every replica stands still. Then it is no reason to leave one out: staleness is.
  const stillMs = facts.notReplicatingSinceMs === null ? 0 : nowMs - facts.notReplicatingSinceMs;
  if (hasPrimary && stillMs > limits.notReplicatingGraceMs) return 'not-replicating';
  return null;
}

/** The picture that decisions are made from, at `nowMs`. */
export function toTopology(
  engine: EngineName,
  nodes: readonly NodeFacts[],
  highestEpoch: number,
  nowMs: number,
  limits: ViewLimits,
): Topology {
  const primary = choosePrimary(nodes, highestEpoch, nowMs, limits.primaryUnconfirmedMs);
  const views = nodes.map((facts): NodeView => {
    const role = roleOf(facts, primary);
    return {
      name: facts.endpoint.name,
      address: `${facts.endpoint.host}:${facts.endpoint.port}`,
      role,
      up: facts.up,
      readOnly: facts.probe?.readOnly ?? true,
      position: facts.probe?.position ?? null,
      positionKnown: facts.up && facts.current,
      stalenessMs: role === 'primary' ? 0 : facts.current ? stalenessMs(facts, nowMs) : null,
      settled: isSettled(facts),
      epoch: facts.probe?.epoch ?? 0,
      excluded: exclusionOf(facts, role, primary !== null, nowMs, limits),
      error: facts.error,
      probe: facts.probe,
    };
  });
  return {
    engine,
    primary: primary?.endpoint.name ?? null,
    epoch: highestEpoch,
    nodes: withoutTotalBan(views),
  };
}

/** When every replica that could serve is banned, none is: a doubtful answer beats no answer. */
function withoutTotalBan(views: readonly NodeView[]): readonly NodeView[] {
  const replicas = views.filter(
    ({ role, excluded }) => role === 'replica' && (!excluded || excluded === 'banned'),
  );
  if (replicas.length === 0 || replicas.some(({ excluded }) => excluded === null)) return views;
  return views.map((view) => (view.excluded === 'banned' ? { ...view, excluded: null } : view));
}
