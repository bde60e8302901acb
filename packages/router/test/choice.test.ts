import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CHOICE_DEFAULTS, LoadBook, type ReadOutcome, type ReadTicket } from '../src/choice/load-book.ts';
import { NodeLoad } from '../src/choice/node-load.ts';
import { seeded } from './choice-world.ts';

const random = seeded(7);
const READS = 4_000;

/** Share of choices in which `name` comes first. */
function shareOf(book: LoadBook, name: string, names: readonly string[], nowMs: number): number {
  let first = 0;
  for (let i = 0; i < READS; i++) if (book.order(names, nowMs, random)[0] === name) first++;
  return first / READS;
}

/** One read on its own. */
function read(book: LoadBook, node: string, atMs: number, tookMs: number, outcome: ReadOutcome = 'ok'): void {
  book.end(book.begin(node, atMs), atMs + tookMs, outcome);
}

/** `node` answers reads of `tookMs` for a second before `untilMs`. */
function warm(book: LoadBook, node: string, tookMs: number, untilMs: number): void {
  for (let ms = untilMs - 1_000; ms + tookMs < untilMs; ms += 5) read(book, node, ms, tookMs);
}

const TWO = ['a', 'b'];

function warmTwo(aMs = 1, bMs = 1, options = {}): LoadBook {
  const book = new LoadBook(TWO, options);
  warm(book, 'a', aMs, 10_000);
  warm(book, 'b', bMs, 10_000);
  return book;
}

describe('idle nodes', () => {
  test('that are equal share alike', () => {
    expect(shareOf(new LoadBook(TWO), 'a', TWO, 0)).toBeCloseTo(0.5, 1);
    expect(shareOf(warmTwo(), 'a', TWO, 10_000)).toBeCloseTo(0.5, 1);
    const three = ['a', 'b', 'c'];
    for (const name of three) {
      expect(Math.abs(shareOf(new LoadBook(three), name, three, 0) - 1 / 3)).toBeLessThan(0.04);
    }
  });

  test('that differ by 5 % share nearly alike', () => {
    const share = shareOf(warmTwo(1, 1.05), 'b', TWO, 10_000);
    expect(share).toBeGreaterThan(0.4);
    expect(share).toBeLessThan(0.5);
  });

  test('the slower one gets less, and not nothing', () => {
    const share = shareOf(warmTwo(1, 3), 'b', TWO, 10_000);
    expect(share).toBeGreaterThan(0.02);
    expect(share).toBeLessThan(0.25);
    expect(shareOf(warmTwo(1, 900), 'b', TWO, 10_000)).toBeGreaterThan(0);
  });

  test('an old estimate fades', () => {
    const book = warmTwo(1, 30);
    expect(shareOf(book, 'b', TWO, 10_000)).toBeLessThan(0.01);
    warm(book, 'a', 1, 100_000);
    const share = shareOf(book, 'b', TWO, 100_000);
    expect(share).toBeGreaterThan(0.45);
    expect(share).toBeLessThan(0.55);
  });

  test('one without reads is taken for as fast as the others', () => {
    for (const tookMs of [0.2, 1, 80]) {
      const book = new LoadBook(TWO);
      warm(book, 'a', tookMs, 10_000);
      expect(shareOf(book, 'b', TWO, 10_000)).toBeCloseTo(0.5, 1);
    }
  });
});

describe('busy nodes', () => {
  test('reads in flight count', () => {
    const book = warmTwo();
    book.begin('a', 10_000);
    const share = shareOf(book, 'a', TWO, 10_000);
    expect(share).toBeGreaterThan(0.05);
    expect(share).toBeLessThan(0.25);
  });

  test('a stall shows before anything has finished', () => {
    const book = warmTwo();
    book.begin('a', 10_000);
    expect(shareOf(book, 'a', TWO, 10_050)).toBeLessThan(0.01);
  });

  test('a long statement that others overtake is no stall', () => {
    const book = warmTwo();
    book.begin('a', 10_000);
    read(book, 'a', 11_000, 1);
    read(book, 'b', 11_000, 1);
    // One in flight, as far as cost goes, and not a node that has been silent for two seconds.
    expect(shareOf(book, 'a', TWO, 12_000)).toBeGreaterThan(0.05);
  });

  test('a stall is not forgotten when its callers give up', () => {
    const book = warmTwo();
    for (let i = 0; i < 3; i++) read(book, 'a', 10_000 + 10 * i, 100, 'abandoned');
    expect(shareOf(book, 'a', TWO, 10_121)).toBeLessThan(0.05);
  });

  test('a quick end by the caller is no fast read', () => {
    const book = warmTwo();
    for (let i = 0; i < 100; i++) read(book, 'a', 10_000 + i, 0.05, 'abandoned');
    expect(shareOf(book, 'a', TWO, 10_100)).toBeCloseTo(0.5, 1);
  });

  test('one long report moves the estimate little, and not for long', () => {
    const book = warmTwo();
    const report = book.begin('a', 10_000);
    warm(book, 'a', 1, 12_000);
    warm(book, 'b', 1, 12_000);
    book.end(report, 12_000, 'ok');
    expect(shareOf(book, 'a', TWO, 12_000)).toBeGreaterThan(0.05);
    warm(book, 'a', 1, 13_500);
    warm(book, 'b', 1, 13_500);
    expect(shareOf(book, 'a', TWO, 13_500)).toBeGreaterThan(0.4);
  });
});

describe('failures', () => {
  const NO_EJECTION = { failuresInRow: Number.POSITIVE_INFINITY, failureShare: 2 };

  test('a read that fails at once is no fast read', () => {
    const book = warmTwo(1, 1, NO_EJECTION);
    read(book, 'a', 10_000, 0.1, 'failed');
    expect(shareOf(book, 'a', TWO, 10_001)).toBeLessThan(0.01);
  });

  test('not even the first one', () => {
    const book = new LoadBook(TWO, NO_EJECTION);
    read(book, 'a', 0, 0.1, 'failed');
    read(book, 'b', 0, 2, 'ok');
    expect(shareOf(book, 'a', TWO, 3)).toBeLessThan(0.01);
  });

  test('five in a row eject, at the next choice', () => {
    const book = warmTwo();
    for (let i = 0; i < 5; i++) read(book, 'a', 10_000, 0.1, 'failed');
    expect(book.order(TWO, 10_001, random)).toEqual(['b']);
    const untilMs = book.ejected(10_001).get('a')!;
    expect(untilMs).toBeGreaterThan(10_001 + CHOICE_DEFAULTS.ejectMs * 0.74);
    expect(untilMs).toBeLessThanOrEqual(10_001 + CHOICE_DEFAULTS.ejectMs);
    expect(book.order(TWO, untilMs, random)).toHaveLength(2);
    expect(book.ejected(untilMs).size).toBe(0);
  });

  test('a success between them does not', () => {
    const book = warmTwo();
    for (let i = 0; i < 9; i++) read(book, 'a', 10_000 + i, 0.1, i === 4 ? 'ok' : 'failed');
    expect(book.order(TWO, 10_010, random)).toHaveLength(2);
  });

  test('reads sent before do not eject it again on its return', () => {
    const book = warmTwo();
    const sent = Array.from({ length: 20 }, () => book.begin('a', 10_000));
    for (const ticket of sent.splice(0, 10)) book.end(ticket, 10_000, 'failed');
    book.order(TWO, 10_001, random);
    for (const ticket of sent) book.end(ticket, 12_100, 'failed');
    expect(book.order(TWO, 12_101, random)).toHaveLength(2);
    expect(book.inFlight('a')).toBe(0);
  });

  test('the last candidate is never left out', () => {
    const book = warmTwo();
    for (let i = 0; i < 5; i++) read(book, 'a', 10_000, 0.1, 'failed');
    expect(book.order(['a'], 10_001, random)).toEqual(['a']);
  });
});

describe('slowness', () => {
  /** 40 reads a second at each node, for four seconds. `aMs` tells what the i-th takes at `a`; at `b` it is 1 ms. */
  const run = (aMs: (i: number) => number) => {
    const book = new LoadBook(TWO);
    for (let i = 0; i < 160; i++) {
      book.order(TWO, 25 * i, random);
      read(book, 'a', 25 * i, aMs(i));
      read(book, 'b', 25 * i, 1);
    }
    return [...book.ejected(25 * 160).keys()];
  };

  test('of all reads ejects', () => {
    expect(run(() => 20)).toEqual(['a']);
  });

  test('of the long half does not: the other half is as fast as ever', () => {
    expect(run((i) => (i % 2 === 0 ? 1 : 24))).toEqual([]);
  });
});

describe('replicas that come and go', () => {
  const ejectA = (book: LoadBook, nowMs: number) => {
    for (let i = 0; i < 5; i++) read(book, 'a', nowMs, 0.1, 'failed');
    book.order(['a', 'b', 'c'], nowMs, random);
  };

  test('fewer than the floor: ejection stops entirely', () => {
    const book = new LoadBook(['a', 'b', 'c']);
    ejectA(book, 0);
    expect([...book.ejected(1).keys()]).toEqual(['a']);
    book.setReplicas(['a', 'b', 'c'], ['a', 'b']);
    expect(book.order(['a', 'b'], 1, random).toSorted()).toEqual(['a', 'b']);
    expect(book.ejected(1).size).toBe(0);
    book.setReplicas(['a', 'b', 'c'], ['a', 'b', 'c']);
    expect([...book.ejected(1).keys()]).toEqual(['a']);
  });

  test('the primary neither takes the place of an ejected replica nor is ejected', () => {
    const book = new LoadBook(['p', 'a', 'b']);
    book.setReplicas(['a', 'b'], ['a', 'b']);
    for (let i = 0; i < 9; i++) read(book, 'p', 0, 0.1, 'failed');
    for (let i = 0; i < 9; i++) read(book, 'a', 0, 0.1, 'failed');
    expect(book.order(['a', 'b'], 1, random)).toEqual(['b']);
    expect([...book.ejected(1).keys()]).toEqual(['a']);
  });

  test('a replica that is promoted is ejected no more', () => {
    const book = new LoadBook(['a', 'b', 'c']);
    ejectA(book, 0);
    book.setReplicas(['b', 'c'], ['b', 'c']);
    expect(book.ejected(1).size).toBe(0);
    book.setReplicas(['a', 'b', 'c'], ['a', 'b', 'c']);
    expect(book.ejected(1).size).toBe(0);
  });

  test('the failures that ended its last life do not eject it in the next', () => {
    const book = new LoadBook(TWO);
    book.setReplicas(TWO, ['b']);
    for (let i = 0; i < 9; i++) read(book, 'a', 0, 0.1, 'failed');
    book.order(TWO, 1, random);
    book.cameUp('a', 5_000);
    book.setReplicas(TWO, TWO);
    expect(book.order(TWO, 5_001, random)).toHaveLength(2);
  });
});

describe('slow start', () => {
  test.each([
    [0, 0.091],
    [1_250, 0.245],
    [2_500, 0.355],
    [5_000, 0.5],
    [60_000, 0.5],
  ])('%i ms after it came up', (afterMs, share) => {
    const book = warmTwo();
    book.cameUp('b', 10_000);
    expect(Math.abs(shareOf(book, 'b', TWO, 10_000 + afterMs) - share)).toBeLessThan(0.03);
  });

  test('nodes that came up together share alike', () => {
    const book = new LoadBook(TWO);
    for (const name of TWO) book.cameUp(name, 0);
    expect(shareOf(book, 'a', TWO, 1)).toBeCloseTo(0.5, 1);
  });

  test('follows an ejection, too', () => {
    const book = warmTwo();
    for (let i = 0; i < 5; i++) read(book, 'a', 10_000, 0.1, 'failed');
    book.order(TWO, 10_000, random);
    const untilMs = book.ejected(10_000).get('a')!;
    expect(Math.abs(shareOf(book, 'a', TWO, untilMs) - 0.091)).toBeLessThan(0.03);
    expect(Math.abs(shareOf(book, 'a', TWO, untilMs + 5_000) - 0.5)).toBeLessThan(0.03);
  });
});

test('an unknown node is an error, not a silent zero', () => {
  expect(() => new LoadBook(TWO).begin('c', 0)).toThrow('no node is called c');
});

/** What `stallMs` promises, said the slow way. */
interface Sent {
  readonly ticket: ReadTicket;
  readonly begunMs: number;
  overtaken: boolean;
}

const anyOutcome = fc.constantFrom<ReadOutcome>('ok', 'failed', 'abandoned');

test('reads in flight and the oldest stuck one are exact, whatever the order of their ends', () => {
  const steps = fc.array(
    fc.oneof(fc.constant(null), fc.record({ which: fc.nat(), outcome: anyOutcome, twice: fc.boolean() })),
    { maxLength: 200 },
  );
  fc.assert(
    fc.property(steps, (actions) => {
      const load = new NodeLoad('a', CHOICE_DEFAULTS);
      const flying: Sent[] = [];
      actions.forEach((action, nowMs) => {
        if (action === null) {
          flying.push({ ticket: load.begin(nowMs), begunMs: nowMs, overtaken: false });
        } else if (flying.length > 0) {
          const [sent] = flying.splice(action.which % flying.length, 1);
          load.end(sent!.ticket, nowMs, action.outcome);
          if (action.twice) load.end(sent!.ticket, nowMs, 'failed');
          if (action.outcome === 'ok') {
            for (const other of flying) other.overtaken ||= other.begunMs < sent!.begunMs;
          }
        }
        const stuck = flying.filter(({ overtaken }) => !overtaken).map(({ begunMs }) => nowMs - begunMs);
        expect(load.inFlight).toBe(flying.length);
        expect(load.stallMs(nowMs)).toBe(Math.max(0, ...stuck));
      });
    }),
  );
});

const NAMES = ['a', 'b', 'c', 'd'];

test('order is a permutation of its input without ejected nodes, and never empty', () => {
  const steps = fc.array(
    fc.record({
      waitMs: fc.integer({ min: 0, max: 3_000 }),
      names: fc.shuffledSubarray(NAMES, { minLength: 1 }),
      usable: fc.option(fc.subarray(NAMES)),
      up: fc.option(fc.constantFrom(...NAMES)),
      outcome: fc.constantFrom<ReadOutcome | null>('ok', 'failed', 'failed', 'abandoned', null),
      reads: fc.integer({ min: 1, max: 8 }),
    }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, fc.integer(), (actions, seed) => {
      const book = new LoadBook(NAMES);
      const own = seeded(seed);
      const flying = new Map(NAMES.map((name) => [name, 0]));
      let nowMs = 0;
      for (const { waitMs, names, usable, up, outcome, reads } of actions) {
        nowMs += waitMs;
        if (usable) book.setReplicas(NAMES, usable);
        if (up) book.cameUp(up, nowMs);
        const order = book.order(names, nowMs, own);
        const ejected = book.ejected(nowMs);
        const expected = names.filter((name) => !ejected.has(name));
        expect(order.toSorted()).toEqual((expected.length > 0 ? expected : names).toSorted());
        if (!usable) expect(NAMES.length - ejected.size).toBeGreaterThanOrEqual(2);
        const node = order[0]!;
        for (let i = 0; i < reads; i++) {
          const ticket = book.begin(node, nowMs);
          if (outcome === null) flying.set(node, flying.get(node)! + 1);
          else book.end(ticket, nowMs + i, outcome);
        }
        for (const name of NAMES) expect(book.inFlight(name)).toBe(flying.get(name));
      }
    }),
  );
});
