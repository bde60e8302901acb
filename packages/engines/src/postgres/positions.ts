import { MAX_POSITION_CHARS, memoised } from '../session/position-text.ts';
import { EngineError, type Position, type PositionOps } from '../types.ts';

/** Timeline -> how far that timeline's log is named. */
type Reach = ReadonlyMap<number, bigint>;

const ENTRY = /^(\d{1,10})\/([0-9a-f]{1,8})\/([0-9a-f]{1,8})$/i;
const MAX_TIMELINE = 2 ** 32 - 1;
/** As `%X/%X` prints it, and not 0/0, which is no place at all. */
const CANONICAL_LSN = /^(?:0|[1-9A-F][0-9A-F]{0,7})\/[1-9A-F][0-9A-F]{0,7}$/;

function parseReach(text: string): Reach | null {
  const reach = new Map<number, bigint>();
  for (const entry of text.split(',')) {
    const trimmed = entry.trim();
    if (trimmed === '') continue;
    const match = ENTRY.exec(trimmed);
    const timeline = Number(match?.[1]);
    if (!match || timeline < 1 || timeline > MAX_TIMELINE) return null;
    const lsn = (BigInt(`0x${match[2]}`) << 32n) | BigInt(`0x${match[3]}`);
    if (lsn > (reach.get(timeline) ?? 0n)) reach.set(timeline, lsn); // 0/0 means "nowhere"
  }
  return reach;
}

const formatLsn = (lsn: bigint): string =>
  `${(lsn >> 32n).toString(16)}/${(lsn & 0xffffffffn).toString(16)}`.toUpperCase();

function toPosition(reach: Reach): Position {
  return [...reach]
    .sort(([a], [b]) => a - b)
    .map(([timeline, lsn]) => `${timeline}/${formatLsn(lsn)}`)
    .join(',') as Position;
}

const read = memoised((position: string): Reach => parseReach(position) ?? new Map());

function covers(have: Reach, need: Reach): boolean {
  for (const [timeline, lsn] of need) {
    if ((have.get(timeline) ?? 0n) < lsn) return false;
  }
  return true;
}

function mergeReaches(a: Reach, b: Reach): Reach {
  const merged = new Map(a);
  for (const [timeline, lsn] of b) if (lsn > (merged.get(timeline) ?? 0n)) merged.set(timeline, lsn);
  return merged;
}

function missingBytes(have: Reach, need: Reach): number {
  let missing = 0n;
  for (const [timeline, lsn] of need) {
    const held = have.get(timeline) ?? 0n;
    if (lsn > held) missing += lsn - held;
  }
  return Number(missing);
}

/**
 * Below 0: `a` is before `b`. Null: not to be told without taking them apart, because they name several timelines, or two.
 * Numbers are hexadecimal without zeros in front, so the longer is the greater. This is the usual case by far: each write of a
 * service moves its session on, mostly along one timeline.
 */
function compareOnOne(a: string, b: string): number | null {
  const slash = a.indexOf('/') + 1;
  if (slash === 0 || !b.startsWith(a.slice(0, slash)) || a.includes(',') || b.includes(',')) return null;
  const [middleA, middleB] = [a.indexOf('/', slash), b.indexOf('/', slash)];
  const byHigh = middleA - middleB || compareText(a.slice(slash, middleA), b.slice(slash, middleB));
  if (byHigh !== 0) return byHigh;
  return a.length - b.length || compareText(a, b);
}

const compareText = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);

/**
 * PostgreSQL positions are `timeline/LSN`, for example `2/0/538E000`; a merged one may name several timelines, in
 * order and with a comma between: `1/0/5000000,2/0/538E000`.
 *
 * `2/0/538E000` says: all of the log up to there, on the history that ends in timeline 2. It does not cover any
 * position of timeline 1, not even a lower one. Timeline 1's log up to the fork is part of timeline 2's history,
 * what a lost primary wrote after the fork is not, and an LSN alone does not say which of the two it is. So the
 * answer is "not covered" (the caller then asks the primary), never a guess; a caller who knows the fork point
 * can add `1/<fork>` to what a node holds.
 */
export const positions: PositionOps = {
  parse(text) {
    if (typeof text !== 'string' || text.length > MAX_POSITION_CHARS) return null;
    const reach = parseReach(text);
    return reach && toPosition(reach);
  },
  covers(have, need) {
    if (have === need || need === '') return true;
    const order = compareOnOne(have, need);
    return order === null ? covers(read(have), read(need)) : order >= 0;
  },
  merge(a, b) {
    if (a === b || a === '') return b;
    const order = compareOnOne(a, b);
    if (order !== null) return order > 0 ? a : b;
    if (covers(read(b), read(a))) return b;
    return toPosition(mergeReaches(read(a), read(b)));
  },
  distance: (have, need) => (have === need ? 0 : missingBytes(read(have), read(need))),
  empty: '' as Position,
};

/** From what the server says: its timeline as a number and an LSN such as `0/538E000`. */
export function positionAt(timeline: number, lsn: string): Position {
  // Servers print LSNs in canonical form: what comes with every write need not be taken apart to be put together again.
  const isCanonical = timeline > 0 && CANONICAL_LSN.test(lsn);
  return isCanonical ? (`${timeline}/${lsn}` as Position) : positionFromServer(`${timeline}/${lsn}`);
}

/** Canonical form of a position the server printed (no size limit: it is ours). */
export function positionFromServer(text: string): Position {
  const reach = parseReach(text);
  if (!reach) {
    throw new EngineError(
      'other',
      `PostgreSQL answered with a position that this client cannot read: ${text}`,
    );
  }
  return toPosition(reach);
}

/** The newest timeline that a position names, 0 when it names none. */
export const newestTimeline = (position: Position): number => Math.max(0, ...read(position).keys());

/** The part of a position that names its newest timeline. */
export const newestEntry = (position: Position): Position =>
  position.slice(position.lastIndexOf(',') + 1) as Position;
