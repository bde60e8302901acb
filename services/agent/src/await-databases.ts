import { setTimeout as sleep } from 'node:timers/promises';
import type { Endpoint } from '@replication-lab/engines';
import type { AgentHealth } from './agent-client.ts';

/** Phases of a boot script (infra/boot/lib.sh) that end by themselves in a database that answers. */
const ON_THE_WAY: readonly string[] = ['starting', 'initialising', 'copying', 'running'];

export type Readiness = 'ready' | 'on-the-way' | 'stuck';

/** What can be expected of a node whose agent said this (null: it said nothing). */
export function readiness(health: AgentHealth | null): Readiness {
  if (health?.up || health?.boot?.phase === 'waiting') return 'ready';
  return health?.boot && ON_THE_WAY.includes(health.boot.phase) ? 'on-the-way' : 'stuck';
}

export interface AwaitOptions {
  readonly nodes: readonly Endpoint[];
  readonly ask: (node: Endpoint) => Promise<AgentHealth | null>;
  readonly timeoutMs: number;
  /** How long a node may be stuck (its container not started yet, or ended) before nobody waits for it any more. */
  readonly stuckMs: number;
  readonly progress: (message: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Waits until every database answers, or will not without help. A first start takes many seconds and must not be
 * mistaken for a missing node. What to do without a node is decided later, by `runBootstrap`.
 */
export async function awaitDatabases(options: AwaitOptions): Promise<void> {
  const deadline = performance.now() + options.timeoutMs;
  const fineAt = new Map(options.nodes.map(({ name }) => [name, performance.now()]));
  let said = '';
  for (;;) {
    const states = await Promise.all(
      options.nodes.map(async (node) => ({ name: node.name, state: readiness(await options.ask(node)) })),
    );
    const now = performance.now();
    for (const { name, state } of states) if (state !== 'stuck') fineAt.set(name, now);
    const waitedFor = states.filter(
      ({ name, state }) =>
        state === 'on-the-way' || (state === 'stuck' && now - (fineAt.get(name) ?? 0) < options.stuckMs),
    );
    if (waitedFor.length === 0 || now > deadline) return;
    const line = `waiting for ${waitedFor.map(({ name }) => name).join(', ')}`;
    if (line !== said) options.progress(line);
    said = line;
    await sleep(250, undefined, { signal: options.signal });
  }
}
