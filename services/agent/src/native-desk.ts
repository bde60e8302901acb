import type { Endpoint } from '@replication-lab/engines';
import { LocalError, type LocalNode } from '@replication-lab/engines/local';
import type { Logger } from 'pino';
import type { BootStatus, Order, OrderDesk, OrderName, OrderResult } from './orders.ts';

/** How long an order may take, its start of the server included. */
const LIMIT_MS: Readonly<Record<OrderName, number>> = {
  initialise: 60_000,
  copy: 600_000,
  restart: 600_000,
  rebuild: 600_000,
};
/** A server in crash recovery takes no login for a while. It was started all the same, which is what an order is about. */
const LOGIN_TIMEOUT_MS = 60_000;
const RESULTS_KEPT = 16;

export interface NativeDeskParts {
  readonly node: LocalNode;
  /** Where an order's source is looked up. */
  readonly nodes: readonly Endpoint[];
  /** A fresh replica begins as a copy: see `EngineAdmin.replicaNeedsCopy`. */
  readonly copies: boolean;
  readonly log: Logger;
}

interface Outcome {
  readonly result: OrderResult;
  readonly message: string;
}

/**
 * Carries out the orders for a node whose server is a plain process of this machine, one at a time. Servers that it starts
 * outlive it.
 */
export class NativeDesk implements OrderDesk {
  readonly #parts: NativeDeskParts;
  readonly #outcomes = new Map<string, Outcome>();
  readonly #closing = new AbortController();
  #last: Order | null = null;
  /** What is being done for an order now, by the names of the boot scripts' phases. */
  #phase: string | null = null;
  #work: Promise<void> = Promise.resolve();

  constructor(parts: NativeDeskParts) {
    this.#parts = parts;
  }

  async status(): Promise<BootStatus> {
    const { result = '', message = '' } = (this.#last && this.#outcomes.get(this.#last.id)) ?? {};
    const phase = this.#phase ?? (await this.#idlePhase());
    return { phase, order: this.#last?.id ?? '', result, message };
  }

  async #idlePhase(): Promise<string> {
    const { node } = this.#parts;
    if (await node.running()) return 'running';
    return node.isEmpty() ? 'waiting' : 'stopped';
  }

  async give(order: Order): Promise<boolean> {
    if (this.#phase !== null || this.#closing.signal.aborted) return false;
    this.#phase = 'starting';
    this.#last = order;
    this.#note(order, { result: 'running', message: '' });
    this.#work = this.#carryOut(order);
    return true;
  }

  async result(id: string): Promise<Outcome | null> {
    return this.#outcomes.get(id) ?? null;
  }

  /** Gives up what is being done. Resolves when nothing is done any more. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the agent ends'));
    await this.#work;
  }

  /** Never throws. */
  async #carryOut(order: Order): Promise<void> {
    const { log } = this.#parts;
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(LIMIT_MS[order.order])]);
    try {
      const message = await this.#obey(order, signal);
      log.info({ order }, 'order carried out');
      this.#note(order, { result: 'done', message });
    } catch (error) {
      log.error({ order, err: error }, 'order failed');
      this.#note(order, {
        result: 'failed',
        message: error instanceof Error ? error.message : String(error),
      });
    } finally {
      this.#phase = null;
    }
  }

  /** Answers what is to be said about an order that was carried out. */
  async #obey({ order, source }: Order, signal: AbortSignal): Promise<string> {
    const { node, copies } = this.#parts;
    if (order === 'initialise') {
      this.#phase = 'initialising';
      await node.initialise(signal);
    } else if (order === 'copy') {
      this.#phase = 'copying';
      await node.copyFrom(this.#endpoint(source), signal);
    } else if (order === 'rebuild') {
      this.#phase = copies ? 'copying' : 'initialising';
      await node.rebuild(this.#endpoint(source), signal);
    }
    this.#phase = 'starting';
    const options = { timeoutMs: LOGIN_TIMEOUT_MS, signal };
    try {
      await (order === 'restart' ? node.restart(options) : node.start(options));
      return '';
    } catch (error) {
      if (error instanceof LocalError && error.code === 'start-timeout') return error.message;
      throw error;
    }
  }

  #endpoint(source: string | null): Endpoint {
    const found = this.#parts.nodes.find(({ host, port }) => `${host}:${port}` === source);
    if (found) return found;
    throw new Error(`no node of this lab has the address ${source}`);
  }

  #note({ id }: Order, outcome: Outcome): void {
    this.#outcomes.set(id, outcome);
    const [oldest] = this.#outcomes.keys();
    if (this.#outcomes.size > RESULTS_KEPT && oldest !== undefined) this.#outcomes.delete(oldest);
  }
}
