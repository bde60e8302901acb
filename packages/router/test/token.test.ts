import { getEngineClient, type Position } from '@replication-lab/engines';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_TOKEN_LENGTH, TokenSealer } from '../src/token.ts';
import { RouterError } from '../src/types.ts';
import { session, setPositions, toSet, upTo } from './pictures.ts';

const OLD_KEY = 'the-old-key-the-old-key-the-old-key';
const NEW_KEY = 'the-new-key-the-new-key-the-new-key';
const sealer = new TokenSealer([OLD_KEY], 'mysql', setPositions);
/** Another process with the same key: it remembers nothing of what was sealed here. */
const elsewhere = () => new TokenSealer([OLD_KEY], 'mysql', setPositions);
const state = session({ epoch: 3, position: upTo(4), lastNode: 'db-2' });

const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof RouterError) return error.code;
    throw error;
  }
  return 'no error';
};

describe('tokens', () => {
  test('open to what was sealed', () => {
    const states = fc.record({
      id: fc.stringMatching(/^[\w-]{8}$/),
      epoch: fc.nat(),
      position: fc.nat(40).map(upTo),
      lastNode: fc.option(fc.constantFrom('db-1', 'node.with-long_name')),
      unknown: fc.boolean(),
    });
    fc.assert(
      fc.property(states, (any) => {
        const token = sealer.seal(any);
        expect(elsewhere().open(token).state).toEqual(any);
        expect(sealer.open(token).state).toEqual(any);
      }),
    );
  });

  test('say nothing to those who have no key', () => {
    const token = sealer.seal(state);
    expect(token).toMatch(/^[\w-]+$/);
    expect(Buffer.from(token, 'base64url').includes('db-2')).toBe(false);
    expect(sealer.seal(state)).not.toBe(token);
  });

  test('survive a change of keys, and are sealed anew', () => {
    const old = sealer.seal(state);
    const rotated = new TokenSealer([NEW_KEY, OLD_KEY], 'mysql', setPositions);
    expect(rotated.open(old)).toMatchObject({ state, current: false });
    expect(rotated.open(rotated.seal(state)).current).toBe(true);
    expect(codeOf(() => new TokenSealer([NEW_KEY], 'mysql', setPositions).open(old))).toBe('invalid-token');
  });

  test('of another engine are refused', () => {
    const foreign = new TokenSealer([OLD_KEY], 'postgres', setPositions);
    expect(codeOf(() => foreign.open(sealer.seal(state)))).toBe('invalid-token');
  });

  test('with any bit changed are refused', () => {
    const bytes = Buffer.from(sealer.seal(state), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const forged = Buffer.from(bytes);
      forged[bit >> 3]! ^= 1 << (bit & 7);
      expect(codeOf(() => sealer.open(forged.toString('base64url')))).toBe('invalid-token');
    }
  });

  test('that are garbage are refused, and nothing else is thrown', () => {
    const token = sealer.seal(state);
    const garbage = ['', ' ', 'null', '[]', `${token}=`, ` ${token}`, `${token}A`, token.slice(0, -1), '\0'];
    for (const text of garbage) expect(codeOf(() => sealer.open(text))).toBe('invalid-token');
    fc.assert(
      fc.property(fc.string({ maxLength: 5_000 }), (text) => {
        expect(codeOf(() => sealer.open(text))).toBe('invalid-token');
      }),
    );
  });

  test('longer than the limit cost no cipher', () => {
    const long = 'A'.repeat(50_000_000);
    const startedMs = performance.now();
    for (let index = 0; index < 1_000; index++) expect(codeOf(() => sealer.open(long))).toBe('invalid-token');
    expect(performance.now() - startedMs).toBeLessThan(500);
  });

  test('never grow over the limit: a session that does not fit is pinned to the primary', () => {
    const fragmented = toSet(Array.from({ length: 2_000 }, (_, index) => index * 2));
    const token = sealer.seal({ ...state, position: fragmented });
    expect(token.length).toBeLessThan(MAX_TOKEN_LENGTH);
    expect(elsewhere().open(token).state).toEqual({ ...state, position: '', unknown: true });
  });

  test.each([[[]], [['too-short']], [[NEW_KEY, 'too-short']]])('keys %j are refused', (keys) => {
    expect(() => new TokenSealer(keys, 'mysql', setPositions)).toThrow(RangeError);
  });

  test.each([
    ['mysql', '3e11fa47-71ca-11e1-9e33-c80aa9429562:1-77'],
    ['mariadb', '0-1-77'],
    ['postgres', '2/0/538E000'],
  ] as const)('hold a position of %s', (engine, text) => {
    const { positions } = getEngineClient(engine);
    const real = new TokenSealer([OLD_KEY], engine, positions);
    const position = positions.parse(text) as Position;
    expect(position).not.toBe(null);
    const token = real.seal({ ...state, position });
    expect(new TokenSealer([OLD_KEY], engine, positions).open(token).state.position).toBe(position);
  });
});
