import type { NodeProbe, Position, PositionOps } from '@replication-lab/engines';

export interface Candidate {
  readonly name: string;
  readonly probe: NodeProbe | null;
}

/** Which node is read. `why` is null for a replica that has caught up, else what a person should know of the node. */
export interface Choice {
  readonly name: string;
  readonly why: string | null;
}

/**
 * A replica that has come up to `upTo`, the one of last time if it is among them: its log goes on where the archive ends. The primary
 * only when there is none. Null: no node can be read.
 *
 * `mayLag`: what is read need not be up to date, only of one moment, so the replica that lacks least will do before the
 * primary, whose writers would pay for it. It has to be in the primary's reign: before, its past may not be the primary's.
 */
export function chooseSource(
  candidates: readonly Candidate[],
  upTo: Position,
  positions: Pick<PositionOps, 'covers' | 'distance'>,
  lastTime: string | null,
  mayLag: boolean,
): Choice | null {
  const replicas = candidates.filter(({ probe }) => probe?.role === 'replica' && probe.replicating);
  // The highest name: people and failovers look at the others first.
  const caughtUp = replicas.filter(({ probe }) => positions.covers(probe!.position, upTo));
  const replica = caughtUp.find(({ name }) => name === lastTime) ?? caughtUp.at(-1);
  if (replica) return { name: replica.name, why: null };
  const primary = candidates.find(({ probe }) => probe?.role === 'primary');
  if (!primary) return null;
  if (mayLag) {
    const missing = ({ probe }: Candidate) => positions.distance(probe!.position, upTo);
    const [nearest] = replicas
      .filter(({ probe }) => probe!.epoch === primary.probe!.epoch)
      .toSorted((a, b) => missing(a) - missing(b));
    if (nearest) return { name: nearest.name, why: 'a replica that is behind: none has caught up' };
  }
  const others = candidates.some(({ probe }) => probe?.role === 'replica');
  const why = others ? 'no replica has caught up' : 'there is no replica';
  return { name: primary.name, why: `the primary: ${why}` };
}
