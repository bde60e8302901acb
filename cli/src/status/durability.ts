import type { LabState } from '../state.ts';

/** In one line: what has become of an acknowledged write when the primary dies. */
export function durabilityText({ topology, durability }: Pick<LabState, 'topology' | 'durability'>): string {
  if (topology === 'single')
    return 'Writes are on one node only: there is no replica to wait for or to promote.';
  return durability === 'quorum'
    ? 'A write is acknowledged when a replica has it. When the primary dies, a replica is promoted and has them all.'
    : 'Writes acknowledged in the last moments before the primary dies may be lost; nobody is promoted.';
}
