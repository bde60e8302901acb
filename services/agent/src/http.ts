import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Endpoint } from '@replication-lab/engines';
import {
  type CertificateFiles,
  createProbeServer,
  createServiceServer,
  limited,
} from '@replication-lab/engines/https';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { LiveAnswer, LiveProbe } from './live-probe.ts';
import { judgeOrder, type Order, type OrderDesk } from './orders.ts';

const MAX_BODY_BYTES = 4096;

export interface AgentParts {
  readonly node: string;
  /** All database nodes; orders name one of them as their source. */
  readonly nodes: readonly Endpoint[];
  readonly token: string;
  /** Asks this node's database. */
  readonly probe: Pick<LiveProbe, 'ask'>;
  /** Asks another node's database what it is, now, over the monitor's account. Never throws, and does not take long. */
  readonly askNode: (node: Endpoint) => Promise<LiveAnswer>;
  readonly desk: OrderDesk;
  /** Does this host have the virtual address now? */
  readonly holdsVip: () => boolean;
  readonly log: Logger;
  /** Null: plain HTTP. */
  readonly certificate?: CertificateFiles | null;
}

const source = z.string().max(63);
/** Of the primary that the order is given for. */
const epoch = z.int().min(1);
const isGivenUp = z.boolean().optional();
const orderRequest = z.discriminatedUnion('order', [
  z.strictObject({ order: z.literal('initialise') }),
  z.strictObject({ order: z.literal('copy'), source }),
  z.strictObject({ order: z.literal('restart'), epoch, source, isGivenUp }),
  z.strictObject({ order: z.literal('rebuild'), epoch, source, isGivenUp }),
]);

/** What an answer outside 2xx says, as application/problem+json. */
class Problem extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

interface Answer {
  readonly status: number;
  readonly body: object;
}

/**
 * The agent's interface: `GET /livez`, `GET /health` (what the node is), `GET /primary` (200 only when the database,
 * asked now, says that it is the writable primary), and for the holder of the token `POST /orders`, `GET /orders/ID`.
 */
export function createAgentServer(parts: AgentParts): Server {
  const options = {
    maxHeaderSize: 8192,
    keepAliveTimeout: 5000,
    files: parts.certificate,
    onUnusable: (error: Error) => parts.log.error(error, 'the new certificate cannot be used'),
  };
  return limited(createServiceServer(options, (request, response) => respond(parts, request, response)));
}

/** What keepalived's script and the container's health check ask, on the host's own loopback, some times a second. */
const FOR_ITS_OWN_HOST = ['/livez', '/primary'];

/** See `createProbeServer`. */
export const createAgentProbe = (parts: AgentParts): Server =>
  createProbeServer(FOR_ITS_OWN_HOST, (request, response) => respond(parts, request, response));

function respond(parts: AgentParts, request: IncomingMessage, response: ServerResponse): void {
  answer(parts, request).then(
    ({ status, body }) => send(response, status, 'application/json', body),
    (error: unknown) => sendProblem(parts.log, response, error),
  );
}

async function answer(parts: AgentParts, request: IncomingMessage): Promise<Answer> {
  const path = (request.url ?? '/').split('?', 1)[0];
  const route = `${request.method} ${path}`;
  if (route === 'GET /livez') return { status: 200, body: { node: parts.node } };
  if (route === 'GET /health') return health(parts);
  if (route === 'GET /primary') return primary(parts);
  if (route === 'POST /orders') {
    authorise(parts.token, request);
    return takeOrder(parts, await readJson(request));
  }
  const id = /^GET \/orders\/([0-9a-f-]{36})$/.exec(route)?.[1];
  if (id) {
    authorise(parts.token, request);
    const result = await parts.desk.result(id);
    if (!result)
      throw new Problem(404, 'order-not-found', 'no such order, or whoever runs the database has restarted');
    return { status: 200, body: { id, ...result } };
  }
  throw new Problem(404, 'not-found', 'GET /livez, /health, /primary, /orders/ID; POST /orders');
}

async function health(parts: AgentParts): Promise<Answer> {
  const [{ up, probe, error }, boot] = await Promise.all([parts.probe.ask(), parts.desk.status()]);
  const body = {
    node: parts.node,
    up,
    role: probe?.role ?? 'unknown',
    readOnly: probe?.readOnly ?? null,
    epoch: probe?.epoch ?? null,
    position: probe?.position ?? null,
    received: probe?.received ?? null,
    replicating: probe?.replicating ?? null,
    source: probe?.source ?? null,
    engineLagMs: probe?.engineLagMs ?? null,
    vip: parts.holdsVip(),
    boot: boot && { phase: boot.phase, message: boot.message },
    error,
  };
  return { status: probe ? 200 : 503, body };
}

async function primary(parts: AgentParts): Promise<Answer> {
  const { probe, error } = await parts.probe.ask();
  if (probe?.role === 'primary' && !probe.readOnly) {
    return { status: 200, body: { node: parts.node, epoch: probe.epoch } };
  }
  throw new Problem(503, 'not-primary', error ?? `the database is ${probe?.role}`);
}

async function takeOrder(parts: AgentParts, body: unknown): Promise<Answer> {
  const parsed = orderRequest.safeParse(body);
  if (!parsed.success) throw new Problem(400, 'invalid-order', z.prettifyError(parsed.error));
  const request = parsed.data;
  const source = 'source' in request ? sourceOf(parts, request.source) : null;
  if (source && 'epoch' in request) await refuseUnlessJust(parts, source, request);
  const order: Order = {
    id: randomUUID(),
    order: request.order,
    source: source && `${source.host}:${source.port}`,
  };
  if (!(await parts.desk.give(order))) {
    throw new Problem(409, 'order-pending', 'an order before this one waits, or is being carried out');
  }
  parts.log.info({ order }, 'order handed in');
  return { status: 202, body: { id: order.id } };
}

function sourceOf(parts: AgentParts, name: string): Endpoint {
  const source = parts.nodes.find((node) => node.name === name);
  if (!source || name === parts.node) {
    throw new Problem(400, 'invalid-order', `'${name}' is no other node of this lab`);
  }
  return source;
}

/** Orders that end a server: see `judgeOrder`. Both nodes are asked now, whatever was known of them before. */
async function refuseUnlessJust(
  parts: AgentParts,
  source: Endpoint,
  { epoch, isGivenUp }: { readonly epoch: number; readonly isGivenUp?: boolean },
): Promise<void> {
  const [own, other] = await Promise.all([parts.probe.ask(), parts.askNode(source)]);
  const why = judgeOrder({ epoch, source, isGivenUp, sourceProbe: other.probe, ownProbe: own.probe });
  if (why === null) return;
  const detail = other.error ? `${why}: ${other.error}` : why;
  parts.log.warn({ source: source.name, epoch, why: detail }, 'order refused');
  throw new Problem(409, 'order-refused', detail);
}

/** Compares hashes: of equal length whatever was sent, so that the time taken tells nothing. */
function authorise(token: string, request: IncomingMessage): void {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const given = request.headers.authorization ?? '';
  if (timingSafeEqual(digest(given), digest(`Bearer ${token}`))) return;
  throw new Problem(401, 'unauthorised', 'orders need the header Authorization: Bearer AGENT_TOKEN');
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new Problem(413, 'body-too-large', `at most ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new Problem(400, 'invalid-json', 'the body is not JSON');
  }
}

function sendProblem(log: Logger, response: ServerResponse, error: unknown): void {
  const problem =
    error instanceof Problem ? error : new Problem(500, 'internal', 'the agent failed; its log says why');
  if (problem.status === 500) log.error(error, 'request failed');
  const { status, code, message: detail } = problem;
  if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
  // A body that was not read to its end must not be taken for the next request.
  if (status === 413) response.setHeader('Connection', 'close');
  send(response, status, 'application/problem+json', { type: 'about:blank', status, code, detail });
}

function send(response: ServerResponse, status: number, type: string, body: object): void {
  if (response.destroyed) return;
  response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' });
  response.end(`${JSON.stringify(body)}\n`);
}
