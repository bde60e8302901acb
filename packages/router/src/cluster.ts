import type { Endpoint, EngineName, Position, PositionOps, Reign } from '@replication-lab/engines';
import { CatchUp } from './catch-up.ts';
import type { Emitter } from './events.ts';
import { DEFAULTS, type Settings } from './settings.ts';
import { PositionHistory } from './staleness.ts';
import type { Topology } from './types.ts';
import {
  afterFailedProbe,
  afterGoodProbe,
  choosePrimary,
  type FailedProbe,
  type GoodProbe,
  highestEpochOf,
  isSettled,
  type NodeFacts,
  stalenessMs,
  toTopology,
  unknownNode,
  type ViewLimits,
  withLagging,
} from './view.ts';

export interface ClusterOptions {
  readonly engine: EngineName;
  readonly nodes: readonly Endpoint[];
  readonly positions: PositionOps;
  readonly settings: Pick<Settings, 'maxLagMs' | 'pollMs'>;
  readonly events: Emitter;
  /** A node fell silent: whatever waits on it should wait elsewhere. */
  readonly onSilent: (node: string) => void;
  readonly random: () => number;
}

/** How often silence is looked for. */
export const TICK_MS = 100;
/** A picture without news in it is shown again for so long: only the ages in it go on. */
const SAME_PICTURE_MS = 5;

/**
 * The memory between the watchers and the decisions: holds the facts of each node, applies the pure rules of
 * `view.ts` to what watchers and traffic report, and says what changed. No I/O; time is an argument.
 */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #limits: ViewLimits;
  readonly #facts: Map<string, NodeFacts>;
  readonly #history: PositionHistory;
  readonly #catchUps: ReadonlyMap<string, CatchUp>;
  readonly #reigns = new Map<number, Reign>();
  readonly #answeredAtMs = new Map<string, number>();
  #picture: { readonly topology: Topology; readonly atMs: number } | null = null;
  #highestEpoch = 0;
  #primary: string | null = null;
  #primaryEpoch = 0;
  #lastTickMs = Number.NEGATIVE_INFINITY;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#limits = {
      maxLagMs: options.settings.maxLagMs,
      primaryUnconfirmedMs: DEFAULTS.primaryUnconfirmedMs,
      notReplicatingGraceMs: DEFAULTS.notReplicatingGraceMs,
    };
    this.#facts = new Map(options.nodes.map((endpoint) => [endpoint.name, unknownNode(endpoint)]));
    this.#history = new PositionHistory(options.positions);
    this.#catchUps = new Map(
      options.nodes.map(({ name }) => [name, new CatchUp(options.positions, DEFAULTS.waitersPerNode)]),
    );
  }

  /** `exact`: the ages in it are those of this moment. */
  topology(nowMs: number, exact = false): Topology {
    // Asked for with every statement, so it is made once a piece of news, not once a statement.
    if (!exact && this.#picture && nowMs - this.#picture.atMs < SAME_PICTURE_MS)
      return this.#picture.topology;
    const nodes = [...this.#facts.values()];
    const topology = toTopology(this.#options.engine, nodes, this.#highestEpoch, nowMs, this.#limits);
    this.#picture = { topology, atMs: nowMs };
    return topology;
  }

  /** The reigns this router has heard of, by their epoch. */
  get reigns(): ReadonlyMap<number, Reign> {
    return this.#reigns;
  }

  get highestEpoch(): number {
    return this.#highestEpoch;
  }

  catchUp(node: string): CatchUp {
    const catchUp = this.#catchUps.get(node);
    if (!catchUp) throw new Error(`no node is called ${node}`);
    return catchUp;
  }

  /** Time until a node is asked again: sooner while there is no primary, or while a replica is back but not proved. */
  intervalMs(nowMs: number): number {
    const { pollMs } = this.#options.settings;
    const young = ({ connectedAtMs }: NodeFacts) => nowMs - connectedAtMs < DEFAULTS.silenceMs;
    if (this.#primary === null) return Math.min(DEFAULTS.hurriedPollMs, pollMs);
    return this.#unproved().some(young) ? Math.min(DEFAULTS.fastPollMs, pollMs) : pollMs;
  }

  /** Every node was asked, and the replicas that are up were compared with the primary, if there is one. */
  isKnown(): boolean {
    return this.isAsked() && (this.#primary === null || this.#unproved().length === 0);
  }

  /** Every node was asked at least once. */
  isAsked(): boolean {
    return [...this.#facts.values()].every(({ asked }) => asked);
  }

  /** `reigns`: what the node told of reigns not heard of before. */
  probed(node: string, seen: GoodProbe, reigns: readonly Reign[] = []): void {
    const before = this.#get(node);
    const wasUp = before.up;
    for (const reign of reigns) this.#reigns.set(reign.epoch, reign);
    this.#put(node, afterGoodProbe(before, seen));
    // Over a new connection may be another life of the server: what it was seen to do says nothing of what it will.
    if (seen.connectedAtMs !== before.connectedAtMs || seen.probe.role !== 'replica')
      this.catchUp(node).lost();
    if (seen.probe.role === 'replica') this.catchUp(node).moved(seen.probe.position, seen.startedAtMs);
    this.#highestEpoch = highestEpochOf([...this.#facts.values()], this.#highestEpoch);
    this.#settlePrimary(seen.endedAtMs);
    if (node === this.#primary) this.#history.add(seen.startedAtMs, seen.probe.position);
    this.#prove(node === this.#primary ? [...this.#facts.keys()] : [node], seen.endedAtMs);
    if (!wasUp) this.#options.events.emit('node-up', { node });
  }

  /** A replica was asked for its position alone, at `askedAtMs`. */
  advanced(node: string, position: Position, askedAtMs: number, nowMs: number): void {
    const facts = this.#get(node);
    if (!facts.current || facts.probe?.role !== 'replica') return;
    this.#put(node, { ...facts, aliveAtMs: nowMs, probe: { ...facts.probe, position } });
    this.catchUp(node).moved(position, askedAtMs);
    this.#prove([node], nowMs);
  }

  probeFailed(node: string, failed: FailedProbe, nowMs: number): void {
    const before = this.#get(node);
    this.#put(node, afterFailedProbe(before, failed));
    this.catchUp(node).lost();
    if ((before.up && failed.refused) || !before.asked) this.#wentDown(node, failed.error);
    this.#settlePrimary(nowMs);
  }

  /** A statement was answered here. An acknowledged write also confirms the primary. */
  answered(node: string, kind: 'read' | 'write', nowMs: number): void {
    // With every read, so it costs no new facts: only silence would be news.
    this.#answeredAtMs.set(node, nowMs);
    if (kind === 'write') this.#facts.set(node, { ...this.#get(node), confirmedAtMs: nowMs });
  }

  /** The last sign of life. */
  aliveAtMs(node: string): number {
    return Math.max(this.#get(node).aliveAtMs, this.#answeredAtMs.get(node) ?? Number.NEGATIVE_INFINITY);
  }

  /** The node said "read-only" to a write: it is no primary until a later probe says so again. */
  refusedWrite(node: string, nowMs: number): void {
    this.#put(node, { ...this.#get(node), refusedWriteAtMs: nowMs });
    this.#settlePrimary(nowMs);
  }

  /**
   * Traffic met a connection error: leave the node alone for about `banMs`, and rely on nothing it said until it
   * says so again. It may have been restarted.
   */
  unreachable(node: string, nowMs: number): void {
    const forMs = DEFAULTS.banMs * (0.75 + this.#options.random() / 2);
    this.catchUp(node).lost();
    this.#put(node, { ...this.#get(node), current: false, bannedUntilMs: nowMs + forMs });
  }

  /** To be called every TICK_MS: notices silence. */
  tick(nowMs: number): void {
    const lateMs = nowMs - this.#lastTickMs - TICK_MS;
    this.#lastTickMs = nowMs;
    // When this very process stood still, nobody's silence means anything: answers may be waiting in the sockets.
    if (lateMs > 2 * TICK_MS) {
      this.#forgiveSilence(nowMs);
      return;
    }
    for (const [node, facts] of this.#facts) {
      this.#putLagging(node, facts, nowMs);
      const limitMs = node === this.#primary ? DEFAULTS.primarySilenceMs : DEFAULTS.silenceMs;
      if (!facts.up || nowMs - this.aliveAtMs(node) <= limitMs) continue;
      const error = `no answer for ${limitMs} ms`;
      this.#put(node, { ...this.#get(node), up: false, error });
      this.#wentDown(node, error);
      this.#options.onSilent(node);
    }
    this.#settlePrimary(nowMs);
  }

  /** Moves forward the moment up to which each of `names` is proved to hold the primary's history. */
  #prove(names: readonly string[], nowMs: number): void {
    for (const name of names) {
      const facts = this.#get(name);
      if (!facts.current || facts.probe?.role !== 'replica') continue;
      const coveredMs = this.#history.newestCoveredMs(facts.probe.position);
      const provenAtMs =
        coveredMs === null ? facts.provenAtMs : Math.max(facts.provenAtMs ?? coveredMs, coveredMs);
      this.#putLagging(name, { ...facts, provenAtMs }, nowMs);
    }
  }

  #putLagging(node: string, facts: NodeFacts, nowMs: number): void {
    const next = withLagging(facts, nowMs, this.#options.settings.maxLagMs);
    if (next === this.#facts.get(node)) return;
    this.#put(node, next);
    if (next.lagging === facts.lagging || facts.probe?.role !== 'replica') return;
    const { lagging } = next;
    this.#options.events.emit('lag', { node, lagging, stalenessMs: stalenessMs(next, nowMs) });
  }

  /** Nobody could confirm the primary while this process stood still: it gets a moment to do so now. */
  #forgiveSilence(nowMs: number): void {
    const { primaryUnconfirmedMs, primarySilenceMs } = DEFAULTS;
    if (this.#primary === null) return;
    const facts = this.#get(this.#primary);
    const confirmedAtMs = Math.max(facts.confirmedAtMs, nowMs - primaryUnconfirmedMs + primarySilenceMs);
    this.#put(this.#primary, { ...facts, confirmedAtMs });
  }

  #unproved(): NodeFacts[] {
    return [...this.#facts.values()].filter(
      (facts) => facts.up && facts.current && facts.probe?.role === 'replica' && !isSettled(facts),
    );
  }

  #settlePrimary(nowMs: number): void {
    const nodes = [...this.#facts.values()];
    const chosen = choosePrimary(nodes, this.#highestEpoch, nowMs, this.#limits.primaryUnconfirmedMs);
    const name = chosen?.endpoint.name ?? null;
    const epoch = this.#highestEpoch;
    if (name === this.#primary && epoch === this.#primaryEpoch) return;
    const from = this.#primary;
    this.#primary = name;
    this.#primaryEpoch = epoch;
    // Samples of one reign are no ruler for another: after a lossy failover the old ones may never be reached.
    this.#history.clear();
    this.#options.events.emit('primary-changed', { from, to: name, epoch });
  }

  #wentDown(node: string, error: string): void {
    this.#options.events.emit('node-down', { node, error });
  }

  #get(node: string): NodeFacts {
    const facts = this.#facts.get(node);
    if (!facts) throw new Error(`no node is called ${node}`);
    return facts;
  }

  #put(node: string, facts: NodeFacts): void {
    this.#facts.set(node, facts);
    this.#picture = null;
  }
}
