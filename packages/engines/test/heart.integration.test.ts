import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineOf } from '../src/engines.ts';
import type { Connection } from '../src/index.ts';
import { availableEngines, type Cluster, startCluster } from '../src/testing/index.ts';
import { waitFor } from '../src/wait-for.ts';

const { engines } = await availableEngines();
const LIMIT = { timeoutMs: 30_000, everyMs: 10 };

describe.each(engines)('%s: heartbeats', (name) => {
  const { failover } = engineOf(name);
  let cluster: Cluster;
  const channels: Connection[] = [];

  beforeAll(async () => {
    cluster = await startCluster(name, { subnet: '127.0.58', nodes: 2, supervised: true });
    for (const node of cluster.nodes) {
      const options = { database: cluster.database, connectTimeoutMs: 2_000 };
      channels.push(await failover.openChannel(node, cluster.accounts.supervisor, options));
    }
  });
  afterAll(async () => {
    for (const channel of channels) channel.destroy();
    await cluster?.[Symbol.asyncDispose]();
  });

  const heartOf = (i: number) => failover.openHeart(channels[i]!, 2_000);
  const markers = async () => {
    await using admin = await cluster.admin('db-1');
    return (await admin.query('SELECT * FROM lab_marker')).rows;
  };

  it('become part of the history of an open primary, and leave no row', async () => {
    const before = await failover.observe(channels[0]!);
    const rows = await markers();
    const heart = await heartOf(0);
    expect(await heart.beat()).toBe(true);
    expect(await heart.beat()).toBe(true);
    heart.destroy();
    const after = await failover.observe(channels[0]!);
    expect(after.held).not.toBe(before.held);
    expect(after.waiting).toBe(0);
    expect(await markers()).toEqual(rows);
  });

  it('write nothing on a replica', async () => {
    const heart = await heartOf(1);
    expect(await heart.beat()).toBe(false);
    heart.destroy();
    expect((await failover.observe(channels[1]!)).ownWrites).toBe('');
  });

  it('wait for a replica, and show as waiting, where nobody confirms', async () => {
    await failover.detach(channels[1]!);
    await failover.arm(channels[0]!, [cluster.endpoint('db-2')]);
    const heart = await heartOf(0);
    let isOver = false;
    const beat = heart.beat().finally(() => {
      isOver = true;
    });
    beat.catch(() => {}); // it ends with the connection
    const waits = async () => (await failover.observe(channels[0]!)).waiting > 0;
    expect(await waitFor(waits, LIMIT)).toBe(true);
    expect(isOver).toBe(false);
    heart.destroy();
  });
});
