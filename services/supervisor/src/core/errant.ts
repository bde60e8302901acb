import { follows, hostOf, isConfirmed, reignsAfter } from './nodes.ts';
import type { Action, AgentOrder, Explained, NodeReport, StepContext } from './types.ts';

type Covers = StepContext['positions']['covers'];

/**
 * Has somebody written on this node although it was no primary? It goes by what the node alone tells: the newest reign, of another
 * node, began with all that was there to be kept; what this one wrote itself beyond that, it wrote on its own account.
 */
export function isErrant({ name, state, reigns }: NodeReport, covers: Covers): boolean {
  if (state === null || state.promoted || state.ownWrites === '') return false;
  const newest = reigns[state.epoch];
  if (!newest?.node || newest.node === name || newest.fork === null) return false;
  return !covers(newest.fork, state.ownWrites);
}

/**
 * Nobody was told that such a write was done: a reign acknowledges what its own primary wrote, so it would have to be from a reign
 * of this node, and each promotion after its last one kept all of those.
 */
function wasNeverAcknowledged({ name, reigns }: NodeReport): boolean {
  const known = reignsAfter({ reigns }, 0);
  const last = known.findLastIndex(({ node }) => node === name);
  if (last < 0 && known[0]?.number === 1) return known.every(({ node }) => node !== undefined);
  return known.slice(last + 1).every(({ node, lossless }) => node !== undefined && lossless);
}

/**
 * What is done about one: it receives no more, so that it confirms nothing, and is made anew. Only beside an open primary whose
 * commits another replica confirms; that one then has everything that was ever acknowledged, and can go on.
 */
export function healErrant(
  voter: NodeReport,
  primary: NodeReport,
  voters: readonly NodeReport[],
  order: Omit<AgentOrder, 'do' | 'node'>,
  isSettled: boolean,
  context: Pick<StepContext, 'endpoints' | 'positions'>,
): { readonly actions: readonly Action[]; readonly reason: Explained } {
  const { name, state } = voter;
  const what = `${name} was written to while ${primary.name} was the primary (${state!.ownWrites})`;
  const wait = (why: string) => ({
    actions: [],
    reason: { reason: 'errant-write', detail: `${what}: ${why}` } as const,
  });
  if (!wasNeverAcknowledged(voter))
    return wait('nobody proved that this was never acknowledged, so a person has to decide');
  const host = hostOf(context, primary.name);
  const others = voters.filter(
    (other) => other !== voter && follows(other, host) && !isErrant(other, context.positions.covers),
  );
  const { armed } = primary.state!.quorum;
  if (!armed || others.length === 0 || !isConfirmed(primary.state!, others))
    return wait(`it is made anew once another replica confirms the commits of ${primary.name}`);
  const reason = { reason: 'errant-write', detail: `${what}: it is made anew` } as const;
  if (!state!.detached) return { actions: [{ do: 'detach', node: name }], reason };
  return { actions: isSettled ? [{ do: 'rebuild', node: name, ...order }] : [], reason };
}
