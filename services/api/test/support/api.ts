import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Accounts, type Endpoint, type EngineName, getEngineClient } from '@replication-lab/engines';
import { createRouter, ROUTE_REASONS } from '@replication-lab/router';
import { pino } from 'pino';
import { expect } from 'vitest';
import { z } from 'zod';
import { createApp } from '../../src/app.ts';
import type { Database } from '../../src/database.ts';
import { openApiDocument } from '../../src/openapi.ts';
import { PROBLEMS, problemSchema } from '../../src/problems.ts';
import { createHttpServer } from '../../src/server.ts';
import { topologySchema } from '../../src/system.ts';
import { userPageSchema, userSchema } from '../../src/users/schemas.ts';
import { TOKEN_KEY } from './offline-app.ts';

export interface Answer<T = unknown> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
  /** The newest token. */
  readonly token: string;
}

export interface CallInit {
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

/** One replica of the API over real databases, in this process, on an address of its own. */
export interface Api extends AsyncDisposable {
  readonly name: string;
  readonly db: Database;
  readonly url: string;
  /** Every answer is checked against the service's own description before it is returned. */
  call<T = Record<string, unknown>>(method: string, path: string, init?: CallInit): Promise<Answer<T>>;
}

export interface ApiSpec {
  readonly name: string;
  readonly host: string;
  readonly engine: EngineName;
  readonly nodes: readonly Endpoint[];
  readonly accounts: Accounts;
  readonly database: string;
}

export const IDEMPOTENCY_WAIT_MS = 1200;

export async function startApi({ name, host, ...cluster }: ApiSpec): Promise<Api> {
  const router = createRouter({ ...cluster, tokenKeys: [TOKEN_KEY], pollMs: 50 });
  const db = { router, engine: getEngineClient(cluster.engine) };
  const { express, metrics } = createApp({
    db,
    logger: pino({ level: 'error' }),
    apiName: name,
    maxInFlight: 256,
    requestTimeoutMs: 5000,
    idempotencyWaitMs: IDEMPOTENCY_WAIT_MS,
    trustProxy: 'loopback',
  });
  const server: Server = createHttpServer(express, name);
  await once(server.listen(0, host), 'listening');
  await router.ready();
  const url = `http://${host}:${(server.address() as AddressInfo).port}`;
  return {
    name,
    db,
    url,
    call: (method, path, init) => call(url, name, method, path, init),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      metrics.stop();
      await router.close();
    },
  };
}

async function call<T>(
  url: string,
  name: string,
  method: string,
  path: string,
  { headers = {}, body }: CallInit = {},
): Promise<Answer<T>> {
  const response = await fetch(url + path, {
    method,
    headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(20_000),
  });
  const text = await response.text();
  expect(response.headers.get('Served-By')).toBe(name);
  expect(response.headers.get('Cache-Control')).toBe('no-store');
  const parsed = checkBody(method, path, response, text);
  return {
    status: response.status,
    headers: response.headers,
    body: parsed as T,
    token: response.headers.get('Consistency-Token') ?? '',
  };
}

const document = openApiDocument();
const decisionSchema = z.object({
  node: z.string().regex(/^db-[1-3]$/),
  role: z.enum(['primary', 'replica']),
  reason: z.enum(ROUTE_REASONS),
});

/** The status must be described for this operation, and the body be what the description says. */
function checkBody(method: string, path: string, response: Response, text: string): unknown {
  const template = path.split('?')[0]?.replace(/^\/users\/.+$/, '/users/{id}') ?? '';
  const paths = document.paths as Record<string, Record<string, { responses: object }>>;
  const operation = paths[template]?.[method.toLowerCase()];
  const { status } = response;
  if (operation) expect(Object.keys(operation.responses), `${method} ${template}`).toContain(String(status));
  if (status === 204 || status === 304) {
    expect(text).toBe('');
    return null;
  }
  const body: unknown = JSON.parse(text);
  if (status >= 400) {
    const problem = problemSchema.parse(body);
    expect(response.headers.get('Content-Type')).toMatch(/^application\/problem\+json/);
    expect(PROBLEMS[problem.code].status).toBe(status);
    return body;
  }
  if (template.startsWith('/users')) expectDecision(response.headers);
  if (template === '/users/{id}' || method === 'POST') return userSchema.parse(body);
  if (template === '/users') return userPageSchema.parse(body);
  if (template === '/topology') return topologySchema.parse(body);
  return body;
}

function expectDecision(headers: Headers): void {
  decisionSchema.parse({
    node: headers.get('Data-Node'),
    role: headers.get('Data-Role'),
    reason: headers.get('Route-Reason'),
  });
  expect(headers.get('Consistency-Token')).toBeTruthy();
}
