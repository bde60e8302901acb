/**
 * A GTID set: for each source (`uuid` or `uuid:tag`) the transaction numbers, as disjoint intervals in rising order
 * with a gap between neighbours. Both ends are inclusive.
 */
export type Interval = readonly [first: number, last: number];
export type GtidSet = ReadonlyMap<string, readonly Interval[]>;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TAG = /^[a-z_][a-z0-9_]{0,31}$/;
const INTERVAL = /^(\d{1,16})(?:-(\d{1,16}))?$/;

/**
 * Reads `uuid:1-3:5,uuid:tag:7-9`. Within a group a tag holds for the intervals that follow it, as MySQL 8.3 and
 * newer print it. Null when the text is anything else. The empty text is the empty set.
 */
export function parseGtidSet(text: string): GtidSet | null {
  const collected = new Map<string, Interval[]>();
  for (const group of text.split(',')) {
    const trimmed = group.trim();
    if (trimmed === '') continue;
    if (!collectGroup(trimmed.toLowerCase(), collected)) return null;
  }
  return new Map([...collected].map(([source, intervals]) => [source, joinIntervals(intervals)]));
}

function collectGroup(group: string, into: Map<string, Interval[]>): boolean {
  const [uuid = '', ...parts] = group.split(':').map((part) => part.trim());
  if (!UUID.test(uuid) || parts.length === 0) return false;
  let source = uuid;
  let awaitsInterval = true;
  for (const part of parts) {
    const interval = parseInterval(part);
    if (interval) {
      const intervals = into.get(source);
      if (intervals) intervals.push(interval);
      else into.set(source, [interval]);
      awaitsInterval = false;
    } else if (TAG.test(part)) {
      source = `${uuid}:${part}`;
      awaitsInterval = true;
    } else {
      return false;
    }
  }
  return !awaitsInterval;
}

function parseInterval(text: string): Interval | null {
  const match = INTERVAL.exec(text);
  if (!match) return null;
  const first = Number(match[1]);
  const last = match[2] === undefined ? first : Number(match[2]);
  return first >= 1 && first <= last && Number.isSafeInteger(last) ? [first, last] : null;
}

function joinIntervals(intervals: readonly Interval[]): Interval[] {
  const joined: [number, number][] = [];
  for (const [first, last] of [...intervals].sort((a, b) => a[0] - b[0])) {
    const previous = joined.at(-1);
    if (previous && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last);
    else joined.push([first, last]);
  }
  return joined;
}

/** One text for one set: sources in order, untagged before tagged, intervals joined. The server reads it too. */
export function formatGtidSet(set: GtidSet): string {
  const byUuid = new Map<string, string>();
  for (const source of [...set.keys()].sort()) {
    const [uuid, tag] = source.split(':') as [string, string | undefined];
    const intervals = set
      .get(source)!
      .map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
    const part = `${tag === undefined ? '' : `:${tag}`}:${intervals.join(':')}`;
    byUuid.set(uuid, `${byUuid.get(uuid) ?? uuid}${part}`);
  }
  return [...byUuid.values()].join(',');
}

export function unite(a: GtidSet, b: GtidSet): GtidSet {
  const union = new Map(a);
  for (const [source, intervals] of b) {
    union.set(source, joinIntervals([...(union.get(source) ?? []), ...intervals]));
  }
  return union;
}

/** How many transactions of `need` are missing from `have`. */
export function countMissing(have: GtidSet, need: GtidSet): number {
  let missing = 0;
  for (const [source, wanted] of need) {
    const held = have.get(source) ?? [];
    for (const [first, last] of wanted) missing += last - first + 1 - overlap(held, first, last);
  }
  return missing;
}

function overlap(intervals: readonly Interval[], first: number, last: number): number {
  let common = 0;
  for (const [from, to] of intervals) common += Math.max(0, Math.min(to, last) - Math.max(from, first) + 1);
  return common;
}

export function holds(set: GtidSet, source: string, number: number): boolean {
  return (set.get(source) ?? []).some(([first, last]) => first <= number && number <= last);
}

/** The transactions of a small set (it looks at each one) that `keep` says yes to. */
export function pick(set: GtidSet, keep: (source: string, number: number) => boolean): GtidSet {
  const picked = new Map<string, Interval[]>();
  for (const [source, intervals] of set) {
    const kept: Interval[] = [];
    for (const [first, last] of intervals) {
      for (let number = first; number <= last; number += 1) {
        if (keep(source, number)) kept.push([number, number]);
      }
    }
    if (kept.length > 0) picked.set(source, joinIntervals(kept));
  }
  return picked;
}
