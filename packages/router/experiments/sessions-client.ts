import type { EngineName } from '@replication-lab/engines';
import type { RouteReason, Router } from '../src/index.ts';
import { Random } from './random.ts';
import { statements } from './setup.ts';

/** Shares of the operations of every client. What is left are session reads. */
export const MIX = {
  write: 1 / 34,
  eventualRead: 3 / 34,
  /** Of the writes: a register of the client's own, the rest bumps one that all share. */
  ownWrite: 2 / 3,
  /** Of the writes of own registers: in a transaction; by a statement that does not tell its position. */
  inTransaction: 0.2,
  positionUnknown: 0.1,
  /** Of the reads: of an own register. */
  ownRead: 0.4,
  /** How often the next operation follows at once, after a write and after a read. Else other clients come first. */
  atOnceAfterWrite: 0.5,
  atOnceAfterRead: 0.05,
} as const;

export const SHARED_KEYS = 16;
export const OWN_KEYS = 2;
const FIRST_OWN_KEY = 1_000_000;

export const ownKey = (client: number, i: number): number => FIRST_OWN_KEY + client * OWN_KEYS + i;

export const allKeys = (clients: number): number[] => [
  ...Array.from({ length: SHARED_KEYS }, (_, i) => i),
  ...Array.from({ length: clients * OWN_KEYS }, (_, i) => FIRST_OWN_KEY + i),
];

/** A client between two operations: plain data, so that it can go on in another process. Registers: own, then shared. */
export interface ClientState {
  readonly id: number;
  token: string | undefined;
  random: number;
  /** Per register: what a read must at least show because this client wrote it; -1: nothing. */
  readonly written: number[];
  /** Per register: the newest version that a session read of this client has shown; -1: none yet. */
  readonly seen: number[];
  /** Per own register: the newest version that was ever sent, acknowledged or not. */
  readonly sent: number[];
}

export function newClient(id: number, seed: number): ClientState {
  const registers = OWN_KEYS + SHARED_KEYS;
  return {
    id,
    token: undefined,
    random: Random.of(seed, id).state,
    written: Array<number>(registers).fill(-1),
    seen: Array<number>(registers).fill(-1),
    sent: Array<number>(OWN_KEYS).fill(0),
  };
}

export interface Judged {
  readonly eligibleForOwnWrites: boolean;
  readonly eligibleForMonotonic: boolean;
  readonly ownWriteMissing: boolean;
  readonly wentBack: boolean;
  /** A version that nobody ever sent: the experiment itself is wrong. */
  readonly impossible: boolean;
}

/** What a read that showed `version` says of the promises made to `client`. Pure: values only, no node, no time. */
export function judge(client: ClientState, register: number, version: number): Judged {
  const written = client.written[register]!;
  const seen = client.seen[register]!;
  return {
    eligibleForOwnWrites: written >= 0,
    eligibleForMonotonic: seen >= 0,
    ownWriteMissing: version < written,
    wentBack: version < seen,
    impossible: register < OWN_KEYS && version > client.sent[register]!,
  };
}

export type Done =
  | {
      readonly kind: 'session' | 'eventual';
      readonly judged: Judged;
      readonly role: 'primary' | 'replica';
      readonly reason: RouteReason;
      readonly ms: number;
      readonly what: string;
    }
  | { readonly kind: 'write'; readonly ms: number }
  | { readonly kind: 'error'; readonly of: 'read' | 'write'; readonly code: string };

export type Control = 'eventual' | 'lost-token' | null;

/** Performs the operations of clients through one router. */
export class Operator {
  readonly #router: Router;
  readonly #sql: ReturnType<typeof statements>;
  readonly #control: Control;

  constructor(router: Router, engine: EngineName, control: Control) {
    this.#router = router;
    this.#sql = statements(engine);
    this.#control = control;
  }

  /** One operation of `client`, whose state and token it moves on. Errors are part of the answer. */
  async step(client: ClientState, random: Random): Promise<Done> {
    const startedMs = performance.now();
    const dice = random.next();
    const isWrite = dice < MIX.write;
    try {
      if (isWrite) {
        await this.#write(client, random);
        return { kind: 'write', ms: performance.now() - startedMs };
      }
      return await this.#read(client, random, dice < MIX.write + MIX.eventualRead, startedMs);
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      if (typeof code !== 'string') throw error; // a mistake in the experiment
      return { kind: 'error', of: isWrite ? 'write' : 'read', code };
    }
  }

  async #read(client: ClientState, random: Random, eventual: boolean, startedMs: number): Promise<Done> {
    const own = random.next() < MIX.ownRead;
    const register = own ? random.below(OWN_KEYS) : OWN_KEYS + random.below(SHARED_KEYS);
    const key = own ? ownKey(client.id, register) : register - OWN_KEYS;
    const level = eventual || this.#control === 'eventual' ? 'eventual' : 'session';
    const token = client.token;
    const { rows, decision, ...after } = await this.#router.read(this.#sql.readKey, [key], { level, token });
    const ms = performance.now() - startedMs;
    const version = Number(rows[0]?.v);
    const judged = judge(client, register, version);
    const { written, seen } = client;
    const what = `client ${client.id} read ${own ? 'own' : 'shared'} key ${key}: version ${version} from ${decision.node} (${decision.reason}); had written ${written[register]}, seen ${seen[register]}`;
    if (!eventual) {
      seen[register] = Math.max(seen[register]!, version);
      client.token = after.token;
    }
    return {
      kind: eventual ? 'eventual' : 'session',
      judged,
      role: decision.role,
      reason: decision.reason,
      ms,
      what,
    };
  }

  async #write(client: ClientState, random: Random): Promise<void> {
    const own = random.next() < MIX.ownWrite;
    const register = own ? random.below(OWN_KEYS) : OWN_KEYS + random.below(SHARED_KEYS);
    const { token } = client;
    if (!own) {
      const { seen, written } = client;
      const outcome = await this.#router.write(this.#sql.bumpKey, [register - OWN_KEYS], { token });
      // Whatever others did: one more than this client had proof of.
      written[register] = Math.max(seen[register]!, written[register]!, 0) + 1;
      client.token = outcome.token;
      return;
    }
    client.sent[register]! += 1;
    const version = client.sent[register]!;
    client.token = await this.#writeOwn(version, ownKey(client.id, register), token, random.next());
    client.written[register] = version;
  }

  async #writeOwn(version: number, key: number, token: string | undefined, dice: number): Promise<string> {
    const { setKey, setKeyReturning } = this.#sql;
    if (dice < MIX.inTransaction) {
      const work = (tx: { query(sql: string, params: readonly number[]): Promise<unknown> }) =>
        tx.query(setKey, [version, key]);
      return (await this.#router.transaction(work, { token })).token;
    }
    const unknown = dice < MIX.inTransaction + MIX.positionUnknown && setKeyReturning !== null;
    return (await this.#router.write(unknown ? setKeyReturning : setKey, [version, key], { token })).token;
  }
}
