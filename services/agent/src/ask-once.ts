import type { Credentials, Endpoint, EngineClient } from '@replication-lab/engines';
import { type LiveAnswer, LiveProbe } from './live-probe.ts';

/** What a node is, now, on a connection of its own that ends with the answer. Never throws; at most about twice `timeoutMs`. */
export async function askOnce(
  client: EngineClient,
  node: Endpoint,
  credentials: Credentials,
  timeoutMs: number,
): Promise<LiveAnswer> {
  const probe = new LiveProbe(client, node, credentials, timeoutMs);
  try {
    return await probe.ask();
  } finally {
    probe.close();
  }
}
