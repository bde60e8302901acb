import { randomUUID } from 'node:crypto';
import type { EngineName } from '@replication-lab/engines';
import { availableEngines } from '@replication-lab/engines/testing';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { newUserSchema, type User, type UserPage } from '../src/users/schemas.ts';
import { idempotencySuite } from './suites/idempotency.ts';
import { anyText } from './support/any-text.ts';
import type { Answer } from './support/api.ts';
import { atPrimary, create, newEmail, problem, useLab } from './support/lab.ts';

/** Two replicas of the API over one primary and two replicas of each engine. */
const { engines } = await availableEngines();

describe.each(engines)('the API over %s', (engine: EngineName) => {
  const lab = useLab(engine, '127.0.34');

  describe('a user', () => {
    test('is created, read, changed and removed', async () => {
      const email = newEmail();
      const created = await lab.one.call<User>('POST', '/users', {
        body: { name: ' Ada ', email: email.toUpperCase() },
      });
      expect(created.status).toBe(201);
      expect(created.body).toMatchObject({ name: 'Ada', email, version: 1 });
      expect(created.body.createdAt).toBe(created.body.updatedAt);
      expect(Math.abs(Date.parse(created.body.createdAt) - Date.now())).toBeLessThan(60_000);
      expect(created.headers.get('Location')).toBe(`/users/${created.body.id}`);
      expect(created.headers.get('ETag')).toBe('"1"');
      expect([created.headers.get('Data-Node'), created.headers.get('Route-Reason')]).toEqual([
        'db-1',
        'write',
      ]);

      const path = `/users/${created.body.id}`;
      const read = await lab.two.call<User>('GET', path, { headers: { 'Consistency-Token': created.token } });
      expect([read.status, read.body]).toEqual([200, created.body]);

      const changed = await lab.two.call<User>('PATCH', path, {
        body: { name: 'Countess' },
        headers: { 'If-Match': '"1"', 'Consistency-Token': read.token },
      });
      expect(changed.body).toEqual({
        ...created.body,
        name: 'Countess',
        version: 2,
        updatedAt: changed.body.updatedAt,
      });
      expect(Date.parse(changed.body.updatedAt)).toBeGreaterThanOrEqual(Date.parse(created.body.updatedAt));
      expect(changed.headers.get('ETag')).toBe('"2"');

      const removed = await lab.one.call('DELETE', path, { headers: { 'Consistency-Token': changed.token } });
      expect(removed.status).toBe(204);
      const gone = await lab.two.call('GET', path, { headers: { 'Consistency-Token': removed.token } });
      expect(problem(gone)).toEqual([404, 'user-not-found']);
      expect(gone.headers.get('Data-Node')).toBeTruthy();
      expect(problem(await lab.one.call('DELETE', path))).toEqual([404, 'user-not-found']);
      expect(problem(await lab.one.call('PATCH', path, { body: { name: 'x' } }))).toEqual([
        404,
        'user-not-found',
      ]);
    });

    test('changes only from the version that If-Match names', async () => {
      const { body: user } = await create(lab.one);
      const path = `/users/${user.id}`;
      const patch = (ifMatch: string) =>
        lab.one.call('PATCH', path, { body: { name: ifMatch }, headers: { 'If-Match': ifMatch } });
      expect(problem(await patch('"2"'))).toEqual([412, 'version-mismatch']);
      expect(problem(await patch('W/"1"'))).toEqual([412, 'version-mismatch']);
      expect(problem(await patch('"other"'))).toEqual([412, 'version-mismatch']);
      expect((await patch('"7", "1"')).body).toMatchObject({ version: 2 });
      expect((await patch('*')).body).toMatchObject({ version: 3 });
      const remove = (ifMatch: string) => lab.one.call('DELETE', path, { headers: { 'If-Match': ifMatch } });
      expect(problem(await remove('"2"'))).toEqual([412, 'version-mismatch']);
      expect((await remove('"3"')).status).toBe(204);
    });

    test('of many writers that saw the same version, one wins', async () => {
      const { body: user } = await create(lab.one);
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          (i % 2 ? lab.one : lab.two).call('PATCH', `/users/${user.id}`, {
            body: { name: `Writer ${i}` },
            headers: { 'If-Match': '"1"' },
          }),
        ),
      );
      const statuses = answers.map(({ status }) => status).sort();
      expect(statuses).toEqual([200, ...Array(9).fill(412)]);
    });

    test('has an address that nobody else has, in any case', async () => {
      const { body: user } = await create(lab.one);
      const taken = await lab.two.call('POST', '/users', {
        body: { name: 'B', email: user.email.toUpperCase() },
      });
      expect(problem(taken)).toEqual([409, 'email-taken']);
      expect([taken.headers.get('Data-Node'), taken.headers.get('Data-Role')]).toEqual(['db-1', 'primary']);
      const { body: other } = await create(lab.one);
      const path = `/users/${other.id}`;
      expect(problem(await lab.one.call('PATCH', path, { body: { email: user.email } }))).toEqual([
        409,
        'email-taken',
      ]);
      expect((await lab.one.call('GET', path, { headers: atPrimary })).body).toEqual(other);
      expect((await lab.one.call('PATCH', path, { body: { email: other.email } })).body).toMatchObject({
        version: 2,
      });
    });

    test('is not sent again to a client that has this version', async () => {
      const { body: user, token } = await create(lab.one);
      // `fetch` would add `Cache-Control: no-cache`, which asks for the whole answer.
      const headers = { 'If-None-Match': '"1"', 'Consistency-Token': token, 'Cache-Control': 'max-age=0' };
      const unchanged = await lab.one.call('GET', `/users/${user.id}`, { headers });
      expect(unchanged.status).toBe(304);
      expect(unchanged.headers.get('Route-Reason')).toBeTruthy();
    });

    test('keeps any valid name as it is', async () => {
      const names = [
        "Robert'); drop table users;--",
        'back\\slash "quote" `tick`',
        '100%_!',
        '😀 ñ 漢字',
        '$1 ? :x',
      ];
      for (const name of names) {
        const { body, status } = await create(lab.one, name);
        expect([status, body.name]).toEqual([201, name]);
      }
      await fc.assert(
        fc.asyncProperty(anyText(220), async (name) => {
          const email = newEmail();
          const valid = newUserSchema.safeParse({ name, email });
          const answer = await lab.one.call<User>('POST', '/users', { body: { name, email } });
          const code = (answer.body as { code?: string }).code;
          expect([answer.status, code]).toEqual(valid.success ? [201, undefined] : [400, 'invalid-body']);
          if (valid.success) expect(answer.body.name).toBe(valid.data.name);
        }),
        { numRuns: 60 },
      );
    });
  });

  describe('the list', () => {
    const mark = `m${randomUUID().slice(0, 8)}`;
    beforeAll(async () => {
      for (let i = 0; i < 25; i++) await create(lab.one, `${mark} Number ${i}`);
      await create(lab.one, `${mark} 50% off_sale! \\o/`);
    });
    const list = (query: string) => lab.one.call<UserPage>('GET', `/users?${query}`, { headers: atPrimary });

    test('is read page by page, each user once, in the order of ids', async () => {
      const ids: number[] = [];
      const sizes: number[] = [];
      for (let after: number | null = 0; after !== null; ) {
        const { body }: Answer<UserPage> = await list(`q=${mark}%20number&limit=10&after=${after}`);
        ids.push(...body.items.map(({ id }) => id));
        sizes.push(body.items.length);
        after = body.nextAfter;
      }
      expect(sizes).toEqual([10, 10, 5]);
      expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
    });

    test('a page that is just full says whether there is another', async () => {
      expect((await list(`q=${mark}&limit=26`)).body).toMatchObject({ nextAfter: null });
      expect((await list(`q=${mark}&limit=25`)).body.nextAfter).toEqual(expect.any(Number));
      expect((await list('q=nobody-has-this-name')).body).toEqual({ items: [], nextAfter: null });
      expect((await list('limit=100&after=9007199254740991')).body.items).toEqual([]);
    });

    test.each(['50% off', 'off_sale', 'sale!', '\\o/', 'OFF_SALE'])('finds %j literally', async (text) => {
      const { body } = await list(`q=${encodeURIComponent(text)}`);
      expect(body.items.map(({ name }) => name)).toEqual([`${mark} 50% off_sale! \\o/`]);
    });

    test.each(['5_% off', 'off%sale', 'off-sale'])('%j is no pattern', async (text) => {
      expect((await list(`q=${encodeURIComponent(text)}`)).body.items).toEqual([]);
    });
  });

  describe('consistency', () => {
    test('a session reads what it wrote, at whichever replica of the API it asks', async () => {
      for (let i = 0; i < 30; i++) {
        const [writer, reader] = i % 2 ? [lab.one, lab.two] : [lab.two, lab.one];
        const { body: user, token } = await create(writer);
        const headers = { 'Consistency-Token': token };
        const read = await reader.call('GET', `/users/${user.id}`, { headers });
        expect([read.status, read.body]).toEqual([200, user]);
      }
    });

    test('a browser carries the session in a cookie', async () => {
      const { body: user, headers } = await create(lab.one);
      const cookie = headers.get('Set-Cookie') ?? '';
      expect(cookie).toMatch(/^consistency_token=[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/);
      const sent = { Cookie: `theme=dark; ${cookie.split(';')[0]}` };
      const read = await lab.two.call('GET', `/users/${user.id}`, { headers: sent });
      expect([read.status, read.body]).toEqual([200, user]);
    });

    test('a token that was changed on the way is refused', async () => {
      const { body: user, token } = await create(lab.one);
      const forged = `${token.slice(0, -2)}${token.endsWith('A') ? 'B' : 'A'}${token.slice(-1)}`;
      const headers = { 'Consistency-Token': forged };
      expect(problem(await lab.one.call('GET', `/users/${user.id}`, { headers }))).toEqual([
        400,
        'invalid-token',
      ]);
    });

    test('primary reads the primary, eventual a replica', async () => {
      const { body: user } = await create(lab.one);
      const read = await lab.one.call('GET', `/users/${user.id}`, { headers: atPrimary });
      expect([read.body, read.headers.get('Data-Node')]).toEqual([user, 'db-1']);
      expect(read.headers.get('Route-Reason')).toBe('level-primary');
      const page = await lab.one.call('GET', '/users', { headers: { 'Consistency-Level': 'eventual' } });
      expect([page.headers.get('Data-Role'), page.headers.get('Route-Reason')]).toEqual([
        'replica',
        'any-replica',
      ]);
    });

    test('version reads again at the primary until it has what was asked for', async () => {
      const get = (id: number, min: number) =>
        lab.one.call<User>('GET', `/users/${id}`, {
          headers: { 'Consistency-Level': `version; min=${min}` },
        });
      for (let i = 0; i < 10; i++) {
        const { body: user } = await create(lab.one);
        expect(await get(user.id, 1)).toMatchObject({ status: 200, body: { version: 1 } });
        await lab.two.call('PATCH', `/users/${user.id}`, { body: { name: 'again' } });
        expect(await get(user.id, 2)).toMatchObject({ status: 200, body: { version: 2 } });
        const missing = await get(user.id, 3);
        expect(problem(missing)).toEqual([412, 'version-mismatch']);
        expect(missing.headers.get('Data-Role')).toBe('primary');
      }
      const list = await lab.one.call('GET', '/users', {
        headers: { 'Consistency-Level': 'version; min=1' },
      });
      expect(problem(list)).toEqual([400, 'invalid-consistency-level']);
    });

    test('delayed waits, then reads a replica', async () => {
      const { body: user } = await create(lab.one);
      const startedAt = performance.now();
      const headers = { 'Consistency-Level': 'delayed; ms=400' };
      const read = await lab.two.call('GET', `/users/${user.id}`, { headers });
      expect(performance.now() - startedAt).toBeGreaterThanOrEqual(395);
      expect(read.headers.get('Data-Role')).toBe('replica');
    });

    test('bounded says why it chose its node', async () => {
      const headers = { 'Consistency-Level': 'bounded; max-staleness=5000' };
      const read = await lab.one.call('GET', '/users?limit=1', { headers });
      expect(read.headers.get('Route-Reason')).toBe('replica-fresh');
    });
  });

  idempotencySuite(lab);

  describe('the service', () => {
    test('is ready, and shows the nodes', async () => {
      expect((await lab.one.call('GET', '/readyz')).body).toEqual({ status: 'ready' });
      const { body } = await lab.one.call('GET', '/topology');
      expect(body).toMatchObject({ engine, primary: 'db-1', epoch: 1 });
    });

    test('counts decisions by level, reason and node', async () => {
      await lab.one.call('GET', '/users?limit=1', { headers: atPrimary });
      const text = await fetch(`${lab.one.url}/metrics`).then((response) => response.text());
      expect(text).toMatch(
        /router_decisions_total\{level="primary",reason="level-primary",node="db-1",role="primary"\} \d+/,
      );
      expect(text).toMatch(/router_node_primary\{node="db-1"\} 1/);
    });

    test('a client that leaves ends its read, and the replica is as able as before', async () => {
      const leave = new AbortController();
      const headers = { 'Consistency-Level': 'delayed; ms=2000' };
      const left = fetch(`${lab.one.url}/users/1`, { headers, signal: leave.signal }).catch(
        (e: Error) => e.name,
      );
      const metrics = () => fetch(`${lab.one.url}/metrics`).then((response) => response.text());
      await expect.poll(metrics).toContain('http_requests_in_flight 1');
      leave.abort();
      expect(await left).toBe('AbortError');
      await expect.poll(metrics).toContain('http_requests_in_flight 0');
      expect(await metrics()).toMatch(/route="\/users\/:id",status="499"/);
    });

    // Last: it stops the primary.
    test('without a primary, writes are refused for now and reads go on', async () => {
      const { body: user } = await create(lab.one);
      const stale = { 'Consistency-Level': 'eventual' };
      await expect
        .poll(async () => (await lab.one.call('GET', `/users/${user.id}`, { headers: stale })).status)
        .toBe(200);
      await lab.cluster.kill('db-1');
      await expect
        .poll(async () => problem(await create(lab.one)), { timeout: 15_000 })
        .toEqual([503, 'no-primary']);
      const refused = await create(lab.one);
      expect(refused.headers.get('Retry-After')).toBe('1');
      const keyed = await lab.one.call('POST', '/users', {
        body: { name: 'Late', email: newEmail() },
        headers: { 'Idempotency-Key': randomUUID() },
      });
      expect(problem(keyed)).toEqual([503, 'no-primary']);
      for (let i = 0; i < 10; i++) {
        const read = await lab.one.call('GET', `/users/${user.id}`, { headers: stale });
        expect([read.status, read.body]).toEqual([200, user]);
      }
      expect((await lab.one.call('GET', '/readyz')).status).toBe(200);
    });
  });
});
