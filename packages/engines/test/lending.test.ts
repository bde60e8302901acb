import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { EngineError } from '../src/index.ts';
import { Deadline } from '../src/session/deadline.ts';
import { Lending } from '../src/session/lending.ts';
import type { Session } from '../src/session/session.ts';

const endpoint = { name: 'db-1', host: '127.0.32.1', port: 1 };

/** What the lending looks at in a session, and nothing of a database. */
class BareSession implements Pick<Session, 'broken' | 'clean' | 'onClose' | 'end' | 'destroy'> {
  broken = false;
  dirty = false;
  readonly #listeners = new Set<() => void>();

  get clean(): boolean {
    return !this.broken && !this.dirty;
  }
  onClose(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  async end(): Promise<void> {
    this.destroy();
  }
  destroy(): void {
    if (this.broken) return;
    this.broken = true;
    for (const listener of this.#listeners) listener();
  }
}

function lendingOf(
  overrides: {
    size?: number;
    queueLimit?: number;
    acquireTimeoutMs?: number;
    open?: () => Promise<Session>;
  } = {},
) {
  const opened: BareSession[] = [];
  const open = async (): Promise<Session> => {
    const session = new BareSession();
    opened.push(session);
    return session as unknown as Session;
  };
  const lending = new Lending({ endpoint, size: 2, queueLimit: 1, acquireTimeoutMs: 50, open, ...overrides });
  return { lending, opened, acquire: () => lending.acquire(new Deadline()) };
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no error',
    (error: EngineError) => error.code,
  );

describe('lending sessions', () => {
  it('opens none before the first borrower, and lends a returned one again', async () => {
    const { lending, opened, acquire } = lendingOf();
    expect(lending.stats()).toEqual({ size: 0, idle: 0, busy: 0, waiting: 0 });
    lending.release(await acquire());
    lending.release(await acquire());
    expect(opened).toHaveLength(1);
    expect(lending.stats()).toEqual({ size: 1, idle: 1, busy: 0, waiting: 0 });
  });

  it('never opens more than its size, queues up to its limit and refuses the next at once', async () => {
    const { lending, opened, acquire } = lendingOf({ acquireTimeoutMs: 1000 });
    const [first] = await Promise.all([acquire(), acquire()]);
    const queued = acquire();
    const started = performance.now();
    expect(await codeOf(acquire())).toBe('overloaded');
    expect(performance.now() - started).toBeLessThan(20);
    expect(lending.stats()).toEqual({ size: 2, idle: 0, busy: 2, waiting: 1 });
    lending.release(first);
    expect(await queued).toBe(first);
    expect(opened).toHaveLength(2);
  });

  it('counts callers whose connection is being opened as served, not as queued', async () => {
    const { lending } = lendingOf({ size: 3, queueLimit: 0 });
    const all = await Promise.all([1, 2, 3].map(() => lending.acquire(new Deadline())));
    expect(new Set(all).size).toBe(3);
  });

  it('opens a few at a time, and who waits takes what comes first: a login or a returned connection', async () => {
    const logins: (() => void)[] = [];
    const open = () =>
      new Promise<Session>((resolve) => {
        logins.push(() => resolve(new BareSession() as unknown as Session));
      });
    const { lending, acquire } = lendingOf({ size: 5, queueLimit: 1, open, acquireTimeoutMs: 1000 });
    const waiting = [1, 2, 3, 4, 5, 6].map(() => acquire());
    expect(logins).toHaveLength(2);
    expect(await codeOf(acquire())).toBe('overloaded');
    logins[0]?.();
    const first = (await waiting[0]) as Session;
    expect(logins).toHaveLength(3);
    lending.release(first);
    expect(await waiting[1]).toBe(first);
    for (let i = 1; i < 5; i++) {
      logins[i]?.();
      await waiting[i + 1];
    }
    expect(logins).toHaveLength(5);
    expect(lending.stats()).toEqual({ size: 5, idle: 0, busy: 5, waiting: 0 });
  });

  it('lets nobody wait longer than the acquire timeout, and serves first come first', async () => {
    const { lending, acquire } = lendingOf({ size: 1, queueLimit: 5 });
    const first = await acquire();
    expect(await codeOf(acquire())).toBe('overloaded');
    const order: number[] = [];
    const waiting = [1, 2, 3].map(async (n) => {
      const session = await acquire();
      order.push(n);
      lending.release(session);
    });
    lending.release(first);
    await Promise.all(waiting);
    expect(order).toEqual([1, 2, 3]);
  });

  it('an aborted waiter leaves the queue', async () => {
    const { lending, acquire } = lendingOf({ size: 1, acquireTimeoutMs: 1000 });
    await acquire();
    const controller = new AbortController();
    const waiting = lending.acquire(new Deadline({ signal: controller.signal }));
    expect(lending.stats().waiting).toBe(1);
    controller.abort();
    expect(await codeOf(waiting)).toBe('aborted');
    expect(lending.stats().waiting).toBe(0);
  });

  it('a session that is given to a waiter in the moment in which it gives up is not lost', async () => {
    const { lending, acquire } = lendingOf({ size: 1, acquireTimeoutMs: 1000 });
    const first = await acquire();
    const controller = new AbortController();
    const waiting = codeOf(lending.acquire(new Deadline({ signal: controller.signal })));
    lending.release(first);
    controller.abort();
    expect(await waiting).toBe('aborted');
    expect(lending.stats()).toEqual({ size: 1, idle: 1, busy: 0, waiting: 0 });
    expect(await acquire()).toBe(first);
  });

  it('destroys a session that comes back dirty, and never lends one that broke while idle', async () => {
    const { lending, opened, acquire } = lendingOf();
    const dirty = (await acquire()) as unknown as BareSession;
    dirty.dirty = true;
    lending.release(dirty as unknown as Session);
    expect(dirty.broken).toBe(true);
    const idle = await acquire();
    lending.release(idle);
    idle.destroy();
    expect(lending.stats()).toEqual({ size: 0, idle: 0, busy: 0, waiting: 0 });
    expect(await acquire()).not.toBe(idle);
    expect(opened).toHaveLength(3);
  });

  it('drops what lies idle when told that the node has gone silent', async () => {
    const { lending, opened, acquire } = lendingOf();
    const [kept, idle] = await Promise.all([acquire(), acquire()]);
    lending.release(idle);
    lending.dropIdle();
    expect(idle.broken).toBe(true);
    expect(kept.broken).toBe(false);
    expect(await acquire()).not.toBe(idle);
    expect(opened).toHaveLength(3);
  });

  it('a returned broken session makes room for one that waits', async () => {
    const { lending, acquire } = lendingOf({ size: 1, acquireTimeoutMs: 1000 });
    const first = await acquire();
    const waiting = acquire();
    first.destroy();
    lending.release(first);
    expect(await waiting).not.toBe(first);
  });

  it('tells everybody who waits when no connection can be opened', async () => {
    const open = async (): Promise<Session> => {
      throw new EngineError('connect-failed', 'refused', { endpoint });
    };
    const { acquire, lending } = lendingOf({ open, size: 1, queueLimit: 9, acquireTimeoutMs: 1000 });
    const started = performance.now();
    expect(await Promise.all([1, 2, 3].map(() => codeOf(acquire())))).toEqual(
      Array(3).fill('connect-failed'),
    );
    expect(performance.now() - started).toBeLessThan(100);
    expect(lending.stats()).toEqual({ size: 0, idle: 0, busy: 0, waiting: 0 });
  });

  it('a connection that takes too long to open is connect-failed, not overloaded', async () => {
    const { acquire, lending } = lendingOf({ open: () => new Promise(() => {}) });
    expect(await codeOf(acquire())).toBe('connect-failed');
    expect(await codeOf(lending.acquire(new Deadline({ timeoutMs: 10 })))).toBe('timeout');
  });

  it('close refuses waiters and newcomers, lets borrowers finish, and destroys them at its deadline', async () => {
    const { lending, acquire } = lendingOf({ size: 2, acquireTimeoutMs: 1000 });
    const [returned, kept] = await Promise.all([acquire(), acquire()]);
    const waiting = codeOf(acquire());
    const closing = lending.close(60);
    expect(await waiting).toBe('connect-failed');
    expect(await codeOf(acquire())).toBe('connect-failed');
    lending.release(returned);
    expect(returned.broken).toBe(true);
    expect(kept.broken).toBe(false);
    await closing;
    expect(kept.broken).toBe(true);
  });
});

describe('deadlines', () => {
  it('passes results and errors through', async () => {
    const deadline = new Deadline({ timeoutMs: 1000 });
    expect(await deadline.race(Promise.resolve(7), () => {})).toBe(7);
    await expect(deadline.race(Promise.reject(new Error('mine')), () => {})).rejects.toThrow('mine');
  });

  it('gives up once, and ignores what comes later', async () => {
    let gaveUp = 0;
    const { promise, reject } = Promise.withResolvers<number>();
    const racing = new Deadline({ timeoutMs: 5 }).race(promise, () => {
      gaveUp += 1;
      reject(new Error('late'));
    });
    expect(await codeOf(racing)).toBe('timeout');
    expect(gaveUp).toBe(1);
  });

  it('each rings at its own time, and those that are stopped do not', async () => {
    const order: string[] = [];
    const started = performance.now();
    const ring = (name: string, timeoutMs: number) =>
      new Promise<void>((resolve) => {
        new Deadline({ timeoutMs }).watch(() => {
          order.push(name);
          expect(performance.now() - started).toBeGreaterThanOrEqual(timeoutMs);
          resolve();
        });
      });
    const stopped = new Deadline({ timeoutMs: 15 }).watch(() => order.push('stopped'));
    // Set in another order than they are due, and one that is due long after the clock has looked.
    const ringing = [ring('last', 130), ring('second', 30), ring('first', 10)];
    stopped?.stop();
    await Promise.all(ringing);
    expect(order).toEqual(['first', 'second', 'last']);
  });

  it('a signal counts beside the time, and is let go of at the end', async () => {
    const controller = new AbortController();
    const racing = new Deadline({ timeoutMs: 5000, signal: controller.signal }).race(
      new Promise(() => {}),
      () => {},
    );
    controller.abort(new Error('mine'));
    await expect(racing).rejects.toMatchObject({ code: 'aborted', cause: { message: 'mine' } });
    const other = new AbortController();
    await new Deadline({ signal: other.signal }).race(Promise.resolve(1), () => {});
    expect(getEventListeners(other.signal, 'abort')).toEqual([]);
    expect(new Deadline({}).watch(() => {})).toBeNull();
  });

  it('knows a signal that was aborted before', async () => {
    const deadline = new Deadline({ signal: AbortSignal.abort() });
    expect(() => deadline.check()).toThrow(EngineError);
    expect(await codeOf(deadline.race(new Promise(() => {}), () => {}))).toBe('aborted');
  });
});
