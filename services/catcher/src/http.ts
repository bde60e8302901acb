import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServiceServer, limited, type ServiceOptions } from '@replication-lab/engines/https';
import { page } from './page.ts';
import type { Store } from './store.ts';

const MAX_BODY_BYTES = 65_536;
const HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'",
  'X-Content-Type-Options': 'nosniff',
};

/**
 * `POST /notices` takes a webhook; `GET /` shows what was caught, `GET /notices` the same as JSON; `GET /livez`.
 * `isForReaders`: it takes nothing, because that is done over HTTPS elsewhere.
 */
export function createCatcherServer(
  store: Store,
  isForReaders: boolean,
  tls: Pick<ServiceOptions, 'files' | 'onUnusable'> = {},
): Server {
  const options = { maxHeaderSize: 8192, keepAliveTimeout: 5000, ...tls };
  const server = createServiceServer(options, (request, response) => {
    answer(store, isForReaders, request, response).catch(() => response.destroy());
  });
  return limited(server);
}

async function answer(
  store: Store,
  isForReaders: boolean,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const route = `${request.method} ${(request.url ?? '/').split('?', 1)[0]}`;
  if (route === 'POST /notices' && isForReaders) {
    response.setHeader('Connection', 'close');
    return sendProblem(
      response,
      403,
      'clear-text',
      'notices are taken over HTTPS, on the port CATCHER_TLS_PORT',
    );
  }
  if (route === 'POST /notices') return take(store, request, response);
  if (route === 'GET /') return send(response, 200, 'text/html; charset=utf-8', page(store.list()));
  if (route === 'GET /notices') return sendJson(response, 200, { notices: store.list() });
  if (route === 'GET /livez') return sendJson(response, 200, { ok: true });
  sendProblem(response, 404, 'not-found', 'GET /, /notices, /livez; POST /notices');
}

async function take(store: Store, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) {
      response.setHeader('Connection', 'close');
      return sendProblem(response, 413, 'body-too-large', `at most ${MAX_BODY_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  const title = titleOf(text);
  if (title === null) return sendProblem(response, 400, 'invalid-json', 'the body is no JSON object');
  store.add({ via: 'webhook', title, to: null, text });
  response.writeHead(204, HEADERS).end();
}

/** Null for anything but a JSON object. */
function titleOf(text: string): string | null {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null) return null;
    if ('title' in parsed && typeof parsed.title === 'string') return parsed.title;
    return alertsIn(parsed) ?? '(no title)';
  } catch {
    return null;
  }
}

/** Alertmanager's webhook has no title, but the state of each alert: `firing: ReplicaMissing (db-2 does not answer)`. */
function alertsIn(parsed: object): string | null {
  if (!('alerts' in parsed) || !Array.isArray(parsed.alerts)) return null;
  const words = parsed.alerts.map((alert: Alert) => {
    const { status = '?', labels, annotations } = alert ?? {};
    return `${status}: ${labels?.alertname ?? '?'} (${annotations?.summary ?? ''})`;
  });
  return words.join('; ');
}

interface Alert {
  readonly status?: string;
  readonly labels?: { readonly alertname?: string };
  readonly annotations?: { readonly summary?: string };
}

function sendProblem(response: ServerResponse, status: number, code: string, detail: string): void {
  sendJson(response, status, { type: 'about:blank', status, code, detail }, 'application/problem+json');
}

const sendJson = (response: ServerResponse, status: number, body: object, type = 'application/json'): void =>
  send(response, status, type, `${JSON.stringify(body)}\n`);

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { ...HEADERS, 'Content-Type': type }).end(body);
}
