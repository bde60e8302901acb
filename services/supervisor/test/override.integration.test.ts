import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { availableEngines, type Cluster, startCluster } from '@replication-lab/engines/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLEAN, until, Watch, Writers } from './support.ts';

const { engines } = await availableEngines();

describe.each(engines)('%s: two nodes are gone, and a person gives them up', (engine) => {
  let cluster: Cluster;
  let watch: Watch;

  beforeAll(async () => {
    cluster = await startCluster(engine, { subnet: '127.0.57', supervised: true });
    watch = new Watch(cluster, 1, null, { restarts: true });
    await watch.untilArmed();
  });
  afterAll(async () => {
    await watch?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  const code = async (to: string, allow = true) => {
    const outcome = await watch.override(to, allow);
    return outcome.ok ? 'done' : outcome.code;
  };

  it('is refused while the primary, or another node, answers', async () => {
    expect(await code('db-9')).toBe('unknown-node');
    expect(await code('db-2')).toBe('primary-alive');
    await cluster.kill('db-3');
    await until('missed', () => watch.status?.unarmed.some(({ reason }) => reason === 'voter-silent'));
    expect(await code('db-2')).toBe('primary-alive');
    expect(await code('db-3')).toBe('node-silent');
  });

  it('begins a reign on the one that is left, which stays closed until a node that was made anew confirms', async () => {
    await cluster.kill('db-1');
    await until('known to be away', async () => (await code('db-2', false)) === 'data-may-be-lost');
    const asked = await watch.override('db-2', false);
    expect(asked).toMatchObject({ detail: expect.stringMatching(/db-1 \(primary.*last seen.*unknown/) });
    const outcome = await watch.override('db-2', true);
    expect(outcome, JSON.stringify(watch.events.slice(-10))).toMatchObject({
      ok: true,
      to: 'db-2',
      epoch: 3,
    });
    await using connection = await cluster.admin('db-2');
    const { rows } = await connection.query('SELECT node, lossless FROM lab_epoch WHERE epoch = 3');
    expect(rows.map(({ node, lossless }) => [node, Boolean(lossless)])).toEqual([['db-2', false]]);
    expect((await connection.query('SELECT 1 AS one')).rows).toHaveLength(1);
    const opened = () => watch.events.some((event) => event.what === 'opened' && event.epoch === 3);
    expect(opened()).toBe(false);
    // One of them has lost its data, too.
    await rm(join(cluster.local('db-3').spec.stateDir, 'data'), { recursive: true });
    await until('open', opened, 60_000);
    expect(watch.status).toMatchObject({ primary: 'db-2', epoch: 3 });
  });

  it('the other one comes back, and is let in only without what the new history lacks', async () => {
    await using writers = new Writers(cluster, 2);
    await writers.more();
    await cluster.start('db-1');
    await watch.untilWhole();
    await writers.stop();
    for (const { name } of cluster.nodes) {
      await until('caught up', async () => (await writers.audit(name)).lost === 0);
      expect(await writers.audit(name), name).toEqual(CLEAN);
    }
  });
});
