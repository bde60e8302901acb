import { describe, expect, test } from 'vitest';
import { settledWithin, Turns } from '../src/turns.ts';

describe('turns', () => {
  test('of one key come one after another, of different keys side by side', async () => {
    const turns = new Turns();
    const order: string[] = [];
    const first = await turns.take('a', 1000);
    const other = await turns.take('b', 1000);
    const second = turns.take('a', 1000).then((turn) => {
      order.push('second');
      return turn;
    });
    order.push('first');
    first?.end();
    (await second)?.end();
    other?.end();
    expect(order).toEqual(['first', 'second']);
    expect(turns.size).toBe(0);
  });

  test('are given up at the deadline, and those behind still wait for those before', async () => {
    const turns = new Turns();
    const first = await turns.take('a', 1000);
    const impatient = turns.take('a', 5);
    const patient = turns.take('a', 1000);
    expect(await impatient).toBeNull();
    expect(await Promise.race([patient, Promise.resolve('waiting')])).toBe('waiting');
    first?.end();
    const turn = await patient;
    expect(turn).not.toBeNull();
    turn?.end();
    expect(turns.size).toBe(0);
  });

  test('nothing is kept of a key that nobody uses, also when the last caller gave up', async () => {
    const turns = new Turns();
    const first = await turns.take('a', 1000);
    expect(await turns.take('a', 5)).toBeNull();
    expect(turns.size).toBe(1);
    first?.end();
    await expect.poll(() => turns.size).toBe(0);
  });
});

test('work that fails within the time fails', async () => {
  await expect(settledWithin(Promise.reject(new Error('no')), 1000)).rejects.toThrow('no');
});
