import type { Figures } from './summarise.ts';
import type { Conclusion } from './summary.ts';

/** Reads go to two replicas, so twice the reads is the most there is to gain (a little more as the writes move away). */
export const CEILING = 2;
/** A figure this far above what the model allows means a wrong cap or a cache, not a fast lab. */
const IMPLAUSIBLE = 1.1;

/** What the evidence carries, in one sentence, and nothing beyond it. */
export function conclude(
  figures: Pick<Figures, 'ratios' | 'prediction' | 'rejected'>,
  capCpus: number | null,
  capReason: string | null,
): Conclusion {
  const nothing = (text: string): Conclusion => ({ speedUp: null, bottleneckProved: false, text });
  if (capCpus === null) {
    const why = capReason ?? 'the reason is not known';
    return nothing(
      `No CPU cap could be applied to the databases (${why}), so all of them share one machine: ` +
        'the figures say nothing about the speed-up, and none is claimed.',
    );
  }
  const ratio = figures.ratios.readRps;
  if (ratio === null) {
    const first = figures.rejected[0];
    const why = first ? ` For example ${first.run}: ${first.reason}.` : '';
    return nothing(`No pair of valid throughput runs, so no speed-up is claimed.${why}`);
  }
  const { median, low, high, blocks } = ratio;
  const limit = figures.prediction?.high ?? CEILING;
  if (median > limit * IMPLAUSIBLE) {
    return nothing(
      `${times(median)} the reads a second is more than two replicas can give (${times(limit)}): ` +
        'the caps or a cache are wrong, and no speed-up is claimed.',
    );
  }
  const interval =
    low === null || high === null
      ? ` (${blocks} ${blocks === 1 ? 'block' : 'blocks'}: too few for an interval)`
      : ` (95 % interval ${times(low)} to ${times(high)}, ${blocks} blocks)`;
  return {
    speedUp: median,
    bottleneckProved: true,
    text:
      `Two replicas serve ${times(median)} the reads a second of the single node${interval}, with each database node ` +
      `capped at ${capCpus} CPU and at that limit while nothing else was. It takes three database nodes instead of one.`,
  };
}

/** All that counts for nothing: rejected runs, and a ratio that no run was rejected for and that still cannot be. */
export function rejections(
  figures: Pick<Figures, 'ratios' | 'rejected'>,
  conclusion: Conclusion,
): Figures['rejected'] {
  if (conclusion.speedUp !== null || figures.ratios.readRps === null) return figures.rejected;
  return [...figures.rejected, { run: 'reads a second, replicated / single', reason: conclusion.text }];
}

export const times = (ratio: number): string => `${ratio.toFixed(2)}x`;
