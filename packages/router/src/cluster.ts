import type { Endpoint, EngineName, PositionOps } from '@replication-lab/engines';
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

/**
 * The memory between the watchers and the decisions: holds the facts of each node, applies the pure rules of
 * `view.ts` to what watchers and traffic report, and says what changed. No I/O; time is an argument.
 */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #limits: ViewLimits;
  readonly #facts: Map<string, NodeFacts>;
  readonly #history: PositionHistory;
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
  }

  topology(nowMs: number): Topology {
    const nodes = [...this.#facts.values()];
    return toTopology(this.#options.engine, nodes, this.#highestEpoch, nowMs, this.#limits);
  }

  /** Time until a node is asked again: sooner while there is no primary, or while a replica is back but not proved. */
  intervalMs(nowMs: number): number {
    const { pollMs } = this.#options.settings;
    const young = ({ connectedAtMs }: NodeFacts) => nowMs - connectedAtMs < DEFAULTS.silenceMs;
    const hurry = this.#primary === null || this.#unproved().some(young);
    return hurry ? Math.min(DEFAULTS.fastPollMs, pollMs) : pollMs;
  }

  /** Every node was asked, and the replicas that are up were compared with the primary, if there is one. */
  isKnown(): boolean {
    return this.isAsked() && (this.#primary === null || this.#unproved().length === 0);
  }

  /** Every node was asked at least once. */
  isAsked(): boolean {
    return [...this.#facts.values()].every(({ asked }) => asked);
  }

  probed(node: string, seen: GoodProbe): void {
    const wasUp = this.#get(node).up;
    this.#put(node, afterGoodProbe(this.#get(node), seen));
    this.#highestEpoch = highestEpochOf([...this.#facts.values()], this.#highestEpoch);
    this.#settlePrimary(seen.endedAtMs);
    if (node === this.#primary) this.#history.add(seen.startedAtMs, seen.probe.position);
    this.#prove(node === this.#primary ? [...this.#facts.keys()] : [node], seen.endedAtMs);
    if (!wasUp) this.#options.events.emit('node-up', { node });
  }

  probeFailed(node: string, failed: FailedProbe, nowMs: number): void {
    const before = this.#get(node);
    this.#put(node, afterFailedProbe(before, failed));
    if ((before.up && failed.refused) || !before.asked) this.#wentDown(node, failed.error);
    this.#settlePrimary(nowMs);
  }

  /** A statement was answered here. An acknowledged write also confirms the primary. */
  answered(node: string, kind: 'read' | 'write', nowMs: number): void {
    const facts = this.#get(node);
    const confirmedAtMs = kind === 'write' ? nowMs : facts.confirmedAtMs;
    this.#put(node, { ...facts, aliveAtMs: nowMs, confirmedAtMs });
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
    this.#put(node, { ...this.#get(node), current: false, bannedUntilMs: nowMs + forMs });
  }

  /** To be called every TICK_MS: notices silence. */
  tick(nowMs: number): void {
    const lateMs = nowMs - this.#lastTickMs - TICK_MS;
    this.#lastTickMs = nowMs;
    // When this very process stood still, nobody's silence means anything: answers may be waiting in the sockets.
    if (lateMs > 2 * TICK_MS) return;
    for (const [node, facts] of this.#facts) {
      this.#put(node, withLagging(facts, nowMs, this.#options.settings.maxLagMs));
      const limitMs = node === this.#primary ? DEFAULTS.primarySilenceMs : DEFAULTS.silenceMs;
      if (!facts.up || nowMs - facts.aliveAtMs <= limitMs) continue;
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
      this.#put(name, withLagging({ ...facts, provenAtMs }, nowMs, this.#options.settings.maxLagMs));
    }
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
  }
}
