import { describe, expect, it } from 'vitest';
import { eventsPath, readEvents } from '../src/status/events.ts';

const page = (bootId: string, first: number, ...times: number[]) => ({
  name: 'ignored',
  bootId,
  next: first + times.length - 1,
  missed: 0,
  events: times.map((ms, i) => ({
    seq: first + i,
    at: new Date(ms).toISOString(),
    what: 'armed',
    text: `at ${ms}`,
  })),
});

describe('events of several supervisors', () => {
  it('are merged by time, and each is read once', () => {
    const first = readEvents({ a: page('boot-a', 1, 100, 300), b: page('boot-b', 1, 200, 200) }, {});
    expect(first.events.map(({ supervisor, seq }) => `${supervisor}${seq}`)).toEqual([
      'a1',
      'b1',
      'b2',
      'a2',
    ]);
    expect(eventsPath(first.cursor, 'a')).toBe('/events?after=2');
    expect(eventsPath(first.cursor, 'c')).toBe('/events?after=0');
    const second = readEvents({ a: page('boot-a', 3, 400), b: null }, first.cursor);
    expect(second.events.map(({ text }) => text)).toEqual(['at 400']);
    expect(second.supervisors.map(({ answered }) => answered)).toEqual([true, false]);
    expect(second.cursor.b).toEqual(first.cursor.b);
  });

  it('a supervisor that began anew is asked for everything again', () => {
    const { cursor } = readEvents({ a: page('boot-1', 1, 100, 200, 300) }, {});
    const after = readEvents({ a: page('boot-2', 4, 400) }, cursor);
    expect(after.events).toEqual([]);
    expect(eventsPath(after.cursor, 'a')).toBe('/events?after=0');
    expect(readEvents({ a: page('boot-2', 1, 350, 400) }, after.cursor).events).toHaveLength(2);
  });

  it('an answer that is none of a supervisor counts as no answer', () => {
    const { supervisors, events } = readEvents({ a: { code: 'unauthorised' } }, {});
    expect([supervisors, events]).toEqual([[{ name: 'a', answered: false, bootId: null, missed: 0 }], []]);
  });
});
