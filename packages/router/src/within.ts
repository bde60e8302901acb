import { EngineError } from '@replication-lab/engines';

/** Waits for `promise`, at most `timeoutMs`. */
export async function within(promise: Promise<unknown>, timeoutMs: number): Promise<void> {
  const timeout = Promise.withResolvers<void>();
  const timer = setTimeout(timeout.resolve, timeoutMs);
  try {
    await Promise.race([promise, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Settles as `promise` does, which others may share and which goes on; rejects with EngineError `timeout` or `aborted` when
 * the time is up or the caller has left.
 */
export function inTime<T>(
  promise: Promise<T>,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const done = (settle: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      settle();
    };
    const onAbort = () => done(() => reject(new EngineError('aborted', 'the caller gave up')));
    const onTimeout = () => done(() => reject(new EngineError('timeout', `not within ${timeoutMs} ms`)));
    const timer = setTimeout(onTimeout, timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    promise.then(
      (value) => done(() => resolve(value)),
      (error) => done(() => reject(error)),
    );
  });
}
