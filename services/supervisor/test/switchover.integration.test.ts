import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { availableEngines, type Cluster } from '@replication-lab/engines/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Action } from '../src/index.ts';
import {
  CLEAN,
  FINISHED_WITHIN_MS,
  type Scene,
  setScene,
  until,
  type Watch,
  type Writers,
} from './support.ts';

const { engines } = await availableEngines();

describe.each(engines)('%s: another primary is wished for', (engine) => {
  let scene: Scene;
  let cluster: Cluster;
  let watch: Watch;
  let writers: Writers;

  beforeAll(async () => {
    // A busy machine may take longer than a write waits by default, and a supervisor's death takes longer anyway. Without a
    // pause the replicas fall behind, and a switchover waits for them.
    scene = await setScene(engine, '127.0.55', 2, { restarts: true, primaryWaitMs: 20_000, pauseMs: 5 });
    ({ cluster, watch, writers } = scene);
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  beforeEach(({ onTestFailed }) => onTestFailed(() => console.log(watch.story())));

  const more = () => writers.more();
  /** Every node is part of it again: the next switchover needs all. */
  const whole = () => watch.untilWhole();
  const primary = () => watch.status!.primary!;
  const replica = () => cluster.nodes.find(({ name }) => name !== primary())!.name;
  const noneFailed = () => expect([[...writers.refused], [...writers.unknown]]).toEqual([[], []]);

  it('back and forth: no write fails, and each acknowledged one is there', async () => {
    for (const to of ['db-2', 'db-3', 'db-1', 'db-3']) {
      await whole();
      const from = primary();
      const outcome = await watch.switchover(to);
      expect(
        outcome,
        JSON.stringify(
          watch.events.filter((e) => !(e.what === 'order' && e.action.do === 'lock')).slice(-60),
        ),
      ).toMatchObject({ ok: true, from, to });
      console.log(
        `${engine}: ${from} -> ${to}, closed for ${Math.round((outcome as { closedMs: number }).closedMs)} ms`,
      );
      await more();
      noneFailed();
    }
    expect(watch.status).toMatchObject({ primary: 'db-3', epoch: 5 });
    expect(
      watch.events.filter(({ what }) => what === 'confirmed'),
      'nobody was taken for dead',
    ).toEqual([]);
  });

  it('says why not', async () => {
    await whole();
    const passive = watch.passive();
    expect(await watch.switchover('db-9')).toMatchObject({ ok: false, code: 'unknown-node' });
    expect(await watch.switchover('db-3')).toMatchObject({ ok: false, code: 'already-primary' });
    expect(await watch.switchover('db-1', passive)).toMatchObject({ ok: false, code: 'not-acting' });
    const both = await Promise.all([watch.switchover('db-1'), watch.switchover('db-2')]);
    expect(both).toMatchObject([{ ok: true }, { ok: false, code: 'busy' }]);
    await more();
    noneFailed();
  });

  it('a voter that is away is waited for by nobody', async () => {
    await whole();
    const away = replica();
    await cluster.kill(away);
    await until('missed', () => watch.status?.unarmed.some(({ reason }) => reason === 'voter-silent'));
    const other = cluster.nodes.find(({ name }) => name !== primary() && name !== away)!.name;
    expect(await watch.switchover(other)).toMatchObject({ ok: false, code: 'voter-silent' });
    await cluster.start(away);
    await whole();
    noneFailed();
  });

  it.each<Action['do']>(['close', 'detach', 'arm', 'follow', 'promote', 'establish'])(
    'its supervisor ends right after `%s`: the other one finishes it or undoes it within 6 s',
    async (last) => {
      await whole();
      const { epoch } = watch.status!;
      const [from, to] = [primary(), replica()];
      const acting = watch.active!;
      const ended = watch.endAfter(acting, last);
      void watch.switchover(to);
      await ended;
      const endedAtMs = performance.now();
      const isOver = () => watch.status?.state.phase === 'watching' && watch.status.state.wish === null;
      await until('finished or undone', isOver, FINISHED_WITHIN_MS);
      console.log(`${engine}: ended after ${last}, over in ${Math.round(performance.now() - endedAtMs)} ms`);
      await more();
      await watch.untilArmed();
      expect([from, to]).toContain(primary());
      expect(watch.status!.epoch).toBe(primary() === from ? epoch : epoch + 1);
      watch.add();
      noneFailed();
    },
  );

  it('a primary that dies with its data is replaced, and made anew without help', async () => {
    await whole();
    const from = primary();
    await cluster.kill(from);
    await rm(join(cluster.local(from).spec.stateDir, 'data'), { recursive: true });
    expect(await watch.untilPromoted(from)).not.toBe(from);
    await whole();
    await more();
  });

  it('every row that was acknowledged is there once', async () => {
    await writers.stop();
    await whole();
    for (const { name } of cluster.nodes) {
      await until('caught up', async () => (await writers.audit(name)).lost === 0);
      expect(await writers.audit(name), name).toEqual(CLEAN);
    }
  });
});
