import { OrderRefused } from '@replication-lab/agent/client';
import type { Endpoint } from '@replication-lab/engines';
import type { Action, AgentOrder } from './core/types.ts';
import type { OrderEvent } from './node-channel.ts';

/** An errand that failed is not tried again before this. */
const AGAIN_MS = 5_000;
/** How often the agent of a node without a server is asked whether there is data to start one with. */
const LOOK_EVERY_MS = 500;

export const isErrand = (action: Action): action is AgentOrder =>
  action.do === 'restart' || action.do === 'rebuild';

/** The agents on the nodes' hosts; they judge an order again, right before they carry it out. */
export interface NodeAgents {
  /** Resolves when it is done; throws when it was refused or failed. Has a deadline of its own. */
  carryOut(node: Endpoint, errand: AgentOrder, signal: AbortSignal): Promise<void>;
  /** Has this node no data to start a server with? False also when its agent does not answer. Never throws; has a deadline. */
  isEmpty(node: Endpoint): Promise<boolean>;
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
  /** By node that has no server: what its agent said last, and when it is asked next. */
  readonly #looks = new Map<string, { isEmpty: boolean; dueAtMs: number }>();

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
    this.#looks.delete(node.name);
    void this.#run(node, errand);
  }

  /** Its agent said so when it was asked last, or the last order to make it anew has failed, and it has not answered since. */
  isEmpty(node: string): boolean {
    return this.#halfMade.has(node) || this.#looks.get(node)?.isEmpty === true;
  }

  /** It answers: whoever has mended it. */
  answered(node: string): void {
    if (this.#busy.has(node)) return;
    this.#halfMade.delete(node);
    this.#looks.delete(node);
  }

  /** Its host refuses connections to the server: has it lost its data? The answer shows later, in `isEmpty`. */
  look(name: string): void {
    const node = this.#nodes.find((endpoint) => endpoint.name === name);
    const { isEmpty, dueAtMs } = this.#looks.get(name) ?? { isEmpty: false, dueAtMs: 0 };
    if (!node || this.#busy.has(name) || performance.now() < dueAtMs) return;
    // What it says of a node that answers again meanwhile, or is being made anew, is old.
    const look = { isEmpty, dueAtMs: Number.POSITIVE_INFINITY };
    this.#looks.set(name, look);
    void this.#agents.isEmpty(node).then((answer) => {
      look.isEmpty = answer && !this.#busy.has(name);
      look.dueAtMs = performance.now() + LOOK_EVERY_MS;
    });
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
