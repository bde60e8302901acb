import type { NodeState } from '@replication-lab/engines';
import { replicationUser } from '@replication-lab/engines/config';
import type { NodeReport, StepContext } from './types.ts';

/** The address by which others name this node as their source; null for no node. */
export const hostOf = (
  { endpoints }: Pick<StepContext, 'endpoints'>,
  name: string | undefined,
): string | null => endpoints.find((endpoint) => endpoint.name === name)?.host ?? null;

/** Does one of `voters` confirm the commits of the node that says this of itself? */
export const isConfirmed = ({ quorum }: NodeState, voters: readonly NodeReport[]): boolean =>
  voters.some(({ name }) => quorum.confirming.includes(replicationUser(name)));

/** Who began the newest reign that any of them tells of; null before the first one. */
export function newestReign(nodes: readonly NodeReport[]): { epoch: number; node: string } | null {
  let newest: { epoch: number; node: string } | null = null;
  for (const { reign } of nodes) if (reign && reign.epoch > (newest?.epoch ?? 0)) newest = reign;
  return newest;
}
