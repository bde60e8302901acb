import type { Credentials, Endpoint, Engine } from '@replication-lab/engines';
import { stepFailover } from './core/step.ts';
import { type Action, initialState, LIMITS, type Limits, type Step, type StepContext } from './core/types.ts';
import { Errands, isErrand, type NodeAgents } from './errands.ts';
import type { SupervisorEvent } from './events.ts';
import { type Moment, Moments } from './moments.ts';
import { NodeChannel, type OrderEvent } from './node-channel.ts';

/** A step is made with every piece of news, and at least so often. */
const STEP_EVERY_MS = 20;

export interface SupervisorOptions {
  readonly engine: Engine;
  readonly nodes: readonly Endpoint[];
  readonly admin: Credentials;
  /** Each node's own account to replicate with, by the node's name. */
  readonly replication: Readonly<Record<string, Credentials>>;
  readonly database: string;
  /** Without it nodes that would have to be restarted or made anew are only named. */
  readonly agents?: NodeAgents;
  readonly limits?: Partial<Limits>;
  /** Each change of phase, order and moment of a failover, `agoMs` ago: the event log. */
  readonly onEvent?: (event: SupervisorEvent, agoMs: number) => void;
}

/**
 * Watches a primary and its replicas, and gives the office to a replica when the primary is gone. Several may run at once:
 * one acts, the others watch. Needs `close`.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #channels: ReadonlyMap<string, NodeChannel>;
  readonly #context: StepContext;
  readonly #errands: Errands | null;
  readonly #moments = new Moments((ms) => new Date(Date.now() - (performance.now() - ms)).toISOString());
  #timer: NodeJS.Timeout | undefined;
  #state = initialState(performance.now());
  #last: Step | null = null;
  #dueAtMs = Number.POSITIVE_INFINITY;
  #said = '';

  constructor(options: SupervisorOptions) {
    const { engine, nodes, admin, replication, database } = options;
    this.#options = options;
    this.#context = {
      endpoints: nodes,
      positions: engine.client.positions,
      limits: { ...LIMITS, ...options.limits },
      random: Math.random,
    };
    this.#errands = options.agents
      ? new Errands(options.agents, nodes, (order) => this.#ordered(order))
      : null;
    this.#channels = new Map(
      nodes.map((node) => [
        node.name,
        new NodeChannel({
          engine,
          node,
          nodes,
          admin,
          replication: replication[node.name],
          database,
          onNews: () => this.#step(),
          onOrder: (order) => this.#ordered(order),
        }),
      ]),
    );
  }

  start(): void {
    for (const channel of this.#channels.values()) channel.start();
    this.#dueAtMs = performance.now() + STEP_EVERY_MS;
    this.#timer = setInterval(() => {
      this.#step();
      this.#dueAtMs = performance.now() + STEP_EVERY_MS;
    }, STEP_EVERY_MS);
  }

  /** What it thinks now; null before the first step. */
  status(): Step | null {
    return this.#last;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#errands?.close();
    await Promise.all([...this.#channels.values()].map((channel) => channel.close()));
  }

  #step(): void {
    const nowMs = performance.now();
    const nodes = [...this.#channels.values()].map((channel) => channel.report());
    const observation = { nodes, lateMs: Math.max(0, nowMs - this.#dueAtMs) };
    const step = stepFailover(this.#state, observation, nowMs, this.#context);
    const from = this.#state.phase;
    this.#state = step.state;
    this.#last = step;
    for (const action of step.actions) this.#give(action);
    this.#tellMoments(this.#moments.step(step, nodes, nowMs));
    const why = step.reasons.map(({ reason, detail }) => `${reason}: ${detail}`);
    // A phase that goes on for other reasons is news too.
    const said = `${step.state.phase} ${step.reasons.map(({ reason }) => reason).join(' ')}`;
    if (said === this.#said) return;
    this.#said = said;
    const reasons = step.reasons.map(({ reason }) => reason);
    const { epoch, primary } = step;
    this.#tell({ what: 'phase', from, to: step.state.phase, epoch, primary, reasons, why });
  }

  #give(action: Action): void {
    if (isErrand(action)) this.#errands?.give(action);
    else this.#channels.get(action.node)?.give(action);
  }

  #ordered(order: OrderEvent): void {
    this.#tell({ what: 'order', node: order.action.node, ...order });
    this.#tellMoments(this.#moments.order(order, this.#last?.epoch ?? 0, performance.now()));
  }

  #tellMoments(moments: readonly Moment[]): void {
    for (const { event, atMs } of moments) this.#tell(event, performance.now() - atMs);
  }

  #tell(event: SupervisorEvent, agoMs = 0): void {
    this.#options.onEvent?.(event, agoMs);
  }
}
