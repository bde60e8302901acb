import { z } from 'zod';
import type { StalenessByNode } from './types.ts';

/** The part of an API replica's `GET /topology` that is wanted here; the rest may grow. */
const topologyAnswer = z.object({
  nodes: z.array(z.object({ name: z.string(), stalenessMs: z.number().nullable().optional() })),
});

/** Every replica's figure is an upper bound, so the smallest is the best one. Answers that do not fit are left out. */
export function stalenessFrom(answers: readonly unknown[]): StalenessByNode {
  const best: Record<string, number | null> = {};
  for (const answer of answers) {
    const parsed = topologyAnswer.safeParse(answer);
    if (!parsed.success) continue;
    for (const { name, stalenessMs = null } of parsed.data.nodes) {
      const known = best[name] ?? null;
      best[name] =
        known === null || stalenessMs === null ? (known ?? stalenessMs) : Math.min(known, stalenessMs);
    }
  }
  return best;
}
