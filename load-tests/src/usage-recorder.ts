import { setTimeout as sleep } from 'node:timers/promises';
import { hostIdleSeconds } from './host.ts';
import type { LabUnderTest, Usage } from './lab-under-test.ts';
import type { UsageSample } from './utilisation.ts';

const EVERY_MS = 1000;

export interface Recording extends AsyncDisposable {
  /** Grows while the recording runs; one more sample is taken when it ends. */
  readonly samples: readonly UsageSample[];
}

/**
 * Writes down once a second what everything has used. One question at a time: a slow answer (docker) makes the samples
 * rarer, never piles them up. A question that fails is left out.
 */
export function recordUsage(
  lab: Pick<LabUnderTest, 'usage'>,
  generatorCpuSeconds: (nodes: Readonly<Record<string, Usage>>) => number | null = () => null,
): Recording {
  const samples: UsageSample[] = [];
  const stop = new AbortController();
  const take = async () => {
    const askedMs = Date.now();
    const all = await lab.usage().catch(() => null);
    if (all === null) return;
    const { k6: _k6, ...nodes } = all;
    samples.push({
      atMs: (askedMs + Date.now()) / 2,
      nodes,
      generatorCpuSeconds: generatorCpuSeconds(all),
      hostIdleSeconds: hostIdleSeconds(),
    });
  };
  const loop = (async () => {
    while (!stop.signal.aborted) {
      await take();
      await sleep(EVERY_MS, undefined, { signal: stop.signal }).catch(() => {});
    }
    await take();
  })();
  return {
    samples,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await loop;
    },
  };
}
