import { OpenAPIRegistry, OpenApiGeneratorV31, type ResponseConfig } from '@asteasolutions/zod-to-openapi';
import { ROUTE_REASONS } from '@replication-lab/router';
import { z } from 'zod';
import { PROBLEM_TYPE, PROBLEMS, type ProblemCode, problemSchema } from './problems.ts';
import { healthSchema, topologySchema } from './system.ts';
import {
  listQuerySchema,
  newUserSchema,
  userIdSchema,
  userPageSchema,
  userPatchSchema,
  userSchema,
} from './users/schemas.ts';

/** The service's description, made from the schemas that check its requests. */
export function openApiDocument() {
  const registry = new OpenAPIRegistry();
  describeUsers(registry);
  describeSystem(registry);
  return new OpenApiGeneratorV31(registry.definitions, { sortComponents: 'alphabetically' }).generateDocument(
    {
      openapi: '3.1.0',
      info: {
        title: 'Replication Lab',
        version: '1',
        license: { name: 'MIT', identifier: 'MIT' },
        description:
          'Users in a replicated database. Each read says how consistent it must be (`Consistency-Level`); each answer ' +
          'says which node gave it and why, and carries a token of what the client has now seen.',
      },
      servers: [{ url: '/' }],
    },
  );
}

const json = (schema: z.ZodType) => ({ 'application/json': { schema } });

const requestId = z.string().optional().meta({ description: 'Kept in the logs; made up when absent' });
const consistencyHeaders = z.object({
  'Consistency-Level': z.string().optional().meta({
    description:
      'eventual | bounded; max-staleness=MS | session (default) | primary | delayed; ms=MS | version; min=N',
    example: 'session',
  }),
  'Consistency-Token': z.string().optional().meta({
    description: 'The newest token the client holds; the cookie `consistency_token` serves browsers',
  }),
  'X-Request-Id': requestId,
});
const ifMatch = z
  .string()
  .optional()
  .meta({ description: 'The version the row must have, as its ETag says it', example: '"1"' });

const servedBy = { 'Served-By': { description: 'Replica of the API', schema: { type: 'string' as const } } };
const outcomeHeaders = {
  ...servedBy,
  'Data-Node': { description: 'Database node that served it', schema: { type: 'string' as const } },
  'Data-Role': { description: 'Its role', schema: { type: 'string' as const, enum: ['primary', 'replica'] } },
  'Route-Reason': {
    description: 'Why this node',
    schema: { type: 'string' as const, enum: [...ROUTE_REASONS] },
  },
  'Consistency-Token': {
    description: 'Proof of what the client has now seen: send it with the next request',
    schema: { type: 'string' as const },
  },
};
const etag = { ETag: { description: "The row's version in quotes", schema: { type: 'string' as const } } };

/** A response for each status among the codes, naming the codes that it may carry. */
function problems(...codes: readonly ProblemCode[]): Record<string, ResponseConfig> {
  const statuses = new Set(codes.map((code) => PROBLEMS[code].status));
  return Object.fromEntries(
    [...statuses].map((status) => [
      String(status),
      {
        description: codes
          .filter((code) => PROBLEMS[code].status === status)
          .map((code) => `\`${code}\`: ${PROBLEMS[code].title}`)
          .join('\n\n'),
        content: { [PROBLEM_TYPE]: { schema: problemSchema } },
        headers: servedBy,
      },
    ]),
  );
}

const ANY = ['invalid-consistency-level', 'invalid-token', 'rate-limited', 'internal', 'overloaded'] as const;
const READ = [...ANY, 'history-lost', 'no-node', 'timeout'] as const;
const WRITE = [...ANY, 'history-lost', 'no-primary', 'write-conflict', 'outcome-unknown'] as const;
const BODY = ['invalid-json', 'invalid-body', 'body-too-large', 'unsupported-media-type'] as const;

function describeUsers(registry: OpenAPIRegistry): void {
  const params = z.object({ id: userIdSchema });
  registry.registerPath({
    method: 'get',
    path: '/users',
    operationId: 'listUsers',
    summary: 'A page of users in the order of their ids',
    request: { query: listQuerySchema, headers: consistencyHeaders },
    responses: {
      200: { description: 'The page', content: json(userPageSchema), headers: outcomeHeaders },
      ...problems('invalid-query', ...READ),
    },
  });
  registry.registerPath({
    method: 'post',
    path: '/users',
    operationId: 'createUser',
    summary: 'Creates a user; safe to repeat with an Idempotency-Key',
    request: {
      headers: consistencyHeaders.extend({
        'Idempotency-Key': z.string().min(16).max(128).optional().meta({
          description: 'The same key and body get the same answer for 24 hours, and make one row',
        }),
      }),
      body: { required: true, content: json(newUserSchema) },
    },
    responses: {
      201: {
        description: 'The row',
        content: json(userSchema),
        headers: {
          ...outcomeHeaders,
          ...etag,
          Location: { schema: { type: 'string' } },
          'Idempotent-Replay': {
            description: '`true` when this is the stored answer of an earlier request',
            schema: { type: 'string' },
          },
        },
      },
      ...problems(
        ...BODY,
        'invalid-idempotency-key',
        'email-taken',
        'idempotency-in-progress',
        'idempotency-key-reuse',
        ...WRITE,
      ),
    },
  });
  registry.registerPath({
    method: 'get',
    path: '/users/{id}',
    operationId: 'getUser',
    summary: 'One user',
    request: { params, headers: consistencyHeaders },
    responses: {
      200: {
        description: 'The row',
        content: json(userSchema),
        headers: { ...outcomeHeaders, ...etag },
      },
      304: { description: 'The row still has the version that `If-None-Match` names' },
      ...problems('invalid-id', 'user-not-found', 'version-mismatch', ...READ),
    },
  });
  registry.registerPath({
    method: 'patch',
    path: '/users/{id}',
    operationId: 'updateUser',
    summary: 'Changes a user, where wanted only from a known version',
    request: {
      params,
      headers: consistencyHeaders.extend({ 'If-Match': ifMatch }),
      body: { required: true, content: json(userPatchSchema) },
    },
    responses: {
      200: {
        description: 'The row as it is now',
        content: json(userSchema),
        headers: { ...outcomeHeaders, ...etag },
      },
      ...problems(
        'invalid-id',
        'invalid-if-match',
        ...BODY,
        'user-not-found',
        'email-taken',
        'version-mismatch',
        ...WRITE,
      ),
    },
  });
  registry.registerPath({
    method: 'delete',
    path: '/users/{id}',
    operationId: 'deleteUser',
    summary: 'Removes a user, where wanted only at a known version',
    request: { params, headers: consistencyHeaders.extend({ 'If-Match': ifMatch }) },
    responses: {
      204: { description: 'Removed', headers: outcomeHeaders },
      ...problems('invalid-id', 'invalid-if-match', 'user-not-found', 'version-mismatch', ...WRITE),
    },
  });
}

function describeSystem(registry: OpenAPIRegistry): void {
  registry.registerPath({
    method: 'get',
    path: '/topology',
    operationId: 'getTopology',
    summary: 'The database nodes as the router of this replica sees them',
    responses: {
      200: { description: 'The nodes', content: json(topologySchema), headers: servedBy },
      ...problems('overloaded'),
    },
  });
  registry.registerPath({
    method: 'get',
    path: '/livez',
    operationId: 'isLive',
    summary: 'The process answers',
    responses: { 200: { description: 'It does', content: json(healthSchema) } },
  });
  registry.registerPath({
    method: 'get',
    path: '/readyz',
    operationId: 'isReady',
    summary: 'This replica can serve reads and is not stopping',
    responses: {
      200: { description: 'It can', content: json(healthSchema) },
      ...problems('no-node', 'shutting-down'),
    },
  });
  const text = { 'text/plain': { schema: z.string() } };
  registry.registerPath({
    method: 'get',
    path: '/metrics',
    operationId: 'getMetrics',
    summary: 'Metrics of this replica for Prometheus',
    responses: { 200: { description: "Prometheus' text format", content: text } },
  });
  registry.registerPath({
    method: 'get',
    path: '/openapi.json',
    operationId: 'getOpenApi',
    summary: 'This document',
    responses: { 200: { description: 'OpenAPI 3.1', content: json(z.looseObject({})) } },
  });
}
