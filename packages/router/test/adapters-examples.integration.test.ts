import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { EngineName } from '@replication-lab/engines';
import { availableEngines, type Cluster, startCluster } from '@replication-lab/engines/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as drizzle from '../examples/drizzle.ts';
import * as expressMysql2 from '../examples/express-mysql2.ts';
import * as expressPg from '../examples/express-pg.ts';
import * as kysely from '../examples/kysely.ts';
import type { Router } from '../src/index.ts';
import { delayReplicas, healthy, newEmail, nothingBorrowed } from './adapters-support.ts';
import { routerFor } from './support.ts';

const { engines, notRun } = await availableEngines();

for (const { engine, reason } of notRun) test.skip(`NOT RUN: ${engine}: ${reason}`);

describe.each(engines)('the examples: %s', (engine: EngineName) => {
  let cluster: Cluster;
  let router: Router;

  beforeAll(async () => {
    cluster = await startCluster(engine, { subnet: '127.0.48' });
    router = routerFor(cluster);
    await router.ready();
  });
  afterAll(async () => {
    await router?.close();
    await cluster?.[Symbol.asyncDispose]();
  });

  test('Express: a client reads what it wrote, with the token in the header or in the cookie', async () => {
    await healthy(router);
    const { createApp } = engine === 'postgres' ? expressPg : expressMysql2;
    const server = createApp(router).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/users`;
    await delayReplicas(cluster, 10);
    try {
      const posted = await fetch(url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ name: 'Ada', email: newEmail() }),
      });
      expect(posted.status).toBe(201);
      const { id } = (await posted.json()) as { id: number };
      const token = posted.headers.get('Consistency-Token')!;
      const cookie = posted.headers.getSetCookie()[0]!.split(';')[0]!;
      expect(cookie).toBe(`consistency_token=${token}`);
      expect((await fetch(`${url}/${id}`)).status).toBe(404);
      for (const headers of [{ 'Consistency-Token': token }, { Cookie: `other=1; ${cookie}` }]) {
        const got = await fetch(`${url}/${id}`, { headers });
        expect(got.status).toBe(200);
        expect(await got.json()).toMatchObject({ id, name: 'Ada' });
        expect(got.headers.get('Route-Reason')).toMatch(/^db-\d [a-z-]+$/);
      }
      const forged = await fetch(`${url}/${id}`, { headers: { 'Consistency-Token': 'forged' } });
      expect(forged.status).toBe(400);
      expect(await forged.json()).toEqual({ error: 'invalid-token' });
    } finally {
      await delayReplicas(cluster, 0);
      server.close();
      server.closeAllConnections();
    }
  });

  test(engine === 'postgres' ? 'Kysely' : 'Drizzle', async () => {
    await healthy(router);
    const email = newEmail();
    const expected = { user: { name: 'Ada', email, version: 2 }, token: expect.any(String) };
    if (engine === 'postgres') {
      const db = kysely.kyselyOver(router);
      expect(await kysely.signUp(router, db, 'Ada', email)).toMatchObject(expected);
      expect((await kysely.census(db)).users).toBeGreaterThanOrEqual(0);
    } else {
      const db = drizzle.drizzleOver(router);
      expect(await drizzle.signUp(router, db, 'Ada', email)).toMatchObject(expected);
      expect((await drizzle.census(db)).users).toBeGreaterThanOrEqual(0);
    }
    await nothingBorrowed(router);
  });
});
