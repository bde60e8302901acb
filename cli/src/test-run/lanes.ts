import { execa } from 'execa';

/** One of several runs side by side: how its command begins, and which share of the files it takes. */
export interface Lane {
  readonly prefix: readonly string[];
  readonly options: readonly string[];
}

/** Unit tests run side by side already; whole labs want the machine for themselves. */
export const ALONE: Lane = { prefix: [], options: [] };

/** Integration tests mostly wait for servers: two at a time keep two cores busy, three would make them late. */
const LANES = 2;

// Tests of different files use the same loopback addresses: a lane has a loopback of its own, and nothing else.
const IN_OWN_NETWORK = ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$0" "$@"'];

/**
 * The lanes in which integration tests run. One, in this network, where there may be no namespace (not Linux, not
 * root, or no `ip`).
 */
export async function integrationLanes(): Promise<Lane[]> {
  const [command, ...args] = [...IN_OWN_NETWORK, 'true'];
  const tried = await execa(command!, args, { reject: false, timeout: 5_000 });
  if (tried.failed) return [ALONE];
  return Array.from({ length: LANES }, (_, i) => ({
    prefix: IN_OWN_NETWORK,
    options: [`--shard=${i + 1}/${LANES}`],
  }));
}
