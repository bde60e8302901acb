import { describe, expect, it } from 'vitest';
import type { Position } from '../src/index.ts';
import { common, lowered } from '../src/mariadb/positions.ts';
import {
  contradicts,
  hasOvertaken,
  referenceFrom,
  referenceFromRest,
  type Sample,
  shownAt,
} from '../src/mariadb/shown.ts';
import { holds, parseGtidSet, pick } from '../src/mysql/gtid-set.ts';
import { fullXid } from '../src/postgres/settle.ts';

const at = (text: string) => text as Position;

describe('mariadb: what a primary shows', () => {
  const sample = (overrides: Partial<Sample> & { logged: Position }): Sample => ({
    file: 'binlog.000001',
    offset: '1000',
    commits: 10,
    groups: 10,
    waiting: 0,
    loggedAfter: overrides.logged,
    ...overrides,
  });
  const reference = referenceFrom(sample({ logged: at('0-1-50') }), at('0-1-50'), at('0-1-20'))!;

  it('counts what was logged against what has become visible', () => {
    const shown = (logged: string, commits: number) =>
      shownAt(sample({ logged: at(logged), commits, offset: '2000' }), reference);
    expect(shown('0-1-50', 10)).toBe('0-1-50');
    expect(shown('0-1-53', 10)).toBe('0-1-50');
    expect(shown('0-1-53', 12)).toBe('0-1-52');
    expect(shown('0-1-53', 13)).toBe('0-1-53');
    // Read later than `logged`, so that it counts some that are not in there.
    expect(shown('0-1-53', 20)).toBe('0-1-53');
  });

  it('any of several domains may be the one that waits', () => {
    const shown = shownAt(sample({ logged: at('0-1-52,1-1-2'), commits: 13, offset: '2000' }), reference);
    expect(shown).toBe('0-1-51,1-1-1');
  });

  it('DDL is logged and not counted: the bound is low until there is a new reference', () => {
    expect(shownAt(sample({ logged: at('0-1-51'), offset: '2000' }), reference)).toBe('0-1-50');
    const next = referenceFrom(sample({ logged: at('0-1-51'), offset: '2000' }), at('0-1-51'), at(''))!;
    expect(shownAt(sample({ logged: at('0-1-51'), offset: '2000' }), next)).toBe('0-1-51');
  });

  it('takes no reference where the server tells of places that are none, or of commits that still wait', () => {
    const now = sample({ logged: at('0-1-50') });
    expect(referenceFrom(now, null, at('0-1-20'))).toBeNull();
    expect(referenceFrom(now, at('0-1-50'), at('0-1-50'))).toBeNull();
    expect(referenceFrom({ ...now, waiting: 1 }, at('0-1-50'), at('0-1-20'))).toBeNull();
    expect(referenceFrom({ ...now, waiting: 1 }, at('0-1-49'), at('0-1-20'))).toMatchObject({
      shown: '0-1-49',
    });
  });

  it('a server that has stood still with nobody waiting shows everything', () => {
    const now = sample({ logged: at('0-1-50') });
    expect(referenceFromRest(now, now)).toMatchObject({ shown: '0-1-50', commits: 10 });
    expect(referenceFromRest(now, { ...now, waiting: 1 })).toBeNull();
    expect(referenceFromRest(now, { ...now, commits: 11 })).toBeNull();
    expect(referenceFromRest(now, { ...now, logged: at('0-1-51') })).toBeNull();
  });

  it('notices a reference that cannot be true', () => {
    expect(contradicts(sample({ logged: at('0-1-52'), commits: 12 }), reference)).toBe(false);
    expect(contradicts(sample({ logged: at('0-1-52'), commits: 13 }), reference)).toBe(true);
    expect(contradicts(sample({ logged: at('0-1-52'), commits: 9 }), reference)).toBe(true);
    const racing = { ...sample({ logged: at('0-1-52'), commits: 13 }), loggedAfter: at('0-1-53') };
    expect(contradicts(racing, reference)).toBe(false);
  });

  it('enough groups end everything that was under way', () => {
    expect(hasOvertaken(sample({ logged: at('0-1-1'), groups: 13 }), 10)).toBe(false);
    expect(hasOvertaken(sample({ logged: at('0-1-1'), groups: 14 }), 10)).toBe(true);
  });

  it('positions: what two have in common, and a number of transactions less', () => {
    expect(common(at('0-1-5,1-1-7,2-1-1'), at('0-2-9,1-2-3'))).toBe('0-1-5,1-2-3');
    expect(lowered(at('0-1-5,1-1-2'), 2)).toBe('0-1-3');
    expect(lowered(at('0-1-5'), 0)).toBe('0-1-5');
  });
});

describe('mysql: what a primary owns', () => {
  const uuid = '0a000000-0000-0000-0000-000000000001';
  it('picks single transactions out of intervals', () => {
    const owned = parseGtidSet(`${uuid}:3-6,${uuid}:tag:1`)!;
    const executed = parseGtidSet(`${uuid}:1-4,${uuid}:tag:1-2`)!;
    const left = pick(owned, (source, number) => !holds(executed, source, number));
    expect([...left]).toEqual([[uuid, [[5, 6]]]]);
    expect(holds(executed, 'another', 1)).toBe(false);
  });
});

describe('postgres: full transaction ids', () => {
  it.each([
    ['100', '105', '100'],
    ['107', '105', '107'],
    ['100', '4294967401', '4294967396'],
    ['4294967290', '4294967301', '4294967290'], // from before the wrap
    ['3', '4294967290', '4294967299'], // after it, where the snapshot is not yet
  ])('%s near %s is %s', (xid, near, full) => {
    expect(fullXid(xid, near)).toBe(full);
  });
});
