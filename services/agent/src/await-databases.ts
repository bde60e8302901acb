import { setTimeout as sleep } from 'node:timers/promises';
import type { Endpoint } from '@replication-lab/engines';
import type { AgentHealth } from './agent-client.ts';

/** What can be expected of a node, and how long it may last before nobody waits for that node any more. */
export const PATIENCE_MS = {
  /** It answers, or waits for an order. */
  ready: Number.POSITIVE_INFINITY,
  /** It makes or copies its data, which takes as long as it takes. */
  'on-the-way': Number.POSITIVE_INFINITY,
  /** Its server was started: crash recovery can take a while, a server that hangs would take for ever. */
  starting: 60_000,
  /** Its container has ended, or not begun: those of one `docker compose up` start within seconds of each other. */
  stuck: 20_000,
} as const;
export type Readiness = keyof typeof PATIENCE_MS;

/** Phases of a boot script (infra/boot/lib.sh). */
const READINESS: Readonly<Record<string, Readiness>> = {
  waiting: 'ready',
  initialising: 'on-the-way',
  copying: 'on-the-way',
  starting: 'starting',
  running: 'starting',
};

/** What can be expected of a node whose agent said this (null: it said nothing). */
export function readiness(health: AgentHealth | null): Readiness {
  if (health?.up) return 'ready';
  return READINESS[health?.boot?.phase ?? ''] ?? 'stuck';
}

export interface AwaitOptions {
  readonly nodes: readonly Endpoint[];
  readonly ask: (node: Endpoint) => Promise<AgentHealth | null>;
  readonly timeoutMs: number;
  readonly patienceMs?: Readonly<Record<Readiness, number>>;
  readonly progress: (message: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Waits until every database answers, or will not without help. A first start takes many seconds and must not be
 * mistaken for a missing node. What to do without a node is decided later, by `runBootstrap`.
 */
export async function awaitDatabases(options: AwaitOptions): Promise<void> {
  const patience = options.patienceMs ?? PATIENCE_MS;
  const deadline = performance.now() + options.timeoutMs;
  const since = new Map<string, { state: Readiness; at: number }>();
  let said = '';
  for (;;) {
    const states = await Promise.all(options.nodes.map(async (node) => readiness(await options.ask(node))));
    const now = performance.now();
    const waitedFor = options.nodes.filter(({ name }, i) => {
      const state = states[i] ?? 'stuck';
      if (since.get(name)?.state !== state) since.set(name, { state, at: now });
      return state !== 'ready' && now - (since.get(name)?.at ?? now) < patience[state];
    });
    if (waitedFor.length === 0 || now > deadline) return;
    const line = `waiting for ${waitedFor.map(({ name }) => name).join(', ')}`;
    if (line !== said) options.progress(line);
    said = line;
    await sleep(250, undefined, { signal: options.signal });
  }
}
