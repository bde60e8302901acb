import { type ChoiceOptions, LoadBook } from '../src/choice/load-book.ts';

/** Numbers that look random and are the same in every run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    // A linear congruential generator; its high bits are good enough here.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** With the mean 1. */
export const exponential = (random: () => number): number => -Math.log(1 - random());

/** A node with a queue: reads run in order of arrival, `workers` at a time. */
export interface SimulatedNode {
  readonly name: string;
  readonly workers?: number;
  /** What a read that arrives at `nowMs` needs, in ms of work. */
  readonly workMs: (read: { kind: string; nowMs: number; random: () => number }) => number;
  /** No work is done in the first `forMs` of every `everyMs`. */
  readonly stall?: { readonly everyMs: number; readonly forMs: number };
  /** Answers with an error after 0.1 ms. */
  readonly fails?: (nowMs: number, random: () => number) => boolean;
}

export interface Scenario {
  readonly nodes: readonly SimulatedNode[];
  readonly policy: 'load-book' | 'round-robin';
  readonly options?: Partial<ChoiceOptions>;
  /** Each read comes to one of them at random; each knows of its own reads only. */
  readonly routers?: number;
  /** Poisson arrivals of an open system: they do not wait for each other. */
  readonly perSecond: number;
  readonly forMs: number;
  readonly seed?: number;
  readonly kindOf?: (random: () => number) => string;
}

interface DoneRead {
  readonly kind: string;
  readonly ms: number;
}

interface Sent {
  readonly node: string;
  readonly atMs: number;
}

export interface Measured {
  readonly done: readonly DoneRead[];
  /** First attempts and retries. */
  readonly sent: readonly Sent[];
  /** Reads that no node answered. */
  readonly lost: number;
  /** Ejections of all routers: node, begin, end. */
  readonly ejections: readonly { readonly node: string; readonly fromMs: number; readonly untilMs: number }[];
}

export function quantileMs(done: readonly DoneRead[], quantile: number, kind?: string): number {
  const sorted = done
    .filter((read) => kind === undefined || read.kind === kind)
    .map(({ ms }) => ms)
    .sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))]!;
}

/** Share of the reads sent in [fromMs, toMs) that went to `node`. */
export function shareOf(
  { sent }: Measured,
  node: string,
  fromMs = 0,
  toMs = Number.POSITIVE_INFINITY,
): number {
  const then = sent.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
  return then.filter((one) => one.node === node).length / then.length;
}

/** Plays `scenario` in virtual time. Reads that fail are asked at the nodes left, as the router does. */
export function simulate(scenario: Scenario): Measured {
  return new Play(scenario).run();
}

interface Arrival {
  readonly book: LoadBook;
  readonly kind: string;
  readonly startedMs: number;
  readonly left: readonly string[];
}

class Play {
  readonly #scenario: Scenario;
  readonly #random: () => number;
  readonly #events = new EventQueue();
  readonly #freeAtMs: ReadonlyMap<string, number[]>;
  readonly #nodes: ReadonlyMap<string, SimulatedNode>;
  #turn = 0;
  readonly #done: DoneRead[] = [];
  readonly #sent: Sent[] = [];
  #lost = 0;
  readonly #ejections = new Map<string, Measured['ejections'][number]>();

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#random = seeded(scenario.seed ?? 1);
    this.#nodes = new Map(scenario.nodes.map((node) => [node.name, node]));
    this.#freeAtMs = new Map(
      scenario.nodes.map(({ name, workers = 1 }) => [name, Array.from({ length: workers }, () => 0)]),
    );
  }

  run(): Measured {
    const { routers = 1, perSecond, forMs, options, kindOf = () => 'point' } = this.#scenario;
    const random = this.#random;
    const names = [...this.#nodes.keys()];
    const books = Array.from({ length: routers }, () => new LoadBook(names, options));
    const arrive = (nowMs: number) => {
      const book = books[Math.floor(random() * routers)]!;
      this.#send({ book, kind: kindOf(random), startedMs: nowMs, left: names }, nowMs);
      const nextMs = nowMs + (exponential(random) * 1_000) / perSecond;
      if (nextMs < forMs) this.#events.add(nextMs, arrive);
    };
    this.#events.add(0, arrive);
    this.#events.runAll();
    const ejections = [...this.#ejections.values()];
    return { done: this.#done, sent: this.#sent, lost: this.#lost, ejections };
  }

  #send(read: Arrival, nowMs: number): void {
    const { book, kind, startedMs, left } = read;
    if (left.length === 0) {
      this.#lost++;
      return;
    }
    const name = this.#choose(book, left, nowMs);
    const node = this.#nodes.get(name)!;
    this.#sent.push({ node: name, atMs: nowMs });
    const ticket = book.begin(name, nowMs);
    if (node.fails?.(nowMs, this.#random)) {
      this.#events.add(nowMs + 0.1, (failedMs) => {
        book.end(ticket, failedMs, 'failed');
        this.#send({ ...read, left: left.filter((other) => other !== name) }, failedMs);
      });
      return;
    }
    this.#events.add(this.#work(node, kind, nowMs), (doneMs) => {
      book.end(ticket, doneMs, 'ok');
      this.#done.push({ kind, ms: doneMs - startedMs });
    });
  }

  #choose(book: LoadBook, left: readonly string[], nowMs: number): string {
    if (this.#scenario.policy === 'round-robin') return left[this.#turn++ % left.length]!;
    const chosen = book.order(left, nowMs, this.#random)[0]!;
    for (const [node, untilMs] of book.ejected(nowMs)) {
      const key = `${node} ${untilMs}`;
      if (!this.#ejections.has(key)) this.#ejections.set(key, { node, fromMs: nowMs, untilMs });
    }
    return chosen;
  }

  /** Queues the read at its node; returns when it will be done. */
  #work(node: SimulatedNode, kind: string, nowMs: number): number {
    const freeAtMs = this.#freeAtMs.get(node.name)!;
    const worker = freeAtMs.indexOf(Math.min(...freeAtMs));
    const beginMs = Math.max(nowMs, freeAtMs[worker]!);
    const doneMs = afterStalls(node, beginMs, node.workMs({ kind, nowMs, random: this.#random }));
    freeAtMs[worker] = doneMs;
    return doneMs;
  }
}

function afterStalls({ stall }: SimulatedNode, beginMs: number, workMs: number): number {
  if (!stall) return beginMs + workMs;
  let atMs = beginMs;
  for (let leftMs = workMs; ; ) {
    const turnMs = Math.floor(atMs / stall.everyMs) * stall.everyMs;
    atMs = Math.max(atMs, turnMs + stall.forMs);
    const stepMs = Math.min(leftMs, turnMs + stall.everyMs - atMs);
    if (leftMs <= stepMs) return atMs + stepMs;
    leftMs -= stepMs;
    atMs = turnMs + stall.everyMs;
  }
}

type Event = (nowMs: number) => void;

/** A binary heap by time. */
class EventQueue {
  readonly #heap: { readonly atMs: number; readonly run: Event }[] = [];

  add(atMs: number, run: Event): void {
    const heap = this.#heap;
    let place = heap.length;
    heap.push({ atMs, run });
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (heap[parent]!.atMs <= atMs) break;
      this.#swap(place, parent);
      place = parent;
    }
  }

  runAll(): void {
    const heap = this.#heap;
    while (heap.length > 0) {
      this.#swap(0, heap.length - 1);
      const { atMs, run } = heap.pop()!;
      this.#sink();
      run(atMs);
    }
  }

  #sink(): void {
    const heap = this.#heap;
    for (let place = 0; ; ) {
      let least = place;
      for (const child of [2 * place + 1, 2 * place + 2]) {
        if (child < heap.length && heap[child]!.atMs < heap[least]!.atMs) least = child;
      }
      if (least === place) return;
      this.#swap(place, least);
      place = least;
    }
  }

  #swap(one: number, other: number): void {
    const event = this.#heap[one]!;
    this.#heap[one] = this.#heap[other]!;
    this.#heap[other] = event;
  }
}
