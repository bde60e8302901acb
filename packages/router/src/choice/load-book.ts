import { NodeLoad, type ReadOutcome, type ReadTicket } from './node-load.ts';
import { CHOICE_DEFAULTS, type ChoiceOptions } from './options.ts';
import { type Ejection, healthyFloor, isEjected, NEVER_EJECTED, stepOutliers } from './outliers.ts';

export type { ReadOutcome, ReadTicket } from './node-load.ts';
export { CHOICE_DEFAULTS, type ChoiceOptions } from './options.ts';

/**
 * Remembers what this router's own reads met at each node, and chooses by it among nodes that keep the same promise.
 * No I/O and no clock: `nowMs` is any monotonic clock's, the same in all calls.
 *
 * The cost of a node is its predicted latency times (reads in flight + 1), where the prediction is never below the
 * age of a read that is stuck there. Two candidates share reads as 1 / cost³ (`sharpness`), not all or nothing:
 * estimates are noisy, and routers that all prefer the node which is 5 % faster would overload it together.
 */
export class LoadBook {
  readonly #options: ChoiceOptions;
  readonly #loads: ReadonlyMap<string, NodeLoad>;
  readonly #ejections: Map<string, Ejection>;
  #replicas: readonly string[];
  #usable: readonly string[];
  #nextWindowMs = Number.NEGATIVE_INFINITY;
  /** A read failed since the last judgement: failures do not wait for a window to end. */
  #suspicion = false;
  /** When the last ejection ends: spares the look at each node while nobody is ejected. */
  #lastEjectionMs = Number.NEGATIVE_INFINITY;

  constructor(nodes: readonly string[], options: Partial<ChoiceOptions> = {}) {
    this.#options = { ...CHOICE_DEFAULTS, ...options };
    this.#loads = new Map(nodes.map((name) => [name, new NodeLoad(name, this.#options)]));
    this.#ejections = new Map(nodes.map((name) => [name, NEVER_EJECTED]));
    this.#replicas = nodes;
    this.#usable = nodes;
  }

  /**
   * Says who is a replica now, and which of them may be read at all. Only usable replicas are compared with each other
   * and ejected; the floor counts all replicas. Cheap when nothing changed, so it may be called with every new picture.
   * Until it is called, every node is taken for a usable replica.
   */
  setReplicas(replicas: readonly string[], usable: readonly string[]): void {
    if (!sameNames(replicas, this.#replicas)) {
      this.#replicas = [...replicas];
      for (const [name, ejection] of this.#ejections) {
        // One that was promoted is measured with another ruler from now on.
        if (ejection !== NEVER_EJECTED && !replicas.includes(name)) this.#ejections.set(name, NEVER_EJECTED);
      }
    }
    if (!sameNames(usable, this.#usable)) this.#usable = [...usable];
  }

  /** A read is sent to `node`. To be called for every read, and `end` for each, whatever comes of it. */
  begin(node: string, nowMs: number): ReadTicket {
    return this.#load(node).begin(nowMs);
  }

  /** The read is over. A second call with the same ticket does nothing. */
  end(ticket: ReadTicket, nowMs: number, outcome: ReadOutcome): void {
    ticket.load.end(ticket, nowMs, outcome);
    if (outcome === 'failed') this.#suspicion = true;
  }

  /** Age of the oldest read in flight at `node` that no later one has overtaken; 0 without any. */
  stallMs(node: string, nowMs: number): number {
    return this.#load(node).stallMs(nowMs);
  }

  inFlight(node: string): number {
    return this.#load(node).inFlight;
  }

  /**
   * The node came (back) into use: begins its slow start, and forgets what it did before. For nodes that were really
   * away (down, rebuilt, lagging), not for the end of a short ban, which proves nothing. An ejection goes on.
   */
  cameUp(node: string, nowMs: number): void {
    this.#load(node).startAnew(nowMs, nowMs);
  }

  /**
   * Best first. `names` are the healthy candidates of one tier, each once. Of two picked at random the cheaper one
   * most likely comes first, the others follow in random order. Ejected nodes are left out, unless all of `names` are.
   */
  order(names: readonly string[], nowMs: number, random: () => number): string[] {
    if (this.#suspicion || nowMs >= this.#nextWindowMs) this.#judge(nowMs, random);
    const left = this.#withoutEjected(names, nowMs);
    if (left.length < 2) return left;
    if (left.length > 2) shuffle(left, random);
    const first = this.#load(left[0]!);
    const second = this.#load(left[1]!);
    if (random() >= this.#shareOfFirst(first, second, this.#usualLn(left, nowMs), nowMs)) {
      left[0] = second.name;
      left[1] = first.name;
    }
    // Nothing says that the loser is better than those that were not looked at: it gets any place behind the winner.
    if (left.length > 2) swap(left, 1, 1 + Math.floor(random() * (left.length - 1)));
    return left;
  }

  /** Nodes that are left out now, and until when. Empty while the floor suspends ejection. */
  ejected(nowMs: number): ReadonlyMap<string, number> {
    const out = new Map<string, number>();
    if (!this.#ejectionCounts(nowMs)) return out;
    for (const [name, ejection] of this.#ejections) {
      if (isEjected(ejection, nowMs)) out.set(name, ejection.untilMs);
    }
    return out;
  }

  #load(node: string): NodeLoad {
    const load = this.#loads.get(node);
    if (!load) throw new Error(`no node is called ${node}`);
    return load;
  }

  #shareOfFirst(first: NodeLoad, second: NodeLoad, usualLn: number, nowMs: number): number {
    const { sharpness, leastShare } = this.#options;
    const ratio = costOf(first, usualLn, nowMs) / costOf(second, usualLn, nowMs);
    const share = 1 / (1 + (ratio ** sharpness * second.slowStart(nowMs)) / first.slowStart(nowMs));
    return Math.min(1 - leastShare, Math.max(leastShare, share));
  }

  /** Mean of the estimates, each as far as it is still worth something. What is assumed of nodes without any. */
  #usualLn(names: readonly string[], nowMs: number): number {
    let sum = 0;
    let weights = 0;
    for (const name of names) {
      const load = this.#load(name);
      const weight = load.confidence(nowMs);
      sum += weight * load.lnLatency;
      weights += weight;
    }
    return weights === 0 ? Math.log(this.#options.initialLatencyMs) : sum / weights;
  }

  #withoutEjected(names: readonly string[], nowMs: number): string[] {
    if (!this.#ejectionCounts(nowMs)) return names.slice();
    const left = names.filter((name) => !isEjected(this.#ejectionOf(name), nowMs));
    return left.length === 0 ? names.slice() : left;
  }

  /**
   * False when nobody is ejected, and when replicas went down since, so that those left would be fewer than the
   * floor: a node that is slow or fails at times is then better than none.
   */
  #ejectionCounts(nowMs: number): boolean {
    if (nowMs >= this.#lastEjectionMs) return false;
    let inUse = 0;
    for (const name of this.#usable) if (!isEjected(this.#ejectionOf(name), nowMs)) inUse++;
    return inUse >= this.#floor();
  }

  #judge(nowMs: number, random: () => number): void {
    this.#suspicion = false;
    const windowEnds = nowMs >= this.#nextWindowMs;
    if (windowEnds) this.#nextWindowMs = nowMs + this.#options.windowMs;
    const nodes = this.#usable.map((name) => ({
      reads: this.#load(name).reads(windowEnds, nowMs),
      ejection: this.#ejectionOf(name),
    }));
    const next = stepOutliers(nodes, { nowMs, random, floor: this.#floor() }, this.#options);
    this.#usable.forEach((name, index) => {
      const ejection = next[index]!;
      this.#ejections.set(name, ejection);
      if (ejection.untilMs === nodes[index]!.ejection.untilMs) return;
      this.#load(name).startAnew(nowMs, ejection.untilMs);
      this.#lastEjectionMs = Math.max(this.#lastEjectionMs, ejection.untilMs);
    });
  }

  #ejectionOf(name: string): Ejection {
    return this.#ejections.get(name) ?? NEVER_EJECTED;
  }

  #floor(): number {
    return healthyFloor(this.#replicas.length, this.#options.healthyShare);
  }
}

function costOf(load: NodeLoad, usualLn: number, nowMs: number): number {
  const confidence = load.confidence(nowMs);
  if (confidence === 0) load.assume(usualLn);
  const latencyMs = Math.exp(usualLn + confidence * (load.lnLatency - usualLn));
  return Math.max(latencyMs, load.stallMs(nowMs)) * (load.inFlight + 1);
}

function shuffle(names: string[], random: () => number): void {
  for (let last = names.length - 1; last > 0; last--) swap(names, last, Math.floor(random() * (last + 1)));
}

function swap(names: string[], one: number, other: number): void {
  const name = names[one]!;
  names[one] = names[other]!;
  names[other] = name;
}

const sameNames = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((name, index) => name === b[index]);
