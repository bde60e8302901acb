import { replicationUser } from '../config.ts';
import { CHANNEL_RENEW_MS, type NodeState } from '../failover.ts';
import type { Connection, Endpoint } from '../types.ts';
import { waitFor } from '../wait-for.ts';
import { BootstrapError } from './errors.ts';
import type { LabAccess } from './observe.ts';

const CONNECT_TIMEOUT_MS = 3000;
const ORDER_TIMEOUT_MS = 5000;
const CONFIRM_TIMEOUT_MS = 20_000;

/**
 * The locks of the nodes, as a supervisor holds them (see `EngineFailover`), for as long as a bootstrap works: who has them
 * changes the lab, and nobody else does. Nodes whose database does not exist yet have no lock, and need none: no supervisor
 * can act on them.
 */
export class LabLocks implements AsyncDisposable {
  readonly #access: LabAccess;
  readonly #channels = new Map<string, Connection>();
  #renewal: NodeJS.Timeout | undefined;
  #isRenewing = false;
  #lost: string | null = null;

  private constructor(access: LabAccess) {
    this.#access = access;
  }

  /** Null when somebody else holds one of them: a supervisor acts. Nodes that do not answer are left out. */
  static async take(access: LabAccess, nodes: readonly Endpoint[]): Promise<LabLocks | null> {
    const locks = new LabLocks(access);
    const taken = await Promise.all(nodes.map((node) => locks.#take(node)));
    if (taken.includes('other')) {
      await locks[Symbol.asyncDispose]();
      return null;
    }
    locks.#renewal = setInterval(() => void locks.#renew(), CHANNEL_RENEW_MS);
    return locks;
  }

  async #take(node: Endpoint): Promise<'held' | 'other' | 'none'> {
    const { engine, admin, database } = this.#access;
    let channel: Connection;
    try {
      channel = await engine.failover.openChannel(node, admin, {
        database,
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
      });
    } catch {
      return 'none';
    }
    if (await engine.failover.lock(channel, { timeoutMs: ORDER_TIMEOUT_MS }).catch(() => false)) {
      this.#channels.set(node.name, channel);
      return 'held';
    }
    channel.destroy();
    return 'other';
  }

  async #renew(): Promise<void> {
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    await Promise.all(
      [...this.#channels].map(async ([name, channel]) => {
        const held = await this.#access.engine.failover
          .lock(channel, { timeoutMs: ORDER_TIMEOUT_MS })
          .catch(() => false);
        if (!held) this.#lost ??= name;
      }),
    );
    this.#isRenewing = false;
  }

  /** Throws BootstrapError `locks-lost` when they are not all held any more: before each thing that changes a node. */
  check(): void {
    if (this.#lost === null) return;
    const text = `the lock of ${this.#lost} was lost: somebody else may act. Nothing more is done here.`;
    throw new BootstrapError('locks-lost', text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#renewal);
    for (const channel of this.#channels.values()) channel.destroy();
    this.#channels.clear();
  }
}

/** Works on a channel to one node; see `EngineFailover`. */
export async function onChannel<T>(
  { engine, admin, database }: LabAccess,
  node: Endpoint,
  work: (channel: Connection) => Promise<T>,
): Promise<T> {
  const options = { database, connectTimeoutMs: CONNECT_TIMEOUT_MS };
  const channel = await engine.failover.openChannel(node, admin, options);
  try {
    return await work(channel);
  } finally {
    channel.destroy();
  }
}

/** Commits on `node` wait for one of `voters` from now on. */
export function armNode(access: LabAccess, node: Endpoint, voters: readonly Endpoint[]): Promise<void> {
  return onChannel(access, node, (channel) =>
    access.engine.failover.arm(channel, voters, { timeoutMs: ORDER_TIMEOUT_MS }),
  );
}

/** Waits until a voter confirms what `node` commits. Throws BootstrapError `nobody-confirms`. */
export async function awaitConfirmer(
  access: LabAccess,
  node: Endpoint,
  voters: readonly Endpoint[],
  signal: AbortSignal,
): Promise<void> {
  const names = voters.map(({ name }) => replicationUser(name));
  const confirmed = () =>
    onChannel(access, node, async (channel) => {
      const { quorum }: NodeState = await access.engine.failover.observe(channel, {
        timeoutMs: ORDER_TIMEOUT_MS,
      });
      return quorum.armed && names.some((name) => quorum.confirming.includes(name));
    });
  if (await waitFor(confirmed, { timeoutMs: CONFIRM_TIMEOUT_MS, everyMs: 50, signal })) return;
  throw new BootstrapError(
    'nobody-confirms',
    `no replica confirms what ${node.name} commits after ${CONFIRM_TIMEOUT_MS} ms, so it stays closed. Start another node, ` +
      'or bring the lab up with DURABILITY=async, which does not wait for one.',
  );
}
