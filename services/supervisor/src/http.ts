import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import {
  createProbeServer,
  createServiceServer,
  limited,
  type ServiceOptions,
} from '@replication-lab/engines/https';
import type { Registry } from 'prom-client';
import { z } from 'zod';
import type { Step } from './core/types.ts';
import type { EventPage } from './events.ts';
import type { OverrideOutcome } from './supervisor.ts';
import type { SwitchoverOutcome } from './switchover-run.ts';

export interface StatusParts {
  readonly name: string;
  readonly token: string;
  readonly status: () => Step | null;
  readonly events: (after: number) => EventPage;
  readonly metrics: Registry;
  readonly switchover: (to: string) => Promise<SwitchoverOutcome>;
  readonly override: (to: string, allowDataLoss: boolean) => Promise<OverrideOutcome>;
}

/** A body is a node's name. */
const MAX_BODY_BYTES = 1_024;
const switchoverBody = z.object({ to: z.string().max(63) });
const failoverBody = z.strictObject({ to: z.string().max(63), allowDataLoss: z.boolean() });

type Handler = (
  parts: StatusParts,
  request: IncomingMessage,
  response: ServerResponse,
  query: string,
) => unknown;

/** All but what is for everybody, by which a supervisor only tells that it is there. */
export const FOR_THE_HOLDER: Readonly<Record<string, Handler>> = {
  'GET /metrics': (parts, _, response) => sendMetrics(parts.metrics, response),
  'GET /status': (parts, _, response) =>
    send(response, 200, { name: parts.name, ...describe(parts.status()) }),
  'GET /events': (parts, _, response, query) => sendEvents(parts, response, query),
  'POST /switchover': (parts, request, response) => switchOver(parts, request, response),
  'POST /failover': (parts, request, response) => overrule(parts, request, response),
};

/**
 * `GET /livez` for everybody. For the holder of the token: `GET /status`, what this supervisor thinks now,
 * `GET /events?after=SEQ`, what it has done and why, `GET /metrics` (Prometheus), and `POST /switchover {"to": NODE}` and
 * `POST /failover {"to": NODE, "allowDataLoss": true}`, which answer when it is over. (`false`: what would be lost.)
 */
export function createStatusServer(
  parts: StatusParts,
  tls: Pick<ServiceOptions, 'files' | 'onUnusable'> = {},
): Server {
  const options = { maxHeaderSize: 8192, keepAliveTimeout: 5000, ...tls };
  return limited(createServiceServer(options, listenerFor(parts)));
}

/** See `createProbeServer`: for the health check of its container. */
export const createStatusProbe = (parts: StatusParts): Server =>
  createProbeServer(['/livez'], listenerFor(parts));

function listenerFor(parts: StatusParts): RequestListener {
  return (request, response) => {
    const [path, query = ''] = (request.url ?? '/').split('?', 2);
    const what = `${request.method} ${path}`;
    if (what === 'GET /livez') return send(response, 200, { name: parts.name });
    const handle = Object.hasOwn(FOR_THE_HOLDER, what) ? FOR_THE_HOLDER[what] : undefined;
    if (!handle) {
      const detail = 'GET /livez, /metrics, /status, /events?after=SEQ, POST /switchover, /failover';
      return sendProblem(response, 404, 'not-found', detail);
    }
    if (!isAuthorised(parts.token, request)) {
      response.setHeader('WWW-Authenticate', 'Bearer');
      const detail = 'this needs the header Authorization: Bearer SUPERVISOR_TOKEN';
      return sendProblem(response, 401, 'unauthorised', detail);
    }
    handle(parts, request, response, query);
  };
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

function sendEvents(parts: StatusParts, response: ServerResponse, query: string): void {
  const after = new URLSearchParams(query).get('after') ?? '0';
  if (!/^\d{1,15}$/.test(after)) {
    sendProblem(response, 400, 'invalid-after', 'after: the `next` of the last answer, or 0');
    return;
  }
  send(response, 200, parts.events(Number(after)));
}

async function switchOver(
  parts: StatusParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = switchoverBody.safeParse(await readJson(request));
  if (!body.success) return sendProblem(response, 400, 'invalid-body', 'the body is {"to": "db-2"}');
  const outcome = await parts.switchover(body.data.to);
  if (outcome.ok) return send(response, 200, { name: parts.name, ...outcome });
  sendProblem(response, outcome.code === 'unknown-node' ? 404 : 409, outcome.code, outcome.detail);
}

async function overrule(
  parts: StatusParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = failoverBody.safeParse(await readJson(request));
  if (!body.success)
    return sendProblem(response, 400, 'invalid-body', 'the body is {"to": "db-2", "allowDataLoss": false}');
  const outcome = await parts.override(body.data.to, body.data.allowDataLoss);
  if (outcome.ok) return send(response, 200, { name: parts.name, ...outcome });
  sendProblem(response, outcome.code === 'unknown-node' ? 404 : 409, outcome.code, outcome.detail);
}

/** Undefined for what is no JSON, too long, or does not come to its end. */
async function readJson(request: IncomingMessage): Promise<unknown> {
  try {
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) {
      text += chunk;
      if (text.length > MAX_BODY_BYTES) return undefined;
    }
    return JSON.parse(text);
  } catch {
    return undefined;
  }
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
