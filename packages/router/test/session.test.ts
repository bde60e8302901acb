import { describe, expect, test } from 'vitest';
import { afterRead, afterWrite, mergeSessions, type ReadSeen } from '../src/session.ts';
import { session, setPositions, upTo } from './pictures.ts';

const seen = (different: Partial<ReadSeen>): ReadSeen => ({
  level: 'session',
  node: 'db-2',
  role: 'replica',
  upperBound: undefined,
  epoch: 1,
  ...different,
});
const before = session({ position: upTo(3), lastNode: 'db-3' });

describe('after a read', () => {
  test.each(['eventual', 'bounded'] as const)('%s leaves the session as it is', (level) => {
    expect(afterRead(before, seen({ level }))).toBe(before);
    expect(afterRead(before, seen({ level, node: 'db-1', role: 'primary', upperBound: upTo(9) }))).toBe(
      before,
    );
  });

  test('of a replica its name is remembered, and the position stays', () => {
    expect(afterRead(before, seen({}))).toEqual({ ...before, lastNode: 'db-2' });
    expect(afterRead(before, seen({ node: 'db-3' }))).toBe(before);
  });

  test('of the primary with a bound the bound says it all', () => {
    const after = afterRead(
      session({ position: upTo(3), lastNode: 'db-3', unknown: true }),
      seen({ node: 'db-1', role: 'primary', upperBound: upTo(8), epoch: 2 }),
    );
    expect(after).toEqual(session({ epoch: 2, position: upTo(8) }));
  });

  test('of the primary without a bound its name is remembered', () => {
    const unknown = session({ position: upTo(3), unknown: true });
    expect(afterRead(unknown, seen({ level: 'primary', node: 'db-1', role: 'primary' }))).toEqual({
      ...unknown,
      lastNode: 'db-1',
    });
  });
});

describe('after a write', () => {
  const write = (state: typeof before, captured: Parameters<typeof afterWrite>[1]) =>
    afterWrite(state, captured, 'db-1', 2, setPositions);

  test('its position is added, and the last node stays', () => {
    expect(write(before, { kind: 'known', position: upTo(5) })).toEqual({
      ...before,
      epoch: 2,
      position: upTo(5),
    });
  });

  test('an unknown position stays unknown until a bound is read', () => {
    const unknown = write(before, { kind: 'unknown', why: 'RETURNING' });
    expect(unknown).toEqual({ ...before, epoch: 2, unknown: true });
    expect(write(unknown, { kind: 'known', position: upTo(5) }).unknown).toBe(true);
  });

  test('one that changed nothing showed the primary', () => {
    const fresh = session({ position: upTo(3) });
    expect(write(fresh, { kind: 'none' })).toEqual({ ...fresh, epoch: 2, lastNode: 'db-1' });
    // The replica may have shown what the primary does not show yet: both count, and the primary settles it.
    expect(write(before, { kind: 'none' })).toEqual({ ...before, epoch: 2, unknown: true });
  });
});

describe('calls that overlapped', () => {
  const merged = (a: Partial<typeof before>, b: Partial<typeof before>) =>
    mergeSessions(session(a), session(b), setPositions);

  test('have seen what both have seen', () => {
    expect(merged({ position: upTo(3) }, { position: upTo(5), lastNode: 'db-2' })).toEqual(
      session({ position: upTo(5), lastNode: 'db-2' }),
    );
    expect(merged({ unknown: true }, {}).unknown).toBe(true);
  });

  test('on two nodes are known to be held by the primary alone', () => {
    expect(merged({ lastNode: 'db-2' }, { lastNode: 'db-3' })).toMatchObject({
      unknown: true,
      lastNode: '-several-',
    });
    expect(merged({ lastNode: 'db-2' }, { lastNode: 'db-2' })).toMatchObject({ unknown: false });
  });

  test('in two reigns go on in the newer one, by way of the primary', () => {
    const newer = { epoch: 2, position: upTo(2) };
    expect(merged({ epoch: 1, position: upTo(9) }, newer)).toEqual(session({ ...newer, unknown: true }));
  });
});
