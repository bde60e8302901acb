import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import type { Step } from './core/types.ts';
import type { EventPage } from './events.ts';

export interface StatusParts {
  readonly name: string;
  readonly token: string;
  readonly status: () => Step | null;
  readonly events: (after: number) => EventPage;
  readonly metrics: Registry;
}

/**
 * `GET /livez` and `GET /metrics` (Prometheus) for everybody. For the holder of the token: `GET /status`, what this supervisor thinks now, and
 * `GET /events?after=SEQ`, what it has done and why.
 */
export function createStatusServer(parts: StatusParts): Server {
  const server = createServer({ maxHeaderSize: 8192, keepAliveTimeout: 5000 }, (request, response) => {
    const [path, query] = (request.url ?? '/').split('?', 2);
    if (request.method === 'GET' && path === '/livez') return send(response, 200, { name: parts.name });
    if (request.method === 'GET' && path === '/metrics') return void sendMetrics(parts.metrics, response);
    if (request.method !== 'GET' || (path !== '/status' && path !== '/events')) {
      return sendProblem(response, 404, 'not-found', 'GET /livez, /metrics, /status, /events?after=SEQ');
    }
    if (!isAuthorised(parts.token, request)) {
      const detail = 'this needs the header Authorization: Bearer SUPERVISOR_TOKEN';
      return sendProblem(response, 401, 'unauthorised', detail);
    }
    if (path === '/events') return sendEvents(parts, response, query);
    send(response, 200, { name: parts.name, ...describe(parts.status()) });
  });
  server.headersTimeout = 3000;
  server.requestTimeout = 5000;
  server.maxConnections = 64;
  return server;
}

async function sendMetrics(registry: Registry, response: ServerResponse): Promise<void> {
  const text = await registry.metrics().catch(() => null);
  if (text === null) {
    sendProblem(response, 500, 'internal', 'the metrics cannot be read');
    return;
  }
  response.writeHead(200, { 'Content-Type': registry.contentType, 'Cache-Control': 'no-store' });
  response.end(text);
}

function sendEvents(parts: StatusParts, response: ServerResponse, query: string | undefined): void {
  const after = new URLSearchParams(query).get('after') ?? '0';
  if (!/^\d{1,15}$/.test(after)) {
    sendProblem(response, 400, 'invalid-after', 'after: the `next` of the last answer, or 0');
    return;
  }
  send(response, 200, parts.events(Number(after)));
}

function describe(step: Step | null): object {
  if (step === null)
    return { phase: 'passive', primary: null, epoch: 0, armed: { ok: false, reasons: [] }, reasons: [] };
  const { state, primary, epoch, unarmed, reasons } = step;
  return {
    phase: state.phase,
    primary,
    epoch,
    armed: { ok: unarmed.length === 0, reasons: unarmed },
    reasons,
  };
}

/** Compares hashes: of equal length whatever was sent, so that the time taken tells nothing. */
function isAuthorised(token: string, request: IncomingMessage): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(request.headers.authorization ?? ''), digest(`Bearer ${token}`));
}

function sendProblem(response: ServerResponse, status: number, code: string, detail: string): void {
  send(response, status, { type: 'about:blank', status, code, detail }, 'application/problem+json');
}

function send(response: ServerResponse, status: number, body: object, type = 'application/json'): void {
  response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' });
  response.end(`${JSON.stringify(body)}\n`);
}
