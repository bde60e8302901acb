import { setTimeout as sleep } from 'node:timers/promises';
import type { Endpoint } from '@replication-lab/engines';
import { askOverTls } from '@replication-lab/engines/https';
import { z } from 'zod';

const REQUEST_TIMEOUT_MS = 5000;
const POLL_MS = 250;

const healthAnswer = z.object({
  up: z.boolean(),
  boot: z.object({ phase: z.string(), message: z.string() }).nullable(),
});
export type AgentHealth = z.infer<typeof healthAnswer>;

const orderAnswer = z.object({
  result: z.enum(['pending', 'running', 'done', 'failed']),
  message: z.string(),
});

export type OrderRequest =
  | { readonly order: 'initialise' }
  | { readonly order: 'copy'; readonly source: string }
  /** Judged by the agent, right before: see `judgeOrder`. `epoch` is that of `source`, the primary. */
  | {
      readonly order: 'restart' | 'rebuild';
      readonly epoch: number;
      readonly source: string;
      readonly isGivenUp?: boolean;
    };

/** Nothing was done: the agent found that the order does not hold. */
export class OrderRefused extends Error {
  override readonly name = 'OrderRefused';
}

/** Talks to the agents on the nodes' hosts. */
export class AgentClient {
  readonly #port: number;
  readonly #token: string;
  readonly #ca: string | undefined;

  /** `ca`: the authority's certificate. With it agents are asked over TLS only; without, in clear text. */
  constructor(port: number, token: string, ca?: string) {
    this.#port = port;
    this.#token = token;
    this.#ca = ca;
  }

  /** Null when the host does not answer. */
  async health(node: Endpoint): Promise<AgentHealth | null> {
    try {
      const response = await this.#fetch(node, '/health');
      return healthAnswer.parse(await response.json());
    } catch {
      return null;
    }
  }

  /**
   * Gives an order and waits until it is carried out and the server answers. Throws when it is refused, fails, or takes
   * longer than `timeoutMs`.
   */
  async carryOut(node: Endpoint, order: OrderRequest, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const given = await this.#fetch(node, '/orders', { method: 'POST', body: JSON.stringify(order) });
    if (given.status !== 202) {
      throw new OrderRefused(`${node.name} refused the order to ${order.order}: ${await given.text()}`);
    }
    const { id } = z.object({ id: z.string() }).parse(await given.json());
    const pause = () =>
      sleep(POLL_MS, undefined, { signal: limit }).catch(() => {
        signal.throwIfAborted();
        throw new Error(`${node.name} did not ${order.order} within ${timeoutMs} ms`);
      });
    for (;;) {
      await pause();
      const { result, message } = await this.#result(node, id);
      if (result === 'failed') throw new Error(`${node.name} could not ${order.order}: ${message}`);
      if (result === 'done') break;
    }
    while (!(await this.health(node))?.up) await pause();
  }

  async #result(node: Endpoint, id: string): Promise<z.infer<typeof orderAnswer>> {
    const response = await this.#fetch(node, `/orders/${id}`);
    if (!response.ok) throw new Error(`${node.name} lost the order: ${await response.text()}`);
    return orderAnswer.parse(await response.json());
  }

  #fetch(node: Endpoint, path: string, order: { method?: 'POST'; body?: string } = {}): Promise<Response> {
    const address = `${node.host}:${this.#port}${path}`;
    const headers = { Authorization: `Bearer ${this.#token}`, 'Content-Type': 'application/json' };
    const ca = this.#ca;
    if (ca !== undefined)
      return askOverTls(`https://${address}`, { ...order, headers, timeoutMs: REQUEST_TIMEOUT_MS, ca });
    return fetch(`http://${address}`, { ...order, headers, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
  }
}
