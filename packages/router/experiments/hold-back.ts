import type { Connection } from '@replication-lab/engines';
import { engineOf } from '@replication-lab/engines/local';
import type { Cluster } from '@replication-lab/engines/testing';
import { clockMs, pause } from './setup.ts';

/**
 * How a replica is held back. `delay`: the engine's own apply delay, whole seconds, even lag. `pause`: the applier stands
 * still for `ms`, catches up, stands still again: lag below a second, in a saw-tooth.
 */
export type LagPlan =
  | { readonly kind: 'delay'; readonly seconds: number }
  | { readonly kind: 'pause'; readonly ms: number };

/** Reads `delay:1` or `pause:600`. Throws RangeError. */
export function parseLag(text: string): LagPlan {
  const [, kind, amount] = /^(delay|pause):([1-9]\d{0,4})$/.exec(text) ?? [];
  if (kind === 'delay') return { kind, seconds: Number(amount) };
  if (kind === 'pause') return { kind, ms: Number(amount) };
  throw new RangeError(`--lag ${text}: write it as delay:SECONDS or pause:MILLISECONDS`);
}

/** Long enough for what a pause held back to be applied. */
const BREATH_MS = 60;

const APPLIER = {
  mysql: { hold: 'STOP REPLICA SQL_THREAD', release: 'START REPLICA SQL_THREAD' },
  mariadb: { hold: 'STOP SLAVE SQL_THREAD', release: 'START SLAVE SQL_THREAD' },
  postgres: { hold: 'SELECT pg_wal_replay_pause()', release: 'SELECT pg_wal_replay_resume()' },
} as const;

/** Holds `node` back until disposed of. */
export async function holdBack(cluster: Cluster, node: string, plan: LagPlan): Promise<AsyncDisposable> {
  const { admin } = engineOf(cluster.engine);
  const connection = await cluster.admin(node);
  if (plan.kind === 'delay') {
    await admin.setApplyDelay(connection, plan.seconds);
    return ending(async () => {
      await admin.setApplyDelay(connection, 0);
      await connection.close();
    });
  }
  const stop = new AbortController();
  const { hold, release } = APPLIER[cluster.engine];
  const finished = (async () => {
    while (!stop.signal.aborted) {
      await connection.query(hold);
      await pause(plan.ms, stop.signal);
      await connection.query(release);
      await pause(BREATH_MS, stop.signal);
    }
  })();
  finished.catch(() => {}); // told to whoever disposes
  return ending(async () => {
    stop.abort();
    await finished;
    await connection.close();
  });
}

const ending = (end: () => Promise<void>): AsyncDisposable => ({ [Symbol.asyncDispose]: end });

const BEAT_MS = 40;
const REMEMBERED_BEATS = 4_096;

interface LagSample {
  readonly atMs: number;
  readonly lagMs: number;
}

/**
 * Measures lag as a reader sees it: a counter in a row of the primary grows every 40 ms, and each replica is asked which
 * count it shows. The lag is the age of the oldest count that was acknowledged and is not shown: a lower bound, 0 for a
 * replica that shows the newest.
 */
export class LagMeter implements AsyncDisposable {
  readonly #acknowledgedAtMs = new Map<number, number>();
  readonly #samples: Map<string, LagSample[]>;
  readonly #connections: Connection[] = [];
  readonly #stop = new AbortController();
  readonly #loops: Promise<void>[] = [];
  #newest = 0;

  private constructor(nodes: readonly string[]) {
    this.#samples = new Map(nodes.map((node) => [node, []]));
  }

  static async start(cluster: Cluster, primary: string, replicas: readonly string[]): Promise<LagMeter> {
    const meter = new LagMeter(replicas);
    const writer = await cluster.admin(primary);
    meter.#connections.push(writer);
    meter.#loops.push(meter.#beat(writer));
    for (const node of replicas) {
      const reader = await cluster.admin(node);
      meter.#connections.push(reader);
      meter.#loops.push(meter.#watch(node, reader));
    }
    return meter;
  }

  /** The smallest lag of `node` between two moments of `clockMs`; null when it was not measured then. */
  smallestMs(node: string, fromMs: number, toMs: number): number | null {
    const samples = this.#of(node);
    let smallest: number | null = null;
    // From the end: who asks wants to know of a moment ago.
    for (let i = samples.length - 1; i >= 0 && samples[i]!.atMs >= fromMs; i--) {
      const { atMs, lagMs } = samples[i]!;
      if (atMs <= toMs) smallest = Math.min(smallest ?? lagMs, lagMs);
    }
    return smallest;
  }

  /** All that was measured of `node`, in ms. */
  measured(node: string): number[] {
    return this.#of(node).map(({ lagMs }) => lagMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
    await Promise.all(this.#connections.map((connection) => connection.close()));
  }

  #of(node: string): LagSample[] {
    return this.#samples.get(node) ?? [];
  }

  async #beat(writer: Connection): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const next = this.#newest + 1;
      await writer.query(`UPDATE exp_beat SET n = ${next} WHERE id = 1`);
      this.#acknowledgedAtMs.set(next, clockMs());
      this.#acknowledgedAtMs.delete(next - REMEMBERED_BEATS);
      this.#newest = next;
      await pause(BEAT_MS, this.#stop.signal);
    }
  }

  #lagMs(shown: number, atMs: number): number {
    if (shown >= this.#newest) return 0;
    const missingSinceMs = this.#acknowledgedAtMs.get(shown + 1);
    // Forgotten: missing for longer than anything that is remembered.
    return missingSinceMs === undefined ? REMEMBERED_BEATS * BEAT_MS : Math.max(0, atMs - missingSinceMs);
  }

  async #watch(node: string, reader: Connection): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const atMs = clockMs();
      const { rows } = await reader.query('SELECT n FROM exp_beat WHERE id = 1');
      this.#of(node).push({ atMs, lagMs: this.#lagMs(Number(rows[0]?.n), atMs) });
      await pause(BEAT_MS, this.#stop.signal);
    }
  }
}
