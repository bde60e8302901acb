import { availableEngines, type Cluster } from '@replication-lab/engines/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLEAN, type Scene, setScene, until, type Watch, type Writers } from './support.ts';

const { engines } = await availableEngines();

describe.each(engines)('%s: the primary goes', (engine) => {
  let scene: Scene;
  let cluster: Cluster;
  let watch: Watch;
  let writers: Writers;

  beforeAll(async () => {
    scene = await setScene(engine, '127.0.54', 2);
    ({ cluster, watch, writers } = scene);
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  const more = () => writers.more();

  it('a primary that is frozen for a moment stays in office', async () => {
    await cluster.kill('db-1', 'SIGSTOP');
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, 300);
    await promise;
    await cluster.kill('db-1', 'SIGCONT');
    await more();
    await watch.untilArmed();
    expect(watch.status).toMatchObject({ primary: 'db-1', epoch: 1 });
    expect(watch.events.filter((event) => event.what === 'order' && event.action.do === 'promote')).toEqual(
      [],
    );
  });

  it('one supervisor acts, and when it ends another one takes over', async () => {
    const first = watch.active!;
    await watch.end(first);
    await watch.untilArmed();
    expect(watch.active).not.toBe(first);
    expect(watch.status).toMatchObject({ primary: 'db-1', epoch: 1 });
    watch.add();
  });

  it('killed: a replica takes its place, and nothing acknowledged is lost', async () => {
    await cluster.kill('db-1');
    const promoted = await watch.untilPromoted('db-1');
    await more();
    expect(watch.status).toMatchObject({ primary: promoted, epoch: 2 });
    const row = await reignOf(cluster, promoted);
    expect(row).toMatchObject({ epoch: 2, node: promoted, lossless: true });
  });

  it('and the event log tells how, with what the successor was chosen by', () => {
    const primary = 'db-1';
    const moments = watch.events.filter(({ what }) => what !== 'phase' && what !== 'order');
    const end = moments.findIndex((event) => event.what === 'opened' && event.epoch === 2);
    const node = watch.status!.primary!;
    const voters = ['db-2', 'db-3'].map((name) => ({ name, detachedAt: expect.any(String), epoch: 1 }));
    expect(moments.slice(end - 4, end + 1)).toMatchObject([
      { what: 'suspected', primary, epoch: 1 },
      { what: 'confirmed', primary, epoch: 1, evidence: expect.stringMatching(/hard|soft/) },
      { what: 'chosen', node, epoch: 1, voters, old: { name: primary, held: expect.any(String) } },
      { what: 'promoted', node, epoch: 2 },
      { what: 'opened', node, epoch: 2, from: primary, outageMs: expect.any(Number) },
    ]);
  });

  it('with two nodes gone nobody acts; the primary comes back, and has its office again with the one that is left', async () => {
    const second = watch.status!.primary!;
    await cluster.kill(second);
    await until('without a majority of locks', () => watch.active === null);
    await cluster.start(second);
    // It boots closed. db-1, which is away, was a voter and may hold what was acknowledged; the primary holds that too.
    await until('open again', () => watch.status?.state.phase === 'watching' && watch.status.epoch === 3);
    await more();
    expect(watch.status).toMatchObject({ primary: second, epoch: 3 });
    expect(await reignOf(cluster, second)).toMatchObject({ epoch: 3, node: second, lossless: true });
  });

  it('every row that was acknowledged is there once, and none that was refused', async () => {
    await writers.stop();
    for (const { name } of cluster.nodes) {
      if (name === 'db-1') continue;
      await until(`caught up: ${name}`, async () => (await writers.audit(name)).lost === 0);
      expect(await writers.audit(name), name).toEqual(CLEAN);
    }
  });
});

describe.each(engines)('%s: the primary freezes', (engine) => {
  it('a replica takes its place, and the old one acknowledges nothing when it wakes up', async () => {
    await using scene = await setScene(engine, '127.0.54', 2);
    const { cluster, watch, writers } = scene;
    await cluster.kill('db-1', 'SIGSTOP');
    const promoted = await watch.untilPromoted('db-1');
    await writers.more();
    await cluster.kill('db-1', 'SIGCONT');
    await until('seen again', () => watch.status?.reasons.some(({ reason }) => reason === 'needs-restart'));
    await writers.more();
    await writers.stop();
    const other = ['db-2', 'db-3'].find((name) => name !== promoted)!;
    expect(await writers.audit(promoted)).toEqual(CLEAN);
    await until('caught up', async () => (await writers.audit(other)).lost === 0);
    expect(await writers.audit(other)).toEqual(CLEAN);
  });
});

async function reignOf(cluster: Cluster, node: string) {
  await using connection = await cluster.admin(node);
  const { rows } = await connection.query(
    'SELECT epoch, node, lossless FROM lab_epoch ORDER BY epoch DESC LIMIT 1',
  );
  const [row] = rows;
  return row && { epoch: Number(row.epoch), node: row.node, lossless: Boolean(row.lossless) };
}
