import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENGINE_NAMES, type EngineName, getEngineClient, type Position } from '../src/index.ts';
import { positionFromOwned } from '../src/mysql/positions.ts';

const UUID_A = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const UUID_B = '4b2c9d10-0000-11ef-8000-0242ac120002';

const positionsOf = (engine: EngineName) => getEngineClient(engine).positions;

/** Texts of positions as servers print them, small enough that any two often overlap. */
const texts: Record<EngineName, fc.Arbitrary<string>> = {
  mysql: fc
    .array(
      fc.record({
        source: fc.constantFrom(UUID_A, UUID_B, `${UUID_A}:blue`, `${UUID_B.toUpperCase()}:green_2`),
        first: fc.integer({ min: 1, max: 30 }),
        length: fc.integer({ min: 0, max: 10 }),
      }),
      { maxLength: 8 },
    )
    .map((entries) => entries.map((e) => `${e.source}:${e.first}-${e.first + e.length}`).join(',\n')),
  mariadb: fc
    .array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 3 }), fc.nat(20)), { maxLength: 5 })
    .map((entries) => entries.map((entry) => entry.join('-')).join(',')),
  postgres: fc
    .array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.nat(2), fc.nat(0xffff)), { maxLength: 3 })
    .map((entries) =>
      entries.map(([t, high, low]) => `${t}/${high.toString(16)}/${low.toString(16)}`).join(','),
    ),
};

const arbitraryPosition = (engine: EngineName): fc.Arbitrary<Position> =>
  texts[engine].map((text) => positionsOf(engine).parse(text)!);

describe.each(ENGINE_NAMES)('%s positions: the laws that routing relies on', (engine) => {
  const { covers, merge, distance, parse, empty } = positionsOf(engine);
  const position = arbitraryPosition(engine);

  it('parse gives one canonical text, which parses to itself', () => {
    fc.assert(fc.property(position, (p) => parse(p) === p));
  });

  it('merge is idempotent, commutative and associative, with empty as its unit', () => {
    fc.assert(
      fc.property(position, position, position, (a, b, c) => {
        expect(merge(a, a)).toBe(a);
        expect(merge(a, b)).toBe(merge(b, a));
        expect(merge(merge(a, b), c)).toBe(merge(a, merge(b, c)));
        expect(merge(a, empty)).toBe(a);
      }),
    );
  });

  it('merge is the smallest position that covers both', () => {
    fc.assert(
      fc.property(position, position, position, (a, b, c) => {
        const both = merge(a, b);
        expect(covers(both, a) && covers(both, b)).toBe(true);
        if (covers(c, a) && covers(c, b)) expect(covers(c, both)).toBe(true);
      }),
    );
  });

  it('covers is reflexive and transitive, and everything covers empty', () => {
    fc.assert(
      fc.property(position, position, position, (a, b, c) => {
        expect(covers(a, a)).toBe(true);
        expect(covers(a, empty)).toBe(true);
        if (covers(a, b) && covers(b, c)) expect(covers(a, c)).toBe(true);
      }),
    );
  });

  it('distance is 0 exactly when covered, and merging what lacked makes it 0', () => {
    fc.assert(
      fc.property(position, position, (have, need) => {
        expect(distance(have, need) === 0).toBe(covers(have, need));
        expect(distance(have, need)).toBeGreaterThanOrEqual(0);
        expect(distance(merge(have, need), need)).toBe(0);
      }),
    );
  });

  it('parse never throws, whatever it is given', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), texts[engine]), (text) => {
        const parsed = parse(text);
        expect(parsed === null || typeof parsed === 'string').toBe(true);
      }),
    );
    for (const odd of [null, undefined, 7, {}, []]) expect(parse(odd as unknown as string)).toBeNull();
  });

  it('parse refuses what is longer than any honest position', () => {
    const long = (engine === 'mysql' ? `${UUID_A}:1,` : engine === 'mariadb' ? '0-1-1,' : '1/0/1,').repeat(
      5000,
    );
    expect(parse(long)).toBeNull();
  });
});

describe('mysql positions', () => {
  const { parse, covers, distance, merge } = positionsOf('mysql');
  const p = (text: string): Position => parse(text)!;

  it('joins intervals that touch or overlap and sorts sources', () => {
    expect(p(`${UUID_B}:4,${UUID_A.toUpperCase()}:5-7:1-2:3:6-9`)).toBe(`${UUID_A}:1-3:5-9,${UUID_B}:4`);
  });

  it('reads tags as MySQL 8.3 and newer print them', () => {
    expect(p(`${UUID_A}:1-3:blue:1-2:5:Green:7`)).toBe(`${UUID_A}:1-3:blue:1-2:5:green:7`);
    expect(covers(p(`${UUID_A}:1-9`), p(`${UUID_A}:blue:1`))).toBe(false);
    expect(covers(p(`${UUID_A}:blue:1-3`), p(`${UUID_A}:blue:2`))).toBe(true);
  });

  it('sees gaps: a set is not its highest number', () => {
    expect(covers(p(`${UUID_A}:1-3:5-9`), p(`${UUID_A}:4`))).toBe(false);
    expect(distance(p(`${UUID_A}:1-3:5-9`), p(`${UUID_A}:1-10,${UUID_B}:1-2`))).toBe(4);
    expect(merge(p(`${UUID_A}:1-3:5-9`), p(`${UUID_A}:4`))).toBe(`${UUID_A}:1-9`);
  });

  it.each([
    `${UUID_A}`,
    `${UUID_A}:`,
    `${UUID_A}:0`,
    `${UUID_A}:3-1`,
    `${UUID_A}:blue`,
    `${UUID_A}:1:blue`,
    `${UUID_A}:-1`,
    `${UUID_A}:1-`,
    `${UUID_A}:9007199254740993`,
    'x:1',
    `${UUID_A}:1 2`,
    `0-1-5`,
    `${UUID_A}:1;DROP`,
  ])('refuses %s', (text) => {
    expect(parse(text)).toBeNull();
  });

  it('takes the thread ids out of gtid_owned', () => {
    expect(positionFromOwned(`${UUID_A}:23#70:24#71#72,${UUID_B}:blue:5#9`)).toBe(
      `${UUID_A}:23-24,${UUID_B}:blue:5`,
    );
    expect(positionFromOwned('')).toBe('');
  });
});

describe('mariadb positions', () => {
  const { parse, covers, distance, merge } = positionsOf('mariadb');
  const p = (text: string): Position => parse(text)!;

  it('orders domains, keeps the last of each, and drops 0, which means nothing yet', () => {
    expect(p('1-2-7, 0-1-5,1-3-9,2-1-0')).toBe('0-1-5,1-3-9');
  });

  it('compares by sequence number within a domain, whoever wrote it', () => {
    expect(covers(p('0-2-9'), p('0-1-8'))).toBe(true);
    expect(covers(p('0-1-8'), p('0-2-9'))).toBe(false);
    expect(covers(p('0-1-8'), p('0-1-8,1-1-1'))).toBe(false);
    expect(distance(p('0-1-8'), p('0-2-9,1-1-3'))).toBe(4);
    expect(merge(p('0-1-8'), p('0-2-8'))).toBe('0-2-8');
  });

  it.each([
    '0-1',
    '0-1-',
    '0-1-x',
    '-1-1-1',
    '4294967296-1-1',
    '0-4294967296-1',
    '0-1-9007199254740993',
    '0-1-1;',
  ])('refuses %s', (text) => expect(parse(text)).toBeNull());
});

describe('postgres positions', () => {
  const { parse, covers, distance, merge } = positionsOf('postgres');
  const p = (text: string): Position => parse(text)!;

  it('writes LSNs as the server does', () => {
    expect(p('02/0/0538e000')).toBe('2/0/538E000');
    expect(p('1/0/0')).toBe('');
  });

  it('compares both halves of an LSN', () => {
    expect(covers(p('1/1/0'), p('1/0/FFFFFFFF'))).toBe(true);
    expect(distance(p('1/0/FFFFFFF0'), p('1/1/10'))).toBe(0x20);
  });

  it('orders the places of one timeline as the numbers that they are', () => {
    const lsn = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n });
    const near = fc
      .tuple(lsn, fc.bigInt({ min: 0n, max: 0x100n }))
      .map(([a, more]): [bigint, bigint] => [a, a + more]);
    const at = (place: bigint) => p(`7/${(place >> 32n).toString(16)}/${(place & 0xffffffffn).toString(16)}`);
    fc.assert(
      fc.property(fc.oneof(fc.tuple(lsn, lsn), near), ([a, b]) => {
        fc.pre(b < 2n ** 64n);
        expect([covers(at(a), at(b)), covers(at(b), at(a))]).toEqual([a >= b, b >= a]);
        const [, later] = a < b ? [a, b] : [b, a];
        expect(merge(at(a), at(b))).toBe(at(later));
      }),
    );
  });

  it('never takes one timeline for another, in either direction', () => {
    expect(covers(p('2/0/9000000'), p('1/0/5000000'))).toBe(false);
    expect(covers(p('1/0/9000000'), p('2/0/5000000'))).toBe(false);
    expect(merge(p('2/0/9000000'), p('1/0/5000000'))).toBe('1/0/5000000,2/0/9000000');
    // a caller who knows where timeline 2 forked off can say so
    expect(covers(p('1/0/5000000,2/0/9000000'), p('1/0/4FFFFFF'))).toBe(true);
  });

  it.each(['0/5000', '1/5000', '0/0/1', '1/0/123456789', '1/0/G', '4294967296/0/1', '1/0/1 2'])(
    'refuses %s',
    (text) => expect(parse(text)).toBeNull(),
  );
});
