import { expect, test } from 'vitest';
import { OpenedAhead } from '../src/session/opened-ahead.ts';

class Thing {
  isDestroyed = false;
  readonly #listeners: (() => void)[] = [];
  onClose(listener: () => void): void {
    this.#listeners.push(listener);
  }
  destroy(): void {
    this.isDestroyed = true;
    for (const listener of this.#listeners) listener();
  }
}

test('is opened once, and taken once', async () => {
  const ahead = new OpenedAhead<Thing, Thing>();
  const [owner, one] = [new Thing(), new Thing()];
  ahead.begin(owner, async () => one);
  ahead.begin(owner, async () => new Thing());
  expect(await ahead.take(owner)).toBe(one);
  expect(await ahead.take(owner)).toBeNull();
});

test('ends with its owner, also when it was still being opened', async () => {
  const ahead = new OpenedAhead<Thing, Thing>();
  const [owner, one] = [new Thing(), new Thing()];
  const { promise, resolve } = Promise.withResolvers<Thing>();
  ahead.begin(owner, () => promise);
  owner.destroy();
  resolve(one);
  await expect.poll(() => one.isDestroyed).toBe(true);
});

test('what could not be opened, or is too old, is none', async () => {
  const ahead = new OpenedAhead<Thing, Thing>();
  const [owner, old] = [new Thing(), new Thing()];
  ahead.begin(owner, () => Promise.reject(new Error('refused')));
  expect(await ahead.take(owner)).toBeNull();
  ahead.begin(owner, async () => old);
  expect(await ahead.take(owner, 0)).toBeNull();
  expect(old.isDestroyed).toBe(true);
});
