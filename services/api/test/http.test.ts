import { getEngineClient } from '@replication-lab/engines';
import { RouterError } from '@replication-lab/router';
import { Validator } from '@seriousme/openapi-schema-validator';
import fc from 'fast-check';
import request, { type Response } from 'supertest';
import { afterAll, describe, expect, test } from 'vitest';
import { PROBLEMS, type ProblemCode, problemSchema } from '../src/problems.ts';
import { offlineApp, unreachableRouter } from './support/offline-app.ts';

/** All of HTTP that can be said without a database: requests are refused, or find no node that could serve them. */
const offline = offlineApp();
const engine = getEngineClient('mysql');
afterAll(() => offline[Symbol.asyncDispose]());

const http = () => request(offline.app);
const post = (body: string | Buffer, type = 'application/json') => {
  const sending = http().post('/users').set('Content-Type', type);
  if (typeof body === 'string') return sending.serialize(String).send(body);
  sending.write(body); // `send` would make text of it
  return sending;
};

function expectProblem(response: Response, code: ProblemCode): void {
  expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
  expect(problemSchema.parse(JSON.parse(response.text))).toMatchObject({ code });
  expect(response.status).toBe(PROBLEMS[code].status);
  expect(response.headers['served-by']).toBe('api-test');
  expect(response.headers['cache-control']).toBe('no-store');
}

describe('every response', () => {
  test('says who answered, is not cached, and carries a request id', async () => {
    const response = await http().get('/livez');
    expect(response.status).toBe(200);
    expect(response.headers).toMatchObject({ 'served-by': 'api-test', 'cache-control': 'no-store' });
    expect(response.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(response.headers).not.toHaveProperty('x-powered-by');
    expect(response.headers['x-content-type-options']).toBe('nosniff');
  });

  test('keeps a sane request id and replaces another', async () => {
    const kept = await http().get('/nowhere').set('X-Request-Id', 'trace-42');
    expect(kept.headers['x-request-id']).toBe('trace-42');
    expect(kept.body.requestId).toBe('trace-42');
    const replaced = await http().get('/nowhere').set('X-Request-Id', 'a b"{}');
    expect(replaced.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });
});

test('a session whose history was lost is told so, with a token to go on with', async () => {
  const lost = new RouterError('history-lost', 'gone', undefined, 'the-new-token');
  const router = unreachableRouter();
  // Only the router's verdict stands in here: what leads to it is tried on real servers in the router's own tests.
  const db = { router: Object.assign(router, { read: () => Promise.reject(lost) }), engine };
  await using app = offlineApp({ db });
  const response = await request(app.app).get('/users/1');
  expectProblem(response, 'history-lost');
  expect(response.headers['consistency-token']).toBe('the-new-token');
  expect(String(response.headers['set-cookie'])).toContain('consistency_token=the-new-token');
  await router.close();
});

describe('without a database', () => {
  test('the process is live and not ready', async () => {
    expect((await http().get('/livez')).body).toEqual({ status: 'live' });
    const ready = await http().get('/readyz');
    expectProblem(ready, 'no-node');
    expect(ready.headers['retry-after']).toBe('1');
  });

  test.each([
    'eventual',
    'session',
    'primary',
    'bounded; max-staleness=5',
    'delayed; ms=1',
    'version; min=2',
  ])('a read at %s finds no node', async (level) => {
    const response = await http().get('/users/1').set('Consistency-Level', level);
    expectProblem(response, 'no-node');
    expect(response.headers['retry-after']).toBe('1');
  });

  test('a write finds no primary, with an idempotency key or without', async () => {
    const body = { name: 'Ada', email: 'ada@example.test' };
    expectProblem(await http().post('/users').send(body), 'no-primary');
    const keyed = await http().post('/users').set('Idempotency-Key', 'a-key-of-16-characters').send(body);
    expectProblem(keyed, 'no-primary');
    expect(keyed.headers['retry-after']).toBe('1');
    expectProblem(await http().patch('/users/1').send({ name: 'Ada' }), 'no-primary');
    expectProblem(await http().delete('/users/1'), 'no-primary');
  });

  test('the topology says that nothing answers', async () => {
    const { body } = await http().get('/topology');
    expect(body).toMatchObject({ servedBy: 'api-test', engine: 'mysql', primary: null });
    expect(body.nodes).toHaveLength(3);
  });
});

describe('paths and methods', () => {
  test.each(['/', '/nowhere', '/user', '/users/1/friends', '/Users', '/.env'])(
    '%s is nowhere',
    async (path) => {
      expectProblem(await http().get(path), 'not-found');
    },
  );

  test.each([
    ['put', '/users', 'GET, HEAD, POST, OPTIONS'],
    ['delete', '/users', 'GET, HEAD, POST, OPTIONS'],
    ['post', '/users/1', 'GET, HEAD, PATCH, DELETE, OPTIONS'],
    ['post', '/topology', 'GET, HEAD, OPTIONS'],
    ['delete', '/readyz', 'GET, HEAD, OPTIONS'],
  ] as const)('%s %s is refused with what is allowed', async (method, path, allow) => {
    const response = await http()[method](path);
    expectProblem(response, 'method-not-allowed');
    expect(response.headers.allow).toBe(allow);
    const options = await http().options(path);
    expect([options.status, options.headers.allow]).toEqual([204, allow]);
  });

  test.each(['/users/%', '/users/%zz', '/users/%ff', '/users/%ED%A0%80', '/%c0%ae%c0%ae/etc'])(
    '%s is not a path',
    async (path) => expectProblem(await http().get(path), 'invalid-path'),
  );

  test.each(['0', '-1', '1e3', '9999999999999999999', 'abc', '1%00', '%20', '1.5', "1'or'1", 'NaN'])(
    'id %s is refused for every method',
    async (id) => {
      expectProblem(await http().get(`/users/${id}`), 'invalid-id');
      expectProblem(await http().patch(`/users/${id}`).send({ name: 'x' }), 'invalid-id');
      expectProblem(await http().delete(`/users/${id}`), 'invalid-id');
    },
  );

  test.each([
    'limit=0',
    'limit=101',
    'limit=99999999999999999999',
    'limit=-1',
    'limit=1e1',
    'limit=',
    'limit=1&limit=2',
    'after=-1',
    'after=9999999999999999999',
    'q=',
    'q=%00',
    `q=${'xx%20'.repeat(40)}`,
    'q[]=a',
    'q=a&q=b',
    'page=2',
    '__proto__=1',
    'q=%',
    'q=%ff',
    'q=%ED%A0%80',
  ])('query %s is refused', async (query) => {
    expectProblem(await http().get(`/users?${query}`), 'invalid-query');
  });
});

describe('headers', () => {
  test('an unknown consistency level', async () => {
    const response = await http().get('/users/1').set('Consistency-Level', 'strong');
    expectProblem(response, 'invalid-consistency-level');
    expect(response.body.detail).toContain('session');
  });

  test.each([
    ['forged', 'forged'],
    ['huge', 'x'.repeat(8000)],
    ['a path', '../../etc/passwd'],
    ['quotes', '""'],
  ])('a token that is none: %s', async (_what, token) => {
    expectProblem(await http().get('/users/1').set('Consistency-Token', token), 'invalid-token');
    expectProblem(await http().delete('/users/1').set('Consistency-Token', token), 'invalid-token');
  });

  test('a cookie that is no token is refused, and cleared so that the next request works', async () => {
    const response = await http().get('/users/1').set('Cookie', 'a=b; consistency_token=forged; c=d');
    expectProblem(response, 'invalid-token');
    expect(response.headers['set-cookie']?.[0]).toMatch(
      /^consistency_token=; Path=\/; Expires=Thu, 01 Jan 1970/,
    );
  });

  test.each(['short', 'x'.repeat(129), 'not-ascii-é-é-é-é-é'])(
    'idempotency key %s is refused',
    async (key) => {
      const response = await http()
        .post('/users')
        .set('Idempotency-Key', Buffer.from(key).toString('latin1'))
        .send({ name: 'Ada', email: 'ada@example.test' });
      expectProblem(response, 'invalid-idempotency-key');
    },
  );

  test('an If-Match that is none', async () => {
    const response = await http().patch('/users/1').set('If-Match', '3').send({ name: 'Ada' });
    expectProblem(response, 'invalid-if-match');
  });
});

describe('bodies', () => {
  test.each([
    ['nothing', ''],
    ['broken JSON', '{"name":'],
    ['two documents', '{}{}'],
    ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
    ['UTF-16', Buffer.from('{"name":"Ada"}', 'utf16le')],
  ])('%s is not JSON', async (_what, body) => expectProblem(await post(body), 'invalid-json'));

  test.each([
    ['null', 'null'],
    ['a list', '[]'],
    ['a text', '"Ada"'],
    ['an unknown field', '{"name":"Ada","email":"a@example.test","admin":true}'],
    ['__proto__', '{"name":"Ada","email":"a@example.test","__proto__":{}}'],
    ['wrong types', '{"name":7,"email":["a@example.test"]}'],
    ['a NUL', '{"name":"A\\u0000da","email":"a@example.test"}'],
    ['a lone surrogate', '{"name":"\\ud800","email":"a@example.test"}'],
    ['an overlong name', JSON.stringify({ name: 'é'.repeat(201), email: 'a@example.test' })],
    ['deep nesting', `{"name":${'['.repeat(8000)}${']'.repeat(8000)},"email":"a@example.test"}`],
  ])('%s is not a user', async (_what, body) => {
    const response = await post(body);
    expectProblem(response, 'invalid-body');
    expect(response.text.length).toBeLessThan(2000);
  });

  test('an empty patch changes nothing, and is refused', async () => {
    expectProblem(await http().patch('/users/1').send({}), 'invalid-body');
  });

  test('more than 16 KiB is too large, however it is sent', async () => {
    const large = JSON.stringify({ name: 'x'.repeat(17_000), email: 'a@example.test' });
    expectProblem(await post(large), 'body-too-large');
    const chunked = http().post('/users').set('Content-Type', 'application/json');
    chunked.write(large.slice(0, 9000));
    chunked.write(large.slice(9000));
    expectProblem(await chunked, 'body-too-large');
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json; charset=latin1',
    'application/jsonx',
  ])('%s is not taken', async (type) =>
    expectProblem(await post('{"name":"Ada"}', type), 'unsupported-media-type'),
  );

  test('a compressed body is not taken', async () => {
    const response = await http()
      .post('/users')
      .set('Content-Type', 'application/json')
      .set('Content-Encoding', 'gzip')
      .send('{}');
    expectProblem(response, 'unsupported-media-type');
  });

  test('whatever JSON comes, the answer is a known refusal', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json({ maxDepth: 4 }), async (body) => {
        const response = await post(body);
        const { code } = problemSchema.parse(JSON.parse(response.text));
        expect(['invalid-json', 'invalid-body', 'no-primary', 'body-too-large']).toContain(code);
      }),
      { numRuns: 60 },
    );
  });
});

test('one request more than admitted is refused at once, while health still answers', async () => {
  await using small = offlineApp({ maxInFlight: 1 });
  const server = small.app.listen(0, '127.0.0.1');
  try {
    const slow = request(server).get('/users/1').set('Consistency-Level', 'delayed; ms=300');
    const slowEnd = slow.then((response) => response.status);
    await expect
      .poll(async () => (await request(server).get('/metrics')).text)
      .toContain('http_requests_in_flight 1');
    const refused = await request(server).get('/users/1');
    expectProblem(refused, 'overloaded');
    expect(refused.headers['retry-after']).toBe('1');
    expect((await request(server).get('/livez')).status).toBe(200);
    expect(await slowEnd).toBe(503);
    expectProblem(await request(server).get('/users/1'), 'no-node');
  } finally {
    server.close();
  }
});

test('a replica that is stopping says so and asks for connections to be closed', async () => {
  await using stopping = offlineApp({ draining: () => true });
  const ready = await request(stopping.app).get('/readyz');
  expectProblem(ready, 'shutting-down');
  expect(ready.headers.connection).toBe('close');
  const live = await request(stopping.app).get('/livez');
  expect([live.status, live.headers.connection]).toEqual([200, 'close']);
});

describe('the metrics', () => {
  test('count requests by the template of their route', async () => {
    await http().get('/users/12345');
    await http().get('/users/abc');
    await http().get('/wp-admin.php');
    const { text, headers } = await http().get('/metrics');
    expect(headers['content-type']).toMatch(/^text\/plain/);
    expect(text).toMatch(
      /http_request_duration_seconds_count\{method="GET",route="\/users\/:id",status="400"\} \d/,
    );
    expect(text).toMatch(
      /http_request_duration_seconds_count\{method="GET",route="unmatched",status="404"\} \d/,
    );
    expect(text).toContain('router_pool_connections{node="db-1",pool="write",state="busy"} 0');
    expect(text).toContain('router_node_up{node="db-2"} 0');
    expect(text).not.toMatch(/12345|wp-admin/);
  });
});

describe('the description', () => {
  test('is valid OpenAPI 3.1', async () => {
    const { body } = await http().get('/openapi.json');
    expect(body.openapi).toBe('3.1.0');
    expect(await new Validator().validate(structuredClone(body))).toEqual({ valid: true });
  });

  test('has every path and method that is served, with the limits that are checked', async () => {
    const { body } = await http().get('/openapi.json');
    const operations = Object.entries(body.paths as Record<string, object>)
      .map(([path, methods]) => `${path} ${Object.keys(methods).join(' ')}`)
      .sort();
    expect(operations).toEqual([
      '/livez get',
      '/metrics get',
      '/openapi.json get',
      '/readyz get',
      '/topology get',
      '/users get post',
      '/users/{id} get patch delete',
    ]);
    expect(body.components.schemas.NewUser).toMatchObject({
      additionalProperties: false,
      required: ['name', 'email'],
      properties: { name: { type: 'string', maxLength: 200 }, email: { maxLength: 254 } },
    });
    const limit = body.paths['/users'].get.parameters.find((p: { name: string }) => p.name === 'limit');
    expect(limit.schema).toMatchObject({ type: 'integer', minimum: 1, maximum: 100, default: 20 });
  });
});

test('the logs hold no token, cookie, key, query or body', async () => {
  await http().get('/users?q=secret-query').set('Cookie', 'consistency_token=secret-cookie');
  await http().get('/users/1').set('Consistency-Token', 'secret-token');
  await http()
    .post('/users')
    .set('Idempotency-Key', 'secret-key-secret-key')
    .set('Authorization', 'Bearer secret-bearer')
    .send({ name: 'secret-name', email: 'secret@example.test' });
  expect(offline.logged.length).toBeGreaterThan(3);
  expect(offline.logged.join('')).not.toContain('secret');
});
