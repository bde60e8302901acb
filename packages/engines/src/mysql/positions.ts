import { MAX_POSITION_CHARS, memoised } from '../session/position-text.ts';
import { EngineError, type Position, type PositionOps } from '../types.ts';
import { countMissing, formatGtidSet, type GtidSet, parseGtidSet, unite } from './gtid-set.ts';

/**
 * MySQL positions are GTID sets in canonical text, for example
 * `0a…01:1-70,0a…02:1-3:5:tag:1-2`. Sets, not highest numbers: replicas may have gaps.
 */
export const positions: PositionOps = {
  parse(text) {
    if (typeof text !== 'string' || text.length > MAX_POSITION_CHARS) return null;
    const set = parseGtidSet(text);
    return set && toPosition(set);
  },
  covers: (have, need) => have === need || countMissing(read(have), read(need)) === 0,
  merge: (a, b) => (a === b || b === '' ? a : a === '' ? b : toPosition(unite(read(a), read(b)))),
  distance: (have, need) => (have === need ? 0 : countMissing(read(have), read(need))),
  empty: '' as Position,
};

/** The transactions that this server wrote. */
export function writtenBy(position: Position, serverId: string): Position {
  const own = [...read(position)].filter(([source]) => source.startsWith(serverId));
  return toPosition(new Map(own));
}

const toPosition = (set: GtidSet): Position => formatGtidSet(set) as Position;
const read = memoised((position: string): GtidSet => parseGtidSet(position) ?? new Map());

/** A set the server printed (no size limit: it is ours). */
export function setFromServer(text: string): GtidSet {
  const set = parseGtidSet(text);
  if (!set)
    throw new EngineError('other', `MySQL answered with a GTID set that this client cannot read: ${text}`);
  return set;
}

/** Canonical form of a set the server printed. */
export const positionFromServer = (text: string): Position => toPosition(setFromServer(text));

/** `gtid_owned` names the owning thread with every number: `uuid:23#70:24#71`. Keeps the numbers only. */
export const withoutOwners = (text: string): string => text.replace(/(?:#\d+)+/g, '');

export const positionFromOwned = (text: string): Position => positionFromServer(withoutOwners(text));
