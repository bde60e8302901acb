import { OrderRefused } from '@replication-lab/agent/client';
import type { Endpoint } from '@replication-lab/engines';
import type { Action, AgentOrder } from './core/types.ts';
import type { OrderEvent } from './node-channel.ts';

/** An errand that failed is not tried again before this. */
const AGAIN_MS = 5_000;

export const isErrand = (action: Action): action is AgentOrder =>
  action.do === 'restart' || action.do === 'rebuild';

/** The agents on the nodes' hosts; they judge an order again, right before they carry it out. */
export interface NodeAgents {
  /** Resolves when it is done; throws when it was refused or failed. Has a deadline of its own. */
  carryOut(node: Endpoint, errand: AgentOrder, signal: AbortSignal): Promise<void>;
}

/** Sends orders to the nodes' agents, one at a time for each node. */
export class Errands {
  readonly #agents: NodeAgents;
  readonly #nodes: readonly Endpoint[];
  readonly #onOrder: (order: OrderEvent) => void;
  readonly #stop = new AbortController();
  readonly #busy = new Set<string>();
  readonly #notBeforeMs = new Map<string, number>();
  readonly #halfMade = new Set<string>();

  constructor(agents: NodeAgents, nodes: readonly Endpoint[], onOrder: (order: OrderEvent) => void) {
    this.#agents = agents;
    this.#nodes = nodes;
    this.#onOrder = onOrder;
  }

  /** Nothing while the node is busy with the one before, or soon after one that failed. */
  give(errand: AgentOrder): void {
    const node = this.#nodes.find(({ name }) => name === errand.node);
    if (!node || this.#busy.has(node.name)) return;
    if (performance.now() < (this.#notBeforeMs.get(node.name) ?? 0)) return;
    this.#busy.add(node.name);
    void this.#run(node, errand);
  }

  /** The last order to make it anew has failed, and it has not answered since. */
  isHalfMade(node: string): boolean {
    return this.#halfMade.has(node);
  }

  /** It answers: whoever has mended it. */
  answered(node: string): void {
    if (!this.#busy.has(node)) this.#halfMade.delete(node);
  }

  close(): void {
    this.#stop.abort();
  }

  async #run(node: Endpoint, errand: AgentOrder): Promise<void> {
    const startedMs = performance.now();
    const tell = (outcome: OrderEvent['outcome'], error: string | null) =>
      this.#onOrder({ action: errand, outcome, ms: performance.now() - startedMs, error });
    try {
      await this.#agents.carryOut(node, errand, this.#stop.signal);
      this.#halfMade.delete(node.name);
      tell('done', null);
    } catch (error) {
      if (errand.do === 'rebuild' && !(error instanceof OrderRefused)) this.#halfMade.add(node.name);
      this.#notBeforeMs.set(node.name, performance.now() + AGAIN_MS);
      if (!this.#stop.signal.aborted) tell('failed', error instanceof Error ? error.message : String(error));
    } finally {
      this.#busy.delete(node.name);
    }
  }
}
