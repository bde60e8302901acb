import type { RequestListener, Server } from 'node:http';
import type { Socket } from 'node:net';
import { createServiceServer, type ServiceOptions } from '@replication-lab/engines/https';
import { PROBLEM_TYPE, PROBLEMS, Problem, type ProblemCode, problemBody } from './problems.ts';

/**
 * Longer than any proxy in front keeps an idle connection, so that it is always the proxy that closes one: the other way
 * round, a request can be under way to a socket that is being closed.
 */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;
const HEADERS_TIMEOUT_MS = 10_000;
/** Headers and body: a slow sender is cut off. */
const REQUEST_TIMEOUT_MS = 15_000;
const MAX_HEADER_BYTES = 16 * 1024;

/** The listener with its limits. What Node refuses before a request exists is answered as a problem, too. */
export function createHttpServer(
  listener: RequestListener,
  apiName: string,
  tls: Pick<ServiceOptions, 'files' | 'onUnusable'> = {},
): Server {
  const server = createServiceServer(
    {
      ...tls,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      connectionsCheckingInterval: 1000,
    },
    listener,
  );
  const answering = new WeakSet<Socket>();
  server.on('request', (req, res) => {
    answering.add(req.socket);
    res.once('close', () => answering.delete(req.socket));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    // The client is gone, or no handshake was made, or the answer to an earlier request is half written: nothing sensible
    // can follow it.
    if (!socket.writable || answering.has(socket) || !isOfHttp(error.code)) socket.destroy();
    else refuse(socket, problemCode(error.code), apiName);
  });
  return server;
}

/** Of the parser, or of its deadlines: all else went wrong on the way. */
const isOfHttp = (code = ''): boolean => code.startsWith('HPE_') || code === 'ERR_HTTP_REQUEST_TIMEOUT';

function problemCode(code: string | undefined): ProblemCode {
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers-too-large';
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'request-timeout' : 'invalid-request';
}

function refuse(socket: Socket, code: ProblemCode, apiName: string): void {
  const body = JSON.stringify(problemBody(new Problem(code)));
  socket.end(
    [
      `HTTP/1.1 ${PROBLEMS[code].status} Refused`,
      `Content-Type: ${PROBLEM_TYPE}; charset=utf-8`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      `Served-By: ${apiName}`,
      'Cache-Control: no-store',
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}
