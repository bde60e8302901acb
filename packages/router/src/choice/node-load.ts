import type { ChoiceOptions } from './options.ts';
import type { NodeReads } from './outliers.ts';

/**
 * How a read ended. `failed`: the node's fault (connection error, no answer in time). `abandoned`: says nothing of the
 * node's health (the caller gave up). A statement's own error is an answer: `ok`.
 */
export type ReadOutcome = 'ok' | 'failed' | 'abandoned';

/** A read in flight: what `LoadBook.begin` hands out and `end` takes back. Opaque to its holder. */
export class ReadTicket {
  readonly load: NodeLoad;
  readonly begunMs: number;
  ended = false;
  /** In the list of reads that nothing has overtaken, ordered by their begin. */
  listed = true;
  before: ReadTicket | null;
  after: ReadTicket | null = null;

  constructor(load: NodeLoad, begunMs: number, before: ReadTicket | null) {
    this.load = load;
    this.begunMs = begunMs;
    this.before = before;
  }
}

const MIN_LATENCY_MS = 0.01;

/** Two buckets for each doubling, from 10 µs up to two minutes. */
const BUCKETS = 48;
const BUCKETS_PER_LN = 2 / Math.LN2;
const FIRST_BUCKET = Math.floor(Math.log(MIN_LATENCY_MS) * BUCKETS_PER_LN);
/** "The fast reads" are the fastest quarter; their slowest is the quantile that nodes are compared by. */
const FAST_QUARTER = 0.25;

/**
 * What this process's own reads met at one node.
 *
 * The latency estimate is a moving average of the *logarithm* of latencies, weighted by the time between reads, quick
 * to rise and slow to fall. A plain average that jumps to peaks would take one 2 s report among 1 ms point reads for
 * a node a thousand times slower, and leave the node alone for a minute. In logarithms such a report makes it look
 * worse by a factor of about two, for half a second.
 *
 * A stall shows before anything has finished: `stallMs` is the age of the oldest read that nothing has *overtaken*.
 * While a node answers reads that began later, an old one is a long statement, not a sign of a stall.
 */
export class NodeLoad {
  readonly name: string;
  readonly #options: ChoiceOptions;
  inFlight = 0;
  #oldest: ReadTicket | null = null;
  #newest: ReadTicket | null = null;

  /** Natural logarithm of the estimated latency in ms. Before the first read it is whatever `assume` was told. */
  #lnLatency: number;
  #sampledAtMs = Number.NEGATIVE_INFINITY;

  #slowStartMs = Number.NEGATIVE_INFINITY;
  /** Reads that began earlier tell of another life of the node. */
  #learntFromMs = Number.NEGATIVE_INFINITY;

  #failuresInRow = 0;
  #windowSinceMs = Number.NEGATIVE_INFINITY;
  #ok = 0;
  #failed = 0;
  readonly #latencies = new Uint32Array(BUCKETS);

  constructor(name: string, options: ChoiceOptions) {
    this.name = name;
    this.#options = options;
    this.#lnLatency = Math.log(options.initialLatencyMs);
  }

  get lnLatency(): number {
    return this.#lnLatency;
  }

  begin(nowMs: number): ReadTicket {
    const ticket = new ReadTicket(this, nowMs, this.#newest);
    if (this.#newest === null) this.#oldest = ticket;
    else this.#newest.after = ticket;
    this.#newest = ticket;
    this.inFlight++;
    return ticket;
  }

  /** Takes a ticket back; a second time does nothing. */
  end(ticket: ReadTicket, nowMs: number, outcome: ReadOutcome): void {
    if (ticket.ended) return;
    ticket.ended = true;
    this.inFlight--;
    const overtaken = !ticket.listed;
    if (ticket.listed) {
      if (outcome === 'ok') this.#dropUpTo(ticket);
      else this.#unlink(ticket);
    }
    if (ticket.begunMs < this.#learntFromMs) return;
    const tookMs = Math.max(MIN_LATENCY_MS, nowMs - ticket.begunMs);
    if (outcome === 'ok') {
      this.#answered(Math.log(tookMs), nowMs);
    } else if (outcome === 'failed') {
      this.#failedAfter(Math.log(Math.max(tookMs, this.#options.failedReadMs)), nowMs);
    } else if (!overtaken && Math.log(tookMs) > this.#lnLatency) {
      // It took at least so long. Without this a stall would be forgotten as soon as its callers give up.
      this.#sample(Math.log(tookMs), nowMs);
    }
  }

  /** Age of the oldest read in flight that no later one has overtaken; 0 without any. */
  stallMs(nowMs: number): number {
    return this.#oldest === null ? 0 : nowMs - this.#oldest.begunMs;
  }

  /** How much the estimate is worth: 1 when fresh, falling with its age, 0 without any. */
  confidence(nowMs: number): number {
    const ageMs = nowMs - this.#sampledAtMs;
    if (ageMs === Number.POSITIVE_INFINITY) return 0;
    // Never quite 0: when all estimates are old they still say more than nothing.
    return Math.max(1e-9, Math.exp(-ageMs / this.#options.forgetMs));
  }

  /** What to start from while there is no read to go by: the others' latency. */
  assume(lnLatency: number): void {
    if (this.#sampledAtMs === Number.NEGATIVE_INFINITY) this.#lnLatency = lnLatency;
  }

  /** Share of what an equal node in full use would get. */
  slowStart(nowMs: number): number {
    const { slowStartMs, slowStartFrom } = this.#options;
    const sinceMs = nowMs - this.#slowStartMs;
    if (sinceMs >= slowStartMs) return 1;
    return slowStartFrom + (1 - slowStartFrom) * Math.max(0, sinceMs / slowStartMs);
  }

  /**
   * Begins a new life at `nowMs`, in use (again) from `inUseFromMs` on, at first with a small share. What it did before
   * counts no more, also when a read that was sent earlier ends only now.
   */
  startAnew(nowMs: number, inUseFromMs: number): void {
    this.#sampledAtMs = Number.NEGATIVE_INFINITY;
    this.#learntFromMs = nowMs;
    this.#slowStartMs = Math.max(this.#slowStartMs, inUseFromMs);
    this.#failuresInRow = 0;
    this.#beginWindow(nowMs);
  }

  /** What the judgement needs. `windowEnds`: the moment to judge windows; those with too few reads go on. */
  reads(windowEnds: boolean, nowMs: number): NodeReads {
    const { windowReads, maxWindowMs } = this.#options;
    const failuresInRow = this.#failuresInRow;
    const reads = this.#ok + this.#failed;
    if (!windowEnds || reads < windowReads) {
      if (windowEnds && nowMs - this.#windowSinceMs >= maxWindowMs) this.#beginWindow(nowMs);
      return { failuresInRow, failureShare: null, fastMs: null };
    }
    const failureShare = this.#failed / reads;
    const fastMs = this.#ok * 2 >= windowReads ? this.#fastMs() : null;
    this.#beginWindow(nowMs);
    return { failuresInRow, failureShare, fastMs };
  }

  #sample(ln: number, nowMs: number): void {
    const { riseMs, fallMs, maxRise } = this.#options;
    const sinceMs = Math.max(0, nowMs - this.#sampledAtMs);
    const share =
      ln > this.#lnLatency
        ? Math.min(maxRise, 1 - Math.exp(-sinceMs / riseMs))
        : 1 - Math.exp(-sinceMs / fallMs);
    this.#lnLatency += share * (ln - this.#lnLatency);
    this.#sampledAtMs = nowMs;
  }

  #answered(ln: number, nowMs: number): void {
    this.#sample(ln, nowMs);
    this.#ok++;
    this.#failuresInRow = 0;
    const bucket = Math.floor(ln * BUCKETS_PER_LN) - FIRST_BUCKET;
    this.#latencies[Math.min(BUCKETS - 1, bucket)]!++;
  }

  /** Each failure counts fully, however soon after the last read it comes. */
  #failedAfter(ln: number, nowMs: number): void {
    this.#lnLatency += Math.max(0, this.#options.maxRise * (ln - this.#lnLatency));
    this.#sampledAtMs = nowMs;
    this.#failed++;
    this.#failuresInRow++;
  }

  #fastMs(): number {
    const rank = Math.ceil(this.#ok * FAST_QUARTER);
    let seen = 0;
    let bucket = 0;
    while (bucket < BUCKETS - 1) {
      seen += this.#latencies[bucket]!;
      if (seen >= rank) break;
      bucket++;
    }
    return Math.exp((bucket + FIRST_BUCKET + 0.5) / BUCKETS_PER_LN);
  }

  #beginWindow(nowMs: number): void {
    this.#windowSinceMs = nowMs;
    this.#ok = 0;
    this.#failed = 0;
    this.#latencies.fill(0);
  }

  /** `ticket` was answered: whatever began before it is overtaken. Each ticket is dropped once, so this is cheap. */
  #dropUpTo(ticket: ReadTicket): void {
    let dropped: ReadTicket | null = ticket;
    this.#oldest = ticket.after;
    if (ticket.after === null) this.#newest = null;
    else ticket.after.before = null;
    while (dropped !== null) {
      const { before }: ReadTicket = dropped;
      dropped.listed = false;
      dropped.before = null;
      dropped.after = null;
      dropped = before;
    }
  }

  #unlink(ticket: ReadTicket): void {
    if (ticket.before === null) this.#oldest = ticket.after;
    else ticket.before.after = ticket.after;
    if (ticket.after === null) this.#newest = ticket.before;
    else ticket.after.before = ticket.before;
    ticket.listed = false;
    ticket.before = null;
    ticket.after = null;
  }
}
