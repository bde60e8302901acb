import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Response as ExpressResponse } from 'express';
import { type Logger, pino } from 'pino';
import { type HttpLogger, pinoHttp } from 'pino-http';

export type { Logger };

/** JSON lines on standard output. */
export function createLogger(level: string, apiName: string): Logger {
  return pino({
    level,
    base: { service: 'api', name: apiName },
    // A second net: nothing here logs headers or bodies.
    redact: { paths: SECRETS, censor: '***' },
    timestamp: pino.stdTimeFunctions.isoTime,
  });
}

const SECRETS = [
  'headers.cookie',
  'headers.authorization',
  'headers["consistency-token"]',
  'headers["idempotency-key"]',
  '*.headers.cookie',
  '*.headers.authorization',
  '*.headers["consistency-token"]',
  '*.headers["idempotency-key"]',
  'token',
  '*.token',
  'password',
  '*.password',
];

/**
 * One line per request when it is answered, at `debug`: at thousands of requests a second a line each would cost more
 * than the requests, and the metrics count them all. So are refusals for want of a database or of room, which come in
 * crowds (the router's own events say why, once). Above `debug` is only what somebody has to look into.
 */
export function requestLogger(logger: Logger): HttpLogger {
  return pinoHttp({
    logger,
    genReqId: (_req, res) => String(res.getHeader('X-Request-Id')),
    customLogLevel: (_req, res) => levelFor(res.statusCode, problemOf(res)),
    serializers: { req: describeRequest, res: describeResponse },
    wrapSerializers: false,
    quietReqLogger: true,
  });
}

export function levelFor(status: number, problem: unknown): 'debug' | 'warn' | 'error' {
  if (problem === 'outcome-unknown') return 'warn';
  return status < 500 || status === 503 ? 'debug' : 'error';
}

const problemOf = (res: ServerResponse): unknown => (res as Partial<ExpressResponse>).locals?.problem;

/** No query (names are searched for there), no headers, no body. */
const describeRequest = (req: IncomingMessage & { originalUrl?: string; ip?: string }) => ({
  method: req.method,
  path: (req.originalUrl ?? req.url ?? '').split('?')[0],
  client: req.ip,
});

const describeResponse = (res: ServerResponse) => ({
  status: res.statusCode,
  problem: problemOf(res),
  node: res.getHeader('Data-Node'),
  reason: res.getHeader('Route-Reason'),
});
