import { randomUUID } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import { Problem } from './problems.ts';

/** What is known of a request from its first moment on. Lives in `res.locals`. */
export interface RequestContext {
  readonly requestId: string;
  /** Aborts when the client goes away before its answer. */
  readonly disconnected: AbortSignal;
  /** Milliseconds left until the request's deadline, at least 1. */
  remainingMs(): number;
}

export interface RequestRules {
  readonly apiName: string;
  readonly requestTimeoutMs: number;
  /** True once this process has been told to stop. */
  readonly draining: () => boolean;
}

/** First in line: the request's identity, its deadline, and the headers that every response has. */
export function openRequest({ apiName, requestTimeoutMs, draining }: RequestRules): RequestHandler {
  return (req, res, next) => {
    const deadline = performance.now() + requestTimeoutMs;
    const gone = new AbortController();
    res.once('close', () => {
      if (!res.writableFinished) gone.abort();
    });
    const context: RequestContext = {
      requestId: saneRequestId(req.get('X-Request-Id')) ?? randomUUID(),
      disconnected: gone.signal,
      remainingMs: () => Math.max(1, Math.round(deadline - performance.now())),
    };
    res.locals.context = context;
    res.setHeader('Served-By', apiName);
    res.setHeader('Cache-Control', 'no-store');
    res.setHeader('X-Request-Id', context.requestId);
    // Makes the proxy open its next connection elsewhere, before this one is closed under it.
    if (draining()) res.setHeader('Connection', 'close');
    next();
  };
}

export const contextOf = (res: Response): RequestContext => res.locals.context as RequestContext;

/** A caller's id ends up in logs and headers: short and plain, or it is replaced. */
const saneRequestId = (text: string | undefined): string | null =>
  text !== undefined && /^[A-Za-z0-9._:-]{1,128}$/.test(text) ? text : null;

/**
 * Refuses a URL that is not percent-encoded UTF-8 in ASCII. Express would answer some of these itself and decode
 * others to replacement characters, so that one name could be read as another.
 */
export const checkUrl: RequestHandler = (req, _res, next) => {
  const [path = '', ...query] = req.originalUrl.split('?');
  if (!isEncodedText(path)) throw new Problem('invalid-path', { detail: 'it is not percent-encoded UTF-8' });
  if (!isEncodedText(query.join('?'))) {
    throw new Problem('invalid-query', { detail: 'it is not percent-encoded UTF-8' });
  }
  next();
};

function isEncodedText(text: string): boolean {
  if (!/^[\x21-\x7e]*$/.test(text)) return false;
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** At most this many requests at once; one more is refused before anything is read or asked on its behalf. */
export function admit(maxInFlight: number, gauge: { set(value: number): void }): RequestHandler {
  let inFlight = 0;
  const count = (change: 1 | -1): void => {
    inFlight += change;
    gauge.set(inFlight);
  };
  return (_req, res, next) => {
    if (inFlight >= maxInFlight) throw new Problem('overloaded', { detail: 'too many requests at once' });
    count(1);
    res.once('close', () => count(-1));
    next();
  };
}

/** Answers every method that a path does not have; `OPTIONS` with what it has. Put it last on the route. */
export function otherMethods(...allowed: readonly string[]): RequestHandler {
  const allow = [...allowed, 'OPTIONS'].join(', ');
  return (req: Request, res: Response) => {
    if (req.method !== 'OPTIONS') throw new Problem('method-not-allowed', { headers: { Allow: allow } });
    res.setHeader('Allow', allow);
    res.status(204).end();
  };
}
