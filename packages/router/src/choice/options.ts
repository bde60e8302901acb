/** Settings of the choice among replicas. Times in ms; shares from 0 to 1. */
export interface ChoiceOptions {
  /** Time constant with which the latency estimate follows slower reads. */
  readonly riseMs: number;
  /** The same towards faster reads. Longer, so that a node that was slow a moment ago is still remembered. */
  readonly fallMs: number;
  /** No single read moves the estimate up by more than this share of the (logarithmic) way. */
  readonly maxRise: number;
  /** Time constant with which an estimate without new reads fades into what the other candidates have. */
  readonly forgetMs: number;
  /** What is assumed while nothing is known of any candidate. */
  readonly initialLatencyMs: number;
  /** A failed read counts as one that took at least this long: a read that fails at once is no fast read. */
  readonly failedReadMs: number;
  /** Of two candidates, shares are as 1 / cost ^ sharpness. Higher comes closer to "always the cheaper one". */
  readonly sharpness: number;
  /** Of two candidates, the worse one still gets this share: how else would it show that it has recovered? */
  readonly leastShare: number;

  /** How long a node takes to its full share after it came up or back from an ejection. */
  readonly slowStartMs: number;
  /** The share it begins with, of what an equal candidate gets. */
  readonly slowStartFrom: number;

  /** How often the reads of each node are judged. */
  readonly windowMs: number;
  /** Reads that a judgement needs. With fewer the window goes on … */
  readonly windowReads: number;
  /** … but no longer than this; then it begins anew. */
  readonly maxWindowMs: number;
  /** So many failures without a success between them eject, at once. */
  readonly failuresInRow: number;
  /** Such a share of failures in one window ejects. */
  readonly failureShare: number;
  /** Slow is a node whose fast reads take this many times as long as those of the other replicas (median) … */
  readonly slowFactor: number;
  /** … and at least this much longer … */
  readonly slowMarginMs: number;
  /** … in so many windows in a row. Such a node is ejected. */
  readonly slowWindows: number;
  /** How long the first ejection lasts. Each repetition doubles it. */
  readonly ejectMs: number;
  readonly maxEjectMs: number;
  /** An ejection is shorter by a random part of up to this share, so that routers do not return all at once. */
  readonly ejectJitter: number;
  /** So long without a new ejection takes back one doubling. */
  readonly calmMs: number;
  /** This share of all replicas, rounded up, is never ejected; nor is the last one. */
  readonly healthyShare: number;
}

export const CHOICE_DEFAULTS: ChoiceOptions = {
  riseMs: 50,
  fallMs: 500,
  maxRise: 0.5,
  forgetMs: 10_000,
  initialLatencyMs: 1,
  failedReadMs: 1_000,
  sharpness: 3,
  leastShare: 1 / 400,

  slowStartMs: 5_000,
  slowStartFrom: 0.1,

  windowMs: 1_000,
  windowReads: 20,
  maxWindowMs: 10_000,
  failuresInRow: 5,
  failureShare: 0.5,
  slowFactor: 5,
  slowMarginMs: 10,
  slowWindows: 3,
  ejectMs: 2_000,
  maxEjectMs: 60_000,
  ejectJitter: 0.25,
  calmMs: 30_000,
  healthyShare: 0.5,
};
