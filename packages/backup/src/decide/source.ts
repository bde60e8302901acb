import type { NodeProbe, Position, PositionOps } from '@replication-lab/engines';

export interface Candidate {
  readonly name: string;
  readonly probe: NodeProbe | null;
}

/** Which node is read. `why` is null for a replica, else what a person should know. */
export interface Choice {
  readonly name: string;
  readonly why: string | null;
}

/**
 * A replica that has come up to `upTo`, the one of last time if it is among them: its log goes on where the archive ends. The primary
 * only when there is none. Null: no node can be read.
 */
export function chooseSource(
  candidates: readonly Candidate[],
  upTo: Position,
  positions: Pick<PositionOps, 'covers'>,
  lastTime: string | null,
): Choice | null {
  const replicas = candidates.filter(
    ({ probe }) => probe?.role === 'replica' && probe.replicating && positions.covers(probe.position, upTo),
  );
  // The highest name: people and failovers look at the others first.
  const replica = replicas.find(({ name }) => name === lastTime) ?? replicas.at(-1);
  if (replica) return { name: replica.name, why: null };
  const primary = candidates.find(({ probe }) => probe?.role === 'primary');
  if (!primary) return null;
  const others = candidates.some(({ probe }) => probe?.role === 'replica');
  return {
    name: primary.name,
    why: others ? 'no replica has caught up' : 'there is no replica',
  };
}
