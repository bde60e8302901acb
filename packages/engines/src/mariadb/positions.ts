import { MAX_POSITION_CHARS, memoised } from '../session/position-text.ts';
import { EngineError, type Position, type PositionOps } from '../types.ts';

interface Gtid {
  readonly server: number;
  readonly sequence: number;
}
/** Domain id -> the last transaction of that domain. */
type GtidList = ReadonlyMap<number, Gtid>;

const GTID = /^(\d{1,10})-(\d{1,10})-(\d{1,16})$/;
const MAX_ID = 2 ** 32 - 1;

function parseList(text: string): GtidList | null {
  const list = new Map<number, Gtid>();
  for (const entry of text.split(',')) {
    const trimmed = entry.trim();
    if (trimmed === '') continue;
    const match = GTID.exec(trimmed);
    if (!match) return null;
    const [domain, server, sequence] = match.slice(1).map(Number) as [number, number, number];
    if (domain > MAX_ID || server > MAX_ID || !Number.isSafeInteger(sequence)) return null;
    if (sequence > 0) list.set(domain, later(list.get(domain), { server, sequence }));
  }
  return list;
}

/**
 * Within a domain the sequence number alone orders transactions (gtid_strict_mode): the server id says who wrote
 * the last one, which changes with every promotion. It only breaks ties, so that the choice is always the same.
 */
function later(a: Gtid | undefined, b: Gtid): Gtid {
  if (!a) return b;
  if (a.sequence !== b.sequence) return a.sequence > b.sequence ? a : b;
  return a.server >= b.server ? a : b;
}

function toPosition(list: GtidList): Position {
  return [...list]
    .sort(([a], [b]) => a - b)
    .map(([domain, { server, sequence }]) => `${domain}-${server}-${sequence}`)
    .join(',') as Position;
}

const read = memoised((position: string): GtidList => parseList(position) ?? new Map());

function countMissing(have: GtidList, need: GtidList): number {
  let missing = 0;
  for (const [domain, { sequence }] of need) {
    missing += Math.max(0, sequence - (have.get(domain)?.sequence ?? 0));
  }
  return missing;
}

function mergeLists(a: GtidList, b: GtidList): GtidList {
  const merged = new Map(a);
  for (const [domain, gtid] of b) merged.set(domain, later(merged.get(domain), gtid));
  return merged;
}

/** MariaDB positions are GTID lists, one `domain-server-sequence` a domain, in order of the domain: `0-1-5,1-2-7`. */
export const positions: PositionOps = {
  parse(text) {
    if (typeof text !== 'string' || text.length > MAX_POSITION_CHARS) return null;
    const list = parseList(text);
    return list && toPosition(list);
  },
  covers: (have, need) => have === need || countMissing(read(have), read(need)) === 0,
  merge(a, b) {
    if (a === '' || a === b) return b; // the usual case of a session's first write
    return toPosition(mergeLists(read(a), read(b)));
  },
  distance: (have, need) => (have === need ? 0 : countMissing(read(have), read(need))),
  empty: '' as Position,
};

/** Canonical form of a list the server printed (no size limit: it is ours). */
export function positionFromServer(text: string): Position {
  const list = parseList(text);
  if (!list)
    throw new EngineError('other', `MariaDB answered with a GTID list that this client cannot read: ${text}`);
  return toPosition(list);
}

/** The last transactions of `logged`, by domain, that this server wrote and that `applied` does not come up to. */
export function writtenBy(server: number, logged: Position, applied: Position): Position {
  const other = read(applied);
  const own = [...read(logged)].filter(
    ([domain, gtid]) => gtid.server === server && gtid.sequence > (other.get(domain)?.sequence ?? 0),
  );
  return toPosition(new Map(own));
}

/** What both name: in each domain the lesser. */
export function common(a: Position, b: Position): Position {
  const other = read(b);
  const shared = new Map<number, Gtid>();
  for (const [domain, gtid] of read(a)) {
    const match = other.get(domain);
    if (match) shared.set(domain, match.sequence < gtid.sequence ? match : gtid);
  }
  return toPosition(shared);
}

/** In every domain `count` transactions less. */
export function lowered(position: Position, count: number): Position {
  if (count === 0) return position;
  const list = new Map<number, Gtid>();
  for (const [domain, { server, sequence }] of read(position)) {
    if (sequence > count) list.set(domain, { server, sequence: sequence - count });
  }
  return toPosition(list);
}
