import type { NodeState } from '@replication-lab/engines';
import { replicationUser } from '@replication-lab/engines/config';
import type { NodeReport, StepContext } from './types.ts';

/** The address by which others name this node as their source; null for no node. */
export const hostOf = (
  { endpoints }: Pick<StepContext, 'endpoints'>,
  name: string | undefined,
): string | null => endpoints.find((endpoint) => endpoint.name === name)?.host ?? null;

/** Does this node, which answers, receive from the one at `host` at this moment? */
export const follows = ({ state, failure }: NodeReport, host: string | null): boolean =>
  failure === null && state !== null && !state.detached && state.linked && state.source === host;

/** The reigns that this node tells of and one that knows no newer than `epoch` has missed; the oldest first. */
export const reignsAfter = (
  { reigns }: Pick<NodeReport, 'reigns'>,
  epoch: number,
): (NodeReport['reigns'][number] & { readonly number: number })[] =>
  Object.entries(reigns)
    .map(([number, reign]) => ({ number: Number(number), ...reign }))
    .filter(({ number }) => number > epoch)
    .sort((a, b) => a.number - b.number);

/**
 * Does this (drained) node hold what the primary does not? MariaDB numbers a new reign's transactions on from the old one's,
 * so there the fork has to tell: what a node that knows nothing of the next reign holds beyond its beginning is foreign to it.
 */
export function holdsForeign(
  { state }: Pick<NodeReport, 'state'>,
  primary: Pick<NodeReport, 'state' | 'reigns'>,
  covers: StepContext['positions']['covers'],
): boolean {
  if (state === null || primary.state === null) return false;
  if (!covers(primary.state.held, state.held)) return true;
  const fork = reignsAfter(primary, state.epoch)[0]?.fork;
  return fork != null && covers(state.position, state.received) && !covers(fork, state.held);
}

/** Does one of `voters` confirm the commits of the node that says this of itself? */
export const isConfirmed = ({ quorum }: NodeState, voters: readonly NodeReport[]): boolean =>
  voters.some(({ name }) => quorum.confirming.includes(replicationUser(name)));

/** Who began the newest reign that any of them tells of; null before the first one. */
export function newestReign(nodes: readonly NodeReport[]): { epoch: number; node: string } | null {
  let newest: { epoch: number; node: string } | null = null;
  for (const { reign } of nodes) if (reign && reign.epoch > (newest?.epoch ?? 0)) newest = reign;
  return newest;
}
