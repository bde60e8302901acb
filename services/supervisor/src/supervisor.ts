import type { Credentials, Endpoint, Engine } from '@replication-lab/engines';
import {
  isFounded,
  lossBound,
  newOverride,
  type Override,
  type OverrideRefusal,
  whyNoOverride,
} from './core/override.ts';
import { stepFailover } from './core/step.ts';
import { newWish, whyNoSwitchover } from './core/switchover.ts';
import {
  type Action,
  initialState,
  type Limits,
  limitsFor,
  type NodeReport,
  type Phase,
  type Step,
  type StepContext,
} from './core/types.ts';
import { Errands, isErrand, type NodeAgents } from './errands.ts';
import type { SupervisorEvent } from './events.ts';
import { type Moment, Moments } from './moments.ts';
import { NodeChannel, type OrderEvent } from './node-channel.ts';
import { type SwitchoverOutcome, SwitchoverRun } from './switchover-run.ts';

/** A step is made with every piece of news, and at least so often: while all is well, and in a hurry. */
const STEP_EVERY_MS = 100;
const HURRIED_STEP_EVERY_MS = 20;

/** Phases in which primaries change, and each question waits for another. */
const HURRIED: ReadonlySet<Phase> = new Set([
  'suspecting',
  'closing',
  'fencing',
  'looking',
  'draining',
  'arming',
  'attaching',
  'promoting',
  'establishing',
  'opening',
]);
/** Phases in which the primary may be open and is told nothing that its writes would have to wait for. */
const BEATEN: ReadonlySet<Phase> = new Set(['watching', 'refusing']);
/** What takes longer than this waits for something that will not come sooner by asking. */
const HURRY_MS = 10_000;

export type OverrideOutcome =
  | {
      readonly ok: true;
      readonly to: string;
      readonly epoch: number;
      readonly givenUp: readonly string[];
      /** What is known of what is lost, for people. */
      readonly loss: string;
    }
  | { readonly ok: false; readonly code: OverrideRefusal['code'] | 'undone'; readonly detail: string };

type OverrideRun = { readonly override: Override; readonly loss: string } & Pick<
  PromiseWithResolvers<OverrideOutcome>,
  'promise' | 'resolve'
>;

export interface SupervisorOptions {
  readonly engine: Engine;
  readonly nodes: readonly Endpoint[];
  /** The supervisor's own, the same on every node. */
  readonly account: Credentials;
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
  #isHurried = false;
  #isClosed = false;
  #said = '';
  #calmAtMs = Number.NEGATIVE_INFINITY;
  #run: SwitchoverRun | null = null;
  #override: OverrideRun | null = null;

  constructor(options: SupervisorOptions) {
    const { engine, nodes, account, replication, database } = options;
    this.#options = options;
    this.#context = {
      endpoints: nodes,
      positions: engine.client.positions,
      forgetsReceived: engine.failover.forgetsReceived,
      limits: { ...limitsFor(engine.failover), ...options.limits },
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
          account,
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
    this.#stepIn(STEP_EVERY_MS);
  }

  /** What it thinks now; null before the first step. */
  status(): Step | null {
    return this.#last;
  }

  /**
   * Gives the office to `to`, with the primary closed for about as long as a voter needs to take over. Resolves when that is done,
   * or was given up; never throws.
   */
  switchover(to: string): Promise<SwitchoverOutcome> {
    const last = this.#last;
    const refusal = whyNoSwitchover(to, last, this.#context);
    if (refusal) return Promise.resolve({ ok: false, ...refusal });
    const nowMs = performance.now();
    const wish = newWish(to, last!, nowMs, this.#context);
    const from = last!.primary!;
    const run = new SwitchoverRun(wish, from, nowMs);
    this.#state = { ...this.#state, wish };
    this.#run = run;
    this.#tell({ what: 'wished', from, to, epoch: last!.epoch });
    this.#step();
    return run.outcome;
  }

  /**
   * A person's order: gives up the nodes that are away, and begins a reign on the only one that is left. Resolves when that is
   * done or refused; never throws. See `core/override.ts`.
   */
  override(to: string, allowDataLoss: boolean): Promise<OverrideOutcome> {
    const last = this.#last;
    const nowMs = performance.now();
    const nodes = this.#look();
    const order = { to, allowDataLoss };
    const refusal = whyNoOverride(order, last, nodes, this.#context, nowMs);
    // Whoever carries it out may have lost the locks to this one before the others are back.
    if (refusal?.code === 'lock-not-held' && last && last.primary !== to)
      this.#state = { ...this.#state, override: newOverride(to, nodes, last, nowMs, false) };
    if (refusal) return Promise.resolve({ ok: false, ...refusal });
    if (this.#override) return this.#override.promise;
    const override = newOverride(to, nodes, last!, nowMs);
    const others = nodes.filter(({ name }) => name !== to);
    const target = nodes.find(({ name }) => name === to)!;
    const loss = lossBound(target, others, last!, this.#context, nowMs);
    this.#state = { ...this.#state, override };
    this.#override = { override, loss, ...Promise.withResolvers<OverrideOutcome>() };
    this.#tell({ what: 'overruled', from: last!.primary!, to, epoch: last!.epoch, loss });
    const { promise } = this.#override;
    this.#step();
    return promise;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#errands?.close();
    await Promise.all([...this.#channels.values()].map((channel) => channel.close()));
  }

  #stepIn(ms: number): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#dueAtMs = performance.now() + ms;
    this.#timer = setTimeout(() => {
      this.#step();
      this.#stepIn(this.#isHurried ? HURRIED_STEP_EVERY_MS : STEP_EVERY_MS);
    }, ms);
  }

  #look(): NodeReport[] {
    return [...this.#channels.values()].map((channel) => {
      const report = channel.report();
      if (report.failure === null) this.#errands?.answered(report.name);
      else if (report.failure.kind === 'refused') this.#errands?.look(report.name);
      return { ...report, isEmpty: this.#errands?.isEmpty(report.name) ?? false };
    });
  }

  #endOverride({ primary, epoch, state }: Step): void {
    const run = this.#override;
    if (!run) return;
    const { to } = run.override;
    if (primary !== null && isFounded(run.override, { epoch, node: primary }))
      run.resolve({ ok: true, to, epoch, givenUp: run.override.givenUp, loss: run.loss });
    else if (state.override === null)
      run.resolve({
        ...{ ok: false, code: 'undone' },
        detail: `a node that was given up answers after all, or ${to} could not begin a reign in time`,
      });
    else return;
    this.#override = null;
  }

  #step(): void {
    const nowMs = performance.now();
    const nodes = this.#look();
    const observation = { nodes, lateMs: Math.max(0, nowMs - this.#dueAtMs) };
    const step = stepFailover(this.#state, observation, nowMs, this.#context);
    const from = this.#state.phase;
    this.#state = step.state;
    this.#last = step;
    for (const action of step.actions) this.#give(action);
    this.#tellMoments(this.#moments.step(step, nodes, nowMs));
    if (!HURRIED.has(step.state.phase)) this.#calmAtMs = nowMs;
    const hurry = nowMs > this.#calmAtMs && nowMs - this.#calmAtMs < HURRY_MS;
    const isBusy = [...this.#channels.values()].some((channel) => channel.isBusy);
    const pace = !hurry ? 'calm' : isBusy ? 'busy' : 'hurried';
    const beats = BEATEN.has(step.state.phase) && step.state.wish === null;
    for (const [name, channel] of this.#channels) {
      channel.pace = pace;
      channel.beats = beats && name === step.primary;
    }
    const isNew = hurry && !this.#isHurried;
    this.#isHurried = hurry;
    if (isNew) this.#stepIn(HURRIED_STEP_EVERY_MS);
    this.#endOverride(step);
    const outcome = this.#run?.saw(step, nowMs);
    if (outcome) {
      this.#run = null;
      this.#tell({ what: 'switched', epoch: step.epoch, outcome });
    }
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
    if (order.action.do === 'close' && order.outcome === 'failed') {
      // Writes are under way that do not end in time, or nobody knows how far the closing came: let them go on.
      this.#state = { ...this.#state, wish: null };
      this.#run?.closingFailed(order.error);
    }
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
