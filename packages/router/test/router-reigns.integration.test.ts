import type { EngineName } from '@replication-lab/engines';
import { engineOf } from '@replication-lab/engines/local';
import { availableEngines, type Cluster, startCluster } from '@replication-lab/engines/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Router, RouterError } from '../src/index.ts';
import { addressesOf, asAdmin, routerFor, statements, until } from './support.ts';

const { engines, notRun } = await availableEngines();

for (const { engine, reason } of notRun) test.skip(`NOT RUN: ${engine}: ${reason}`);

/** Promotions by hand, and what sessions of the reign before come to. */
describe.each(engines)('%s', (engine: EngineName) => {
  let cluster: Cluster;
  let router: Router;
  const sql = statements(engine);
  const { admin, client } = engineOf(engine);
  const lost = (error: unknown) => (error instanceof RouterError ? error : Promise.reject(error));
  const newEmail = addressesOf('reigns');
  const detach = (name: string) => asAdmin(cluster, name, (connection) => admin.detach(connection));

  const promote = (name: string, epoch: number, lossless: boolean) =>
    asAdmin(cluster, name, async (connection) => {
      const drained = async () => {
        const { position, received } = await client.probe(connection);
        return client.positions.covers(position, received);
      };
      await until(drained).toBe(true);
      await admin.open(connection, () =>
        admin.writeEpoch(connection, cluster.database, epoch, name, { lossless }),
      );
    });
  const follow = (name: string, source: string) =>
    asAdmin(cluster, name, (connection) =>
      admin.attach(
        connection,
        cluster.endpoint(name),
        cluster.endpoint(source),
        cluster.accounts.replication[name]!,
        { timeoutMs: 30_000 },
      ),
    );

  beforeAll(async () => {
    cluster = await startCluster(engine, { subnet: '127.0.50' });
    router = routerFor(cluster);
    await router.ready();
  });
  afterAll(async () => {
    await router?.close();
    await cluster?.[Symbol.asyncDispose]();
  });

  test('what was replicated goes on; what was lost with the primary is called lost, and begun anew', async () => {
    const email = newEmail();
    const kept = await router.write(sql.insert, [email]);
    await until(() => router.explain('SELECT 1', { token: kept.token }).reason).toBe('replica-caught-up');
    await Promise.all(['db-2', 'db-3'].map(detach));
    const gone = await router.write(sql.insert, [newEmail()]);
    await cluster.kill('db-1');
    await promote('db-2', 2, false);
    await follow('db-3', 'db-2');
    await until(() => router.topology().primary).toBe('db-2');

    const onward = await router.read(sql.byEmail, [email], { token: kept.token });
    expect(onward.rows).toHaveLength(1);
    await until(async () => {
      const { decision } = await router.read(sql.byEmail, [email], { token: kept.token });
      return decision.role;
    }).toBe('replica');

    const error = await router.read(sql.byEmail, [email], { token: gone.token }).then(String, lost);
    expect(error).toMatchObject({ code: 'history-lost', token: expect.any(String) });
    const refused = await router.write(sql.insert, [newEmail()], { token: gone.token }).then(String, lost);
    expect(refused).toMatchObject({ code: 'history-lost' });
    const anew = (error as RouterError).token!;
    expect((await router.read(sql.byEmail, [email], { token: anew })).rows).toHaveLength(1);
    const session = router.session(gone.token);
    await expect(session.read(sql.byEmail, [email])).rejects.toMatchObject({ code: 'history-lost' });
    expect((await session.read(sql.byEmail, [email])).rows).toHaveLength(1);
  });

  test('after a promotion that was proved to lose nothing, a position above the fork is moved back to it', async () => {
    const ahead = await router.write(sql.insert, [newEmail()]);
    await until(() => router.explain('SELECT 1', { token: ahead.token }).reason).toBe('replica-caught-up');
    await detach('db-3');
    const above = await router.write(sql.insert, [newEmail()]);
    await cluster.kill('db-2');
    await promote('db-3', 3, true);
    await until(() => router.topology().primary).toBe('db-3');
    const email = newEmail();
    const { token } = await router.write(sql.insert, [email], { token: above.token });
    expect((await router.read(sql.byEmail, [email], { token })).rows).toHaveLength(1);
  });
});
